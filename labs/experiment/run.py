"""One run: the topic, clients, faults and measurements that an experiment's body works with."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, for_code
from kafka.protocol.admin import ElectionType

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.experiment.healing import heal
from labs.experiment.live import Live
from labs.experiment.result import Measured, Result
from labs.experiment.settings import Value
from labs.experiment.story import story
from labs.experiment.views import Lines, Point, Story, View
from labs.kafka.actions import ACTIONS
from labs.kafka.admin import ask
from labs.kafka.cluster import CONTROLLER_ID, Cluster, Fault, State, label_of
from labs.kafka.heard import has_heard
from labs.kafka.wire import NO_ANSWER
from labs.observe.offsets import log_ends
from labs.observe.sampler import watch
from labs.observe.snapshot import Partition
from labs.observe.timeline import Timeline
from labs.supervise.cgroup import cores
from labs.workload import Load, read_back, set_here
from labs.workload.checker import (
    KEY_ORDER,
    LOG,
    PROCESSING,
    UNKNOWN,
    KeyOrder,
    Processing,
    Report,
    check,
    check_key_order,
    check_processing,
)
from labs.workload.history import History, Log, Read
from labs.workload.reading import READ_TIMEOUT_S, reader_options
from labs.workload.set_here import Departure

T = TypeVar("T")

WAIT_S = 30.0
PAUSE_S = 0.03
#: A broker tells of a new setting a moment before it goes by it, s.
APPLIED_S = 0.1
FLUSH_S = 5.0

#: A follower may begin to copy a new topic so much later, s: what it asked before, its leader may
#: hold for 0.5 s (`replica.fetch.wait.max.ms`); and where it asks before the leader knows that it
#: leads (UNKNOWN_TOPIC_OR_PARTITION in its log), it asks again after the lab's
#: `replica.fetch.backoff.ms`. Nothing that can be asked tells whether an empty topic is copied.
COPYING_S = 0.7

#: What a broker does by its wall clock in any run that silences a follower (Kafka's Partition,
#: isFollowerOutOfSync: `time.milliseconds`). By their monotonic clocks go the controller's sessions
#: (BrokerHeartbeatTracker), groups' sessions, and what waits in a purgatory (SystemTimer).
LAGGING = "a leader measures by it how long a silent follower lags"

#: Why nothing is known of what an experiment is about.
UNSEEN = "the run did not come so far"


@dataclass
class Run:
    """One run: what the body works with. `run["acks"]` is a setting's value."""

    name: str
    cluster: Cluster
    settings: Mapping[str, Value]
    live: Live
    history: History = field(default_factory=History)
    measurements: dict[str, Measured] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    conclusion: str = ""
    topic: str = ""
    partitions: int = 1
    timeline: Timeline | None = None
    log: Log | None = None  # what the final read found, once there is a verdict
    judges: tuple[str, ...] = (LOG,)
    began: float = field(default_factory=now)
    _loads: list[Load] = field(default_factory=list)
    _producers: list[KafkaProducer] = field(default_factory=list)
    _closers: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _report: Report | None = None
    _processing: Processing | None = None
    _key_order: KeyOrder | None = None
    _sent: list[Point] = field(default_factory=list)
    _set_here: dict[Departure, None] = field(default_factory=dict)  # in the order of coming
    _topic_given: list[tuple[str, str]] = field(default_factory=list)
    by_wall: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]

    # -- telling ------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """What is being done, for whoever looks on."""
        self.live.said = text

    def sleep(self, seconds: float) -> None:
        """Wait; ends the run when the learner pressed Stop."""
        self.live.sleep(seconds)

    def wait(self, true: Callable[[], T | None], what: str, timeout_s: float = WAIT_S) -> T:
        """Wait until something is true, and return it.

        Raises:
            LabsError: it did not come true in time.
        """
        deadline = time.monotonic() + timeout_s
        while not (found := true()):
            if time.monotonic() > deadline:
                raise LabsError(
                    f"waited {timeout_s:g} s in vain until {what}", hint="look at `labs logs`"
                )
            self.sleep(PAUSE_S)
        return found

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return now() - self.began

    def show(self, view: View) -> None:
        """Add a view to the result; the live picture goes on as it was."""
        self.views.append(view)

    def show_live(self, view: View | Callable[[], View]) -> None:
        """What is drawn while the run goes on; a function is asked again for each picture."""
        self.live.view = view

    def conclude(self, sentence: str) -> None:
        """What the run has shown, in a sentence."""
        self.conclusion = sentence

    # -- topics and clients ---------------------------------------------------------------------

    def make_topic(
        self,
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
        replicas: int = 3,
        watch: bool = True,
    ) -> str:
        """Make the run's topic, and begin to watch it; earlier runs' topics are deleted."""
        prefix = self.cluster.named(f"{self.name.replace('.', '-').replace('_', '-')}-")
        self.topic, self.partitions = f"{prefix}{uuid.uuid4().hex[:6]}", partitions
        settings = {"retention.ms": "-1", **self.cluster.limits, **(config or {})}
        wanted = {
            "num_partitions": partitions,
            "replication_factor": replicas,
            "configs": settings,
        }

        def make(client: KafkaAdminClient) -> None:
            old = [t for t in client.list_topics() if t.startswith(prefix)]
            if self.topic in old:
                return  # an earlier try was heard, only its answer was not
            if old:
                client.delete_topics(old, raise_errors=False)
            client.create_topics({self.topic: wanted})

        self.ask(make)
        self._topic_given += settings.items()
        copied = now() + COPYING_S
        self._await_topic(partitions, replicas)
        if watch:
            self.timeline = Timeline(self.cluster, self.topic, partitions)
            self.timeline.start()
            self._closers.callback(self.timeline.stop)
            self.wait(lambda: self.timeline and self.timeline.latest(), "the topic was seen")
            self.live.view = self.story
        self.sleep(max(0.0, copied - now()))
        self.began = now()
        if not watch:
            self.live.view = self.so_far
        return self.topic

    def _await_topic(self, partitions: int, replicas: int) -> None:
        watching = watch(self.cluster, self.topic)
        self._closers.callback(watching.close)

        def whole() -> bool:
            told = watching.look().partitions
            seen = [p for p in told if p.leader is not None and not p.out_of_sync]
            return len(seen) == partitions and all(len(p.replicas) == replicas for p in seen)

        self.wait(whole, f"{self.topic} had all its replicas")

    def ask(self, question: Callable[[KafkaAdminClient], T]) -> T:
        """Kafka's answer to what may be asked twice; only brokers that run are asked.

        Raises:
            LabsError: no answer in time, or a refusal.
        """
        return ask(self.serving, question)

    @property
    def serving(self) -> list[str]:
        """`host:port` of the brokers that run, else of all.

        A client that begins with these need not wait for a dead one: kafka-python 3.0 picks its
        first broker at random, may pick a dead one time and again, and waits longer each time.
        """
        alive = [node.address for node in self.cluster.status().serving]
        return alive or list(self.cluster.bootstrap)

    def read(self, first: Collection[int] = ()) -> Log:
        """All that a fresh consumer finds in the topic at this moment; `first` as in `read_back`.

        Raises:
            LabsError: it did not come to the end, which says nothing of what can be read.
        """
        log = self.read_back(first=first)
        if not log.complete:
            raise LabsError(
                f"a fresh consumer did not read to the end: {log.why}", hint="run it again"
            )
        return log

    def producer(self, who: str = "producer", **options: Any) -> KafkaProducer:
        """A kafka-python producer on this cluster, closed when the run ends; `who` names it."""
        given = {"metadata_max_age_ms": 5000, "reconnect_backoff_max_ms": 500, **options}
        self.note(set_here.kafka_python("producer", given, who))
        producer = KafkaProducer(bootstrap_servers=self.cluster.bootstrap, **given)
        self._producers.append(producer)
        return producer

    def consumer(self, **options: Any) -> KafkaConsumer:
        """A kafka-python consumer on this cluster, in no group; closed when the run ends."""
        self.note(set_here.kafka_python("consumer", options))
        consumer = KafkaConsumer(bootstrap_servers=self.cluster.bootstrap, **options)
        self.closing(consumer.close)
        return consumer

    def admin(self, **options: Any) -> KafkaAdminClient:
        """A kafka-python admin client on this cluster, closed when the run ends.

        For what the run is about: `ask` is for what it merely needs to know.
        """
        self.note(set_here.kafka_python("admin client", options))
        client = KafkaAdminClient(bootstrap_servers=self.cluster.bootstrap, **options)
        self.closing(client.close)
        return client

    def note(self, departures: Iterable[Departure]) -> None:
        """Have the result name what is set otherwise than the default."""
        self._set_here |= dict.fromkeys(departures)

    def load(
        self, producer: KafkaProducer, rate: float, count: int | None = None, **options: Any
    ) -> Load:
        """Send numbered records to the run's topic, from now on."""
        load = Load(self.history, producer, self.topic, rate, count, **options).start()
        self._loads.append(load)
        return load

    def closing(self, close: Callable[[], object]) -> None:
        """Have something closed when the run ends, however it ends."""
        self._closers.callback(close)

    # -- faults --------------------------------------------------------------------------------

    def partition(self, index: int = 0) -> Partition:
        """The partition as it is now."""
        watching = watch(self.cluster, self.topic)
        try:
            return self.wait(
                lambda: watching.look().partition(self.topic, index),
                f"{self.topic}-{index} was seen",
            )
        finally:
            watching.close()

    def leader(self, index: int = 0) -> int:
        """Who leads now."""

        def led() -> tuple[int] | None:
            leader = self.partition(index).leader
            return None if leader is None else (leader,)  # somebody's brokers begin with 0

        return self.wait(led, "there was a leader")[0]

    def followers(self, index: int = 0) -> list[int]:
        """The other replicas, in the order of their ids."""
        seen = self.partition(index)
        return sorted(set(seen.replicas) - {seen.leader})

    def fault(self, action: str, node: int) -> float:
        """Do something to a node: kill, pause, resume, stop or start; returns when it began."""
        if action in ("kill", "pause") and node != CONTROLLER_ID and not self._leads(node):
            self.by_wall = LAGGING
        fault = Fault(now(), action, node)
        self.faults.append(fault)
        self.say(f"{ACTIONS[action].doing} {label_of(node)}")
        ACTIONS[action].do(self.cluster, node)
        return fault.time

    def _leads(self, node: int) -> bool:
        """Whether it was last seen to lead partition 0; nobody measures how far a leader lags."""
        seen = self.timeline.latest() if self.timeline else None
        return seen is not None and seen.leader == node

    def elect(self, kind: ElectionType) -> str:
        """Have a leader of partition 0 elected (KIP-460); the refusal's name, or ""."""
        asked = {self.topic: [0]}
        answer: Any = self.ask(lambda c: c.elect_leaders(kind, asked, raise_errors=False))
        codes = [p.error_code for r in answer.replica_election_results for p in r.partition_result]
        return for_code(codes[0]).__name__ if any(codes) else ""

    def set_topic(self, settings: Mapping[str, str]) -> None:
        """Change settings of the run's topic, and wait until partition 0's leader has them.

        Raises:
            LabsError: the leader did not hear of them in time.
        """
        self._topic_given += settings.items()
        self.cluster.set_topic_config(self.topic, settings)
        with self.cluster.line(self.leader(), timeout_s=5) as leader:
            self.wait(lambda: has_heard(leader, self.topic, settings), "the leader heard of it")
        self.sleep(APPLIED_S)

    # -- the end -------------------------------------------------------------------------------

    def so_far(self) -> Lines:
        """How many records have been sent: what is drawn while nothing else is.

        It only counts: whoever sends as fast as it can must not be held up by being looked at.
        """
        self._sent.append((self.elapsed(), self.history.next_number))
        sent = {"sent": tuple(self._sent)}
        return Lines("", sent, "elapsed_s", "records_sent")

    def story(self, title: str = "") -> Story:
        """The life of partition 0 so far."""
        assert self.timeline is not None, "make_topic(watch=True) first"
        return story(self.timeline, title, self.began, self.faults, self.history.sends)

    def verdict(self) -> Report:
        """Mend the cluster, read the topic to its very end and check every record, once."""
        if self._report is None:
            self.say("mending the cluster")
            heal(self.cluster)
            self._close_senders()
            self.history.close(now())
            self.say("reading everything back")
            ends = self.log_ends()
            self.log = log = self.read_back(ends)
            # Nobody watched: then whoever leads now acknowledged, if nothing was broken.
            known = not (self.faults or self.timeline)
            now_leading = {p: self.leader(p) for p in ends} if known else {}
            leader_at = (
                self.timeline.leader_at if self.timeline else (lambda p, _time: now_leading.get(p))
            )
            self._report = check(self.history.sends, log, leader_at)
            if self.timeline:
                self.timeline.stop()
        return self._report

    def read_back(
        self,
        ends: Mapping[int, int] | None = None,
        first: Collection[int] = (),
        timeout_s: float = READ_TIMEOUT_S,
    ) -> Log:
        """What a fresh consumer finds in the topic, whether or not it came to the end.

        Arguments as `labs.workload.read_back` has them; `ends` are its `log_ends`.
        """
        options = reader_options(timeout_s)
        self.note(set_here.kafka_python("consumer", options, "final reader"))
        return read_back(self.serving, self.topic, ends, timeout_s, first=first)

    def judge_processing(
        self, processed: Sequence[Read], unfinished: str = "", asked_from: float | None = None
    ) -> Processing:
        """Judge what a group did with the records; arguments as `check_processing` has them."""
        self.verdict()
        assert self.log is not None
        self._processing = check_processing(
            self.history.sends, self.log, processed, unfinished, asked_from
        )
        return self._processing

    def judge_key_order(self, log: Log) -> KeyOrder:
        """Judge the order in which one reader got each key's records."""
        self._key_order = check_key_order(self.history.sends, log)
        return self._key_order

    def _close_senders(self) -> None:
        """What a producer still holds back would else be written after everything was read."""
        while self._loads:
            self._loads.pop().stop(flush_s=0)
        while self._producers:
            _close(self._producers.pop())

    def log_ends(self) -> dict[int, int]:
        """The leaders' log end offsets, asked of the leaders themselves.

        Raises:
            LabsError: one did not answer in time.
        """
        found: dict[int, int] = {}
        for index in range(self.partitions):
            told = self.wait(
                partial(self._log_end, index), f"{self.topic}-{index}'s leader answered"
            )
            found |= told
        return found

    def _log_end(self, index: int) -> dict[int, int] | None:
        """What the leader says; None where it does not answer: it is busy, or leads no more."""
        with contextlib.suppress(*NO_ANSWER), self.cluster.line(self.leader(index)) as broker:
            told = log_ends(broker, [(self.topic, index)])
            return {place[1]: offset for place, offset in told.items()}
        return None

    def result(self) -> Result:
        """Everything found, the verdict included."""
        report = self.verdict()
        return Result(
            experiment=self.name,
            settings=dict(self.settings),
            report=report,
            topic=self.topic,
            bootstrap=list(self.cluster.bootstrap),
            duration_s=round(self.elapsed(), 2),
            measurements={**self.measurements, **_circumstances()},
            views=tuple(self.views),
            conclusion=self.conclusion,
            faults=tuple(self.faults),
            set_here=(*self._set_here, *self._topic_departures()),
            by_wall=self.by_wall,
            processing=judged(
                self.judges, PROCESSING, self._processing, Processing(UNKNOWN, why=UNSEEN)
            ),
            key_order=judged(
                self.judges, KEY_ORDER, self._key_order, KeyOrder(UNKNOWN, why=UNSEEN)
            ),
        )

    def _topic_departures(self) -> tuple[Departure, ...]:
        """What the topic was ever set to otherwise; the defaults are the brokers' own word."""
        topic = ConfigResource(ConfigResourceType.TOPIC, self.topic)
        told = self.ask(lambda client: client.describe_configs([topic], include_synonyms=True))
        return set_here.topic(told["topic"][self.topic], self._topic_given)

    def close(self) -> None:
        """End the clients, take back the settings, mend the cluster; whatever happened."""
        self.say("mending the cluster")
        try:
            if any(n.state is not State.RUNNING for n in self.cluster.status().nodes):
                self.cluster.start()
        finally:
            self._close_senders()
            self._closers.close()
            heal(self.cluster)
            self.say("")


def judged(judges: Collection[str], what: str, found: T | None, unseen: T) -> T | None:
    """The judgement on what an experiment is about; None: it is not about that."""
    return (found or unseen) if what in judges else None


def _circumstances() -> dict[str, Measured]:
    """What a reader of the figures must know: client and brokers share these cores."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return {"cores_shared": cores(), "load_average_1min": load}


def _close(producer: KafkaProducer) -> None:
    with contextlib.suppress(KafkaError, AssertionError):
        producer.close(timeout=FLUSH_S)
