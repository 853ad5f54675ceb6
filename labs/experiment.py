"""An experiment is a value: settings, one question, and a plain function on a live cluster.

>>> EXPERIMENT = Experiment("acks.leader_crash", "What is lost when …?", SETTINGS, body)
>>> result = EXPERIMENT.run(cluster, {"acks": "all"})
>>> result.report.verdict
'valid'

The body gets a `Run`: the topic, clients, faults and measurements of this one run. When the body
is over, however it ended, its clients are closed and the cluster is whole again.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from confluent_kafka import KafkaException
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, for_code
from kafka.protocol.admin import ElectionType

from labs import set_here
from labs.checker import (
    KEY_ORDER,
    LOG,
    PROCESSING,
    UNKNOWN,
    Judgement,
    KeyOrder,
    Processing,
    Report,
    check,
    check_key_order,
    check_processing,
    in_doubt,
)
from labs.clock import Jump, now, watching_the_wall
from labs.cluster.cgroup import cores
from labs.cluster.features import Feature
from labs.cluster.housekeeping import ask
from labs.cluster.protocol import CONTROLLER_ID, Cluster, Fault, State
from labs.cluster.wire import NO_ANSWER
from labs.errors import BadInput, Foreseen, LabsError
from labs.heard import has_heard
from labs.history import History, Log, Read
from labs.offsets import log_ends
from labs.set_here import Departure
from labs.settings import Setting, Value, resolve
from labs.snapshot import Observer, Partition
from labs.timeline import Timeline
from labs.views import Lines, Point, Story, View
from labs.workload import Load, read_back, undisturbed
from labs.workload.reading import READ_TIMEOUT_S, reader_options

T = TypeVar("T")

HEAL_TIMEOUT_S = 40.0
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

Measured = float | str | None

#: Why nothing is known of what an experiment is about.
UNSEEN = "the run did not come so far"

_DOING = {
    "kill": "killing",
    "pause": "pausing",
    "resume": "resuming",
    "stop": "stopping",
    "start": "starting",
}


class Stopped(Foreseen):
    """The learner pressed Stop. No LabsError, so that nothing on its way takes it for a failure."""

    def __str__(self) -> str:
        return "the run was stopped, and the cluster is whole again."


@dataclass(frozen=True)
class Options:
    """What a learner may predict: each option with what to say to those who chose it wrongly.

    `measured` tells from a result which option came true (None: this run can't tell).
    """

    question: str
    options: Mapping[str, str]
    measured: Callable[[Result], str | None]


@dataclass(frozen=True)
class Estimate:
    """A number that a learner may predict. `measured` names the measurement; `why` explains it.

    A prediction within `close` of it (a part of the range) counts as right.
    """

    question: str
    unit: str
    low: float
    high: float
    measured: str
    why: str
    step: float = 1
    close: float = 0.1


Ask = Options | Estimate


@dataclass(frozen=True)
class Result:
    """What one run found. `views` can be drawn by `labs.charts`; `conclusion` is a sentence.

    `report` is the verdict on the log; `processing` and `key_order` are None where the experiment
    is not about them. `measurements`: name, unit included (`stall_ms`) → figure; None: it can't be
    told. `set_here`: what was set otherwise than the default, by the learner or by the experiment.
    `jumps`: how the wall clock was set meanwhile; `doubt`: why nothing can be concluded.
    """

    experiment: str
    settings: Mapping[str, Value]
    report: Report
    topic: str
    bootstrap: Sequence[str]
    duration_s: float
    measurements: Mapping[str, Measured]
    views: tuple[View, ...] = ()
    conclusion: str = ""
    faults: tuple[Fault, ...] = ()
    set_here: tuple[Departure, ...] = ()
    processing: Processing | None = None
    key_order: KeyOrder | None = None
    jumps: tuple[Jump, ...] = ()
    doubt: str = ""

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """All that the experiment is about, the log first."""
        found: tuple[Judgement | None, ...] = (self.report, self.processing, self.key_order)
        return tuple(judgement for judgement in found if judgement is not None)

    def words(self) -> str:
        """Every verdict as a sentence or two."""
        return " ".join(judgement.words() for judgement in self.judgements)

    def as_dict(self) -> dict[str, Any]:
        """The object that `labs run --json` prints."""
        return {
            "experiment": self.experiment,
            "settings": dict(self.settings),
            **self.report.as_dict(),
            PROCESSING: self.processing.as_dict() if self.processing else None,
            KEY_ORDER: self.key_order.as_dict() if self.key_order else None,
            **self._circumstances(),
            "topic": self.topic,
            "bootstrap": list(self.bootstrap),
            "duration_s": self.duration_s,
            "measurements": dict(self.measurements),
            "set_here": [departure.as_dict() for departure in self.set_here],
        }

    def figures(self) -> dict[str, Any]:
        """What of that prose can speak of: neither records nor addresses."""
        told = self.as_dict()
        names = ("experiment", "settings", "verdict", "counts", "measurements")
        judged = {name: told[name] for name in (PROCESSING, KEY_ORDER) if told[name]}
        for about in judged.values():
            del about["offenders"]
        return {**{name: told[name] for name in names}, **judged}

    def _circumstances(self) -> dict[str, Any]:
        """Why a verdict is unknown, and how the wall clock was set: where there is such a thing."""
        subjects = zip((LOG, PROCESSING, KEY_ORDER), (self.report, self.processing, self.key_order),
                       strict=True)  # fmt: skip
        why = {name: found.why for name, found in subjects if found is not None and found.why}
        jumps = [round(jump.by_s, 1) for jump in self.jumps]
        told = {"unknown_because": why, "wall_clock_jumps_s": jumps}
        return {name: value for name, value in told.items() if value}


class Live:
    """What a run tells while it goes on, and how it is told to stop; safe to share by threads."""

    def __init__(self) -> None:
        self.said = ""
        self.view: View | Callable[[], View] | None = None
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask the run to end at its next step."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether the run has been asked to end."""
        return self._stop.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait, unless asked to end.

        Raises:
            Stopped: the run was asked to end.
        """
        if self._stop.wait(seconds):
            raise Stopped

    def current_view(self) -> View | None:
        """What there is to draw by now."""
        view = self.view
        return view() if callable(view) else view


@dataclass(frozen=True)
class Experiment:
    """One question to a live cluster.

    Args:
        name: `chapter.what`.
        question: what the learner wants to know, in a sentence.
        settings: what can be changed, with bounds.
        body: does it; gets the `Run`.
        ask: the prediction asked before the first run.
        breaks: whether it needs a cluster whose processes can be broken.
        judges: what it is about beside the log: `checker.PROCESSING`, `checker.KEY_ORDER`.
        by_wall: settings → what of it a broker or a client measures by its wall clock, as the end
            of a sentence (“brokers end …”): if that clock is set meanwhile, nothing is concluded.
            Empty: nothing of it.
        needs: what a cluster must be able to do for a value of a setting: (name, value) → feature.
    """

    name: str
    question: str
    settings: tuple[Setting, ...]
    body: Callable[[Run], None]
    ask: Ask | None = None
    breaks: bool = True
    judges: tuple[str, ...] = (LOG,)
    by_wall: Callable[[Mapping[str, Value]], str] = lambda _settings: ""
    needs: Mapping[tuple[str, str], Feature] = field(default_factory=dict)

    def missing(self, cluster: Cluster, values: Mapping[str, Value]) -> LabsError | None:
        """Why the cluster can't be asked with these values; None if it can. Nothing is changed."""
        for (name, value), feature in self.needs.items():
            if values[name] == value and (why := feature.missing(cluster)):
                return LabsError(
                    f"{name}={value} can't be run here: {why}",
                    hint=f"choose another {name}, or use the local one: LABS_CLUSTER=local",
                )
        return None

    def run(
        self,
        cluster: Cluster,
        settings: Mapping[str, object] | None = None,
        live: Live | None = None,
    ) -> Result:
        """Run it once on a healthy cluster; the cluster is healthy again afterwards.

        Raises:
            BadInput: an unknown setting, or a value out of bounds.
            LabsError: this cluster can't be broken, or could not be mended.
            Stopped: `live.stop()` was called.
        """
        values = resolve(self.settings, settings or {})
        if self.breaks and not cluster.can_break:
            raise LabsError(
                f"{self.name} breaks brokers, which can't be done to this cluster",
                hint="use the local one: LABS_CLUSTER=local",
            )
        if missing := self.missing(cluster, values):
            raise missing
        run = Run(self.name, cluster, values, live or Live(), judges=self.judges)
        run.say("making sure that the cluster is whole")
        heal(cluster)
        run.began = now()
        with watching_the_wall() as wall:
            try:
                with undisturbed(), _foreseeing(self.name):
                    self.body(run)
                    result = run.result()
            except LabsError as error:
                wall.look()
                raise _after_jumps(error, wall.jumps) from None
            finally:
                run.close()
        return self._in_time(result, wall.jumps)

    def _in_time(self, result: Result, jumps: Sequence[Jump]) -> Result:
        """Name the jumps of the wall clock; conclude nothing where a broker or a client follows it.

        Our own times come from another clock, and are what they are.
        """
        result = replace(result, jumps=tuple(jumps))
        reason = self.by_wall(result.settings)
        if not jumps or not reason:
            return result
        why = f"{jumps[0]}, and {reason}"
        report, processing, key_order = (
            in_doubt(found, why) if found else None
            for found in (result.report, result.processing, result.key_order)
        )
        return replace(
            result,
            report=report,  # type: ignore[arg-type]
            processing=processing,  # type: ignore[arg-type]
            key_order=key_order,  # type: ignore[arg-type]
            doubt=why,
        )


@contextlib.contextmanager
def _foreseeing(name: str) -> Iterator[None]:
    """What a client raises where the run does not expect it: on a busy machine any call may end so.

    Raises:
        LabsError: instead of kafka-python's and librdkafka's errors.
    """
    try:
        yield
    except (KafkaError, KafkaException) as error:
        native = isinstance(error, KafkaException) and error.args
        told = error.args[0].name() if native else type(error).__name__
        raise LabsError(
            f"{name} was broken off, since a client gave up ({told})",
            hint="`labs status` shows who is up; then run it again",
        ) from error


def _after_jumps(error: LabsError, jumps: Sequence[Jump]) -> LabsError:
    """The same failure, and that the wall clock was set: brokers measure some waits by theirs."""
    if jumps:
        error.what += f"; {jumps[0]}, and brokers measure some of their waits by it"
    return error


def heal(cluster: Cluster, timeout_s: float = HEAL_TIMEOUT_S) -> None:
    """Resume and start what is broken, and wait until every replica of every partition is in sync.

    What leaves, dies or is frozen meanwhile is started again, too.

    Raises:
        LabsError: it did not become whole in time.
    """
    observer = Observer(cluster, internal=True)
    deadline = time.monotonic() + timeout_s
    try:
        while True:
            seen = observer.snapshot()
            if cluster.can_break and any(n.state is not State.RUNNING for n in seen.nodes):
                cluster.start()
                deadline = time.monotonic() + timeout_s
                continue
            behind = [p for p in seen.partitions if p.out_of_sync or p.leader is None]
            if seen.reachable and not seen.fenced and not behind:
                return
            if time.monotonic() > deadline:
                names = ", ".join(p.name for p in behind[:3]) or "the brokers"
                raise LabsError(
                    f"the cluster did not become whole in {timeout_s:g} s ({names})",
                    hint="`labs reset` brings back a clean one",
                )
            time.sleep(PAUSE_S)
    finally:
        observer.close()


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
        observer = Observer(self.cluster, self.topic)
        self._closers.callback(observer.close)

        def whole() -> bool:
            told = observer.snapshot().partitions
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
        observer = Observer(self.cluster, self.topic)
        try:
            return self.wait(
                lambda: observer.snapshot().partition(self.topic, index),
                f"{self.topic}-{index} was seen",
            )
        finally:
            observer.close()

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
        methods = {"stop": "stop_broker", "start": "start_broker"}
        fault = Fault(now(), action, node)
        self.faults.append(fault)
        self.say(
            f"{_DOING[action]} {'the controller' if node == CONTROLLER_ID else f'broker {node}'}"
        )
        getattr(self.cluster, methods.get(action, action))(node)
        return fault.time

    def elect(self, kind: ElectionType) -> str:
        """Have a leader of partition 0 elected (KIP-460); the refusal's name, or ""."""
        asked = {self.topic: [0]}
        answer: Any = self.ask(lambda c: c.elect_leaders(kind, asked, raise_errors=False))
        codes = [p.error_code for r in answer.replica_election_results for p in r.partition_result]
        return for_code(codes[0]).__name__ if any(codes) else ""

    def set_broker(self, settings: Mapping[str, str], node: int | None = None) -> None:
        """Change dynamic settings of one broker, or of all, until the run ends."""
        self.cluster.set_broker_config(settings, node)
        self._closers.callback(self.cluster.set_broker_config, dict.fromkeys(settings), node)

    def set_topic(self, settings: Mapping[str, str]) -> None:
        """Change settings of the run's topic, and wait until partition 0's leader has them.

        Raises:
            LabsError: the leader did not hear of them in time.
        """
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
        return Lines("", sent, "s since the run began", "records sent")

    def story(self, title: str = "") -> Story:
        """The life of partition 0 so far."""
        assert self.timeline is not None, "make_topic(watch=True) first"
        return self.timeline.story(title, self.began, self.faults, self.history.sends)

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
            return log_ends(broker, self.topic, [index])
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
            processing=self._judged(PROCESSING, self._processing, Processing(UNKNOWN, why=UNSEEN)),
            key_order=self._judged(KEY_ORDER, self._key_order, KeyOrder(UNKNOWN, why=UNSEEN)),
        )

    def _topic_departures(self) -> tuple[Departure, ...]:
        """What the topic sets otherwise, by the brokers' own word."""
        topic = ConfigResource(ConfigResourceType.TOPIC, self.topic)
        told = self.ask(lambda client: client.describe_configs([topic], include_synonyms=True))
        return set_here.topic(told["topic"][self.topic])

    def _judged(self, what: str, found: T | None, unseen: T) -> T | None:
        """The judgement on what the experiment is about; None: it is not about that."""
        return (found or unseen) if what in self.judges else None

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


def _circumstances() -> dict[str, Measured]:
    """What a reader of the figures must know: client and brokers share these cores."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return {"cores_shared": cores(), "load_average_1min": load}


def _close(producer: KafkaProducer) -> None:
    with contextlib.suppress(KafkaError, AssertionError):
        producer.close(timeout=FLUSH_S)


def by_name(experiments: Iterator[Experiment] | Sequence[Experiment], name: str) -> Experiment:
    """The experiment of that name.

    Raises:
        BadInput: there is none; the sentence names those that there are.
    """
    known = {experiment.name: experiment for experiment in experiments}
    if name not in known:
        names = ", ".join(known)
        raise BadInput(f"there is no experiment {name!r}", hint=f"there are: {names}")
    return known[name]
