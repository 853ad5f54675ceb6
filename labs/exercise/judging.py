"""What a judge works with, and what mends and closes everything when a try is over."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from labs.base import python
from labs.base.clock import now
from labs.base.errors import BadInput, LabsError
from labs.base.progress import Tell, silent
from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.exercise import work
from labs.exercise.busy import TOO_LONG_S, is_too_busy
from labs.exercise.clientfile import security_file
from labs.exercise.command import command_of
from labs.exercise.coordinator import described, leave
from labs.exercise.exercise import Exercise
from labs.exercise.program import Program
from labs.exercise.verdict import CantTell, NotYet
from labs.kafka.actions import ACTIONS
from labs.kafka.admin import ask, set_group_config
from labs.kafka.cluster import Cluster, Role, State, label_of
from labs.kafka.kafka_cluster import KafkaCluster
from labs.kafka.local import have_watchdog
from labs.observe.healing import heal
from labs.observe.sampler import watch
from labs.observe.snapshot import Partition
from labs.supervise import wards
from labs.supervise.home import Home, work_dir
from labs.workload import Load, read_back
from labs.workload.history import History, Log
from labs.workload.topic import delete_topics, fresh_name, fullest, make_topic, serving

words = Words(__file__)

#: How long judging may take, s.
BUDGET_S = 38.0

#: The part of it that may pass until a program does its first, or its next, work.
PATIENCE = 0.6

#: How long a record may take to come that is known to be there, s.
READ_S = 20.0

#: More than any exercise asks for, bytes on one broker's disk, of all topics of a try.
TOPICS_LIMIT = 100_000_000
#: How often their size is asked for while a program is waited for, s.
SIZES_S = 2.0


@dataclass
class Judging:
    """What a judge works with. All that it makes is closed, ended and mended when it is over.

    Args:
        exercise: what is judged.
        cluster: where.
        seed: what `random` begins with: each try breaks at other places, unless it is given.
        tell: hears what is being done.
        command: the words by which the learner names the program.
        answer: what the learner answers.
        asked: what `prepare` has told the learner.
        scratch: a folder for this try alone.
        budget_s: how long it may take, s.
        repairs_s: how long it has taken by now to make the cluster whole, s: that comes on top.
    """

    exercise: Exercise
    cluster: Cluster
    seed: int
    tell: Tell = silent
    command: Sequence[str] = ()
    answer: str = ""
    asked: Mapping[str, str] = field(default_factory=dict)
    scratch: Path = Path()
    budget_s: float = BUDGET_S
    repairs_s: float = 0.0
    history: History = field(default_factory=History)
    _broken: bool = False
    _overfull: bool = False
    _asked_sizes: float = 0.0
    _topics: list[str] = field(default_factory=list)
    _programs: list[Program] = field(default_factory=list)
    _closers: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.deadline = self._due = time.monotonic() + self.budget_s

    def say(self, what: str, **values: object) -> None:
        """Show what is being done: a sentence of the exercise's own, under `says`."""
        self.tell(self.exercise.says("says", what, **values), None)

    # -- topics and records ------------------------------------------------------------------------

    def topic(
        self,
        partitions: int = 1,
        replicas: int = 3,
        assignments: Sequence[Sequence[int]] = (),
        **settings: str,
    ) -> str:
        """A new topic; `settings` are Kafka's own with `_` for `.`. Those of earlier tries go.

        `assignments` as `labs.workload.topic.make_topic` has it.
        """
        name = fresh_name(self.cluster, f"exercise-{self.exercise.id.replace('.', '-')}-")
        named = {key.replace("_", "."): value for key, value in settings.items()}
        limits = {"retention.ms": "-1", **self.cluster.limits, **named}
        kept = tuple(self._topics)
        copied = make_topic(
            self.cluster, name, partitions, replicas, limits, keep=kept, assignments=assignments
        )
        self._topics.append(name)
        time.sleep(max(0.0, copied - now()))
        return name

    def group(self, topic: str) -> str:
        """The name of the group that the learner's program is to join: nobody has used it.

        Of KIP-848's protocol, its members hear each second of a change, not each 5 s, if the
        brokers allow that: one that has been started again then works as soon as a classic one.
        """
        group = f"{topic}-group"
        self._closers.callback(_leave, self.cluster, group)
        with contextlib.suppress(LabsError):
            self.set_group(group, consumer_heartbeat_interval_ms="1000")
        return group

    def set_group(self, group: str, **settings: str) -> bool:
        """Change settings of a KIP-848 or a share group, with `_` for `.`, until this try is over.

        Returns whether the brokers allow them: only ours let a group's clocks be so short.
        """
        named = {key.replace("_", "."): value for key, value in settings.items()}
        try:
            set_group_config(serving(self.cluster), group, named)
        except BadInput:
            return False
        self._closers.callback(_unset, self.cluster, group, named)
        return True

    def producer(self, **options: Any) -> KafkaProducer:
        """A kafka-python producer, closed at the end."""
        given = {"metadata_max_age_ms": 5000, "reconnect_backoff_max_ms": 500, **options}
        producer = KafkaProducer(bootstrap_servers=serving(self.cluster), **given)
        self._closers.callback(_close, producer)
        return producer

    def stream(
        self,
        topic: str,
        count: int | None,
        rate: float = 0,
        producer: KafkaProducer | None = None,
        **options: Any,
    ) -> Load:
        """Send numbered flights to a topic from a thread; `rate`: records/s, 0: as fast as it can.

        `count` None: until it is stopped; `producer` None: one with acks=all. Each is noted in
        `history`, with partition and offset.
        """
        sender = producer or self.producer(acks="all")
        load = Load(self.history, sender, topic, rate, count, **options)
        self._closers.callback(load.stop, 0)
        return load.start()

    def read(self, topic: str, **options: Any) -> Log:
        """All that can be read in a topic, to its end; arguments as `labs.workload.read_back`.

        Raises:
            CantTell: it could not be read to its end.
        """
        log = read_back(serving(self.cluster), topic, **options)
        if not log.complete:
            raise CantTell("unreadable", topic=topic, because=log.why)
        return log

    def records(self, topic: str) -> list[Any]:
        """Every record of a topic as kafka-python's consumer has it, headers and timestamp too.

        Raises:
            CantTell: they did not come in time.
        """
        options = {"consumer_timeout_ms": int(READ_S * 1000), "enable_auto_commit": False}
        consumer = KafkaConsumer(bootstrap_servers=serving(self.cluster), **options)
        with contextlib.closing(consumer):
            places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            ends, found = consumer.end_offsets(places), []
            while any(consumer.position(place) < ends[place] for place in places):
                record = next(consumer, None)
                if record is None:
                    raise CantTell("unreadable", topic=topic, because=words("because.no_record"))
                found.append(record)
        return found

    def value_at(self, topic: str, partition: int, offset: int) -> bytes | None:
        """The value of the record at that place; None: there is none.

        Raises:
            CantTell: it did not come in time.
        """
        options = {"consumer_timeout_ms": int(READ_S * 1000), "enable_auto_commit": False}
        consumer = KafkaConsumer(bootstrap_servers=serving(self.cluster), **options)
        with contextlib.closing(consumer):
            place = TopicPartition(topic, partition)
            if not self.exists(topic):
                return None
            begin, end = consumer.beginning_offsets([place]), consumer.end_offsets([place])
            if not begin[place] <= offset < end[place]:
                return None
            consumer.assign([place])
            consumer.seek(place, offset)
            for record in consumer:
                return bytes(record.value) if record.offset == offset else None
        raise CantTell("unreadable", topic=topic, because=words("because.no_record"))

    def exists(self, topic: str) -> bool:
        """Whether there is such a topic."""
        return topic in ask(serving(self.cluster), lambda client: client.list_topics())

    # -- faults ------------------------------------------------------------------------------------

    def partition(self, topic: str, index: int = 0) -> Partition:
        """The partition as it is now."""
        with watch(self.cluster, topic) as watching:
            seen = words("awaited.partition", topic=topic, partition=index)
            return wait_for(lambda: watching.look().partition(topic, index), seen)

    def partitions(self, topic: str) -> tuple[Partition, ...]:
        """All partitions of a topic as they are now, in their order."""
        with watch(self.cluster, topic) as watching:
            found = wait_for(
                lambda: watching.look().partitions, words("awaited.topic", topic=topic)
            )
        return tuple(sorted(found, key=lambda partition: partition.index))

    def leader(self, topic: str, index: int = 0) -> int:
        """The broker that leads now."""
        found = wait_for(
            lambda: (p,) if (p := self.partition(topic, index)).leader is not None else None,
            words("awaited.leader", topic=topic, partition=index),
        )
        assert found[0].leader is not None
        return found[0].leader

    def await_leader(self, topic: str, brokers: Collection[int], index: int = 0) -> int:
        """Wait until one of these brokers leads; returns which.

        Raises:
            LabsError: none of them did in time.
        """
        names = ", ".join(map(str, brokers))
        return wait_for(
            lambda: leader if (leader := self.partition(topic, index).leader) in brokers else None,
            words("awaited.one_of", brokers=names, topic=topic, partition=index),
        )

    @property
    def brokers(self) -> list[int]:
        """The ids of all brokers."""
        return [node.id for node in self.cluster.status().nodes if node.role is Role.BROKER]

    def await_dead(self, brokers: Collection[int]) -> None:
        """Wait until the controller counts these, and no other brokers, as dead.

        Until then Kafka names them to every client.
        """
        names = ", ".join(map(label_of, sorted(brokers))) or words("no_broker")
        with watch(self.cluster) as watching:
            wait_for(
                lambda: watching.look().fenced == set(brokers), words("awaited.dead", brokers=names)
            )

    def fault(self, action: str, node: int) -> None:
        """Kill, pause, resume, stop or start a node; all is mended at the end."""
        assert self.exercise.breaks, "say so in the exercise"
        self._broken = True
        self.say("fault", doing=ACTIONS[action].doing, node=label_of(node))
        ACTIONS[action].do(self.cluster, node)

    def kill_ahead(
        self, topic: str, meanwhile: Callable[[], object], index: int = 0
    ) -> tuple[int, list[int]]:
        """Kill a leader when its followers lack what it got `meanwhile`; returns it, and them.

        They are paused for so long. It must be shorter than a session: so the ISR stays whole, and
        one of them will lead.
        """
        leader = self.leader(topic, index)
        followers = [b for b in self.partition(topic, index).replicas if b != leader]
        for follower in followers:
            self.fault("pause", follower)
        meanwhile()
        self.fault("kill", leader)
        for follower in followers:
            self.fault("resume", follower)
        return leader, followers

    # -- the learner's program ---------------------------------------------------------------------

    def environment(self, **own: object) -> dict[str, str]:
        """The variables of a program: the contract's, and those of this process that are not ours.

        It begins with the brokers that run now, as our own clients do: see `serving`.

        Raises:
            KeyError: the contract does not name one of `own`, or names one that is not given.
        """
        told = {name.upper(): str(value) for name, value in own.items()}
        if set(told) != set(self.exercise.contract):
            raise KeyError(f"the contract names {self.exercise.contract}, told were {list(told)}")
        theirs = {
            name: value
            for name, value in python.without_others("PYTHONPATH").items()
            if not name.startswith(("LABS_", "KAFKA_"))
        }
        told["KAFKA_BOOTSTRAP_SERVERS"] = ",".join(serving(self.cluster))
        file = security_file(self.scratch)
        return theirs | told | ({"KAFKA_CLIENT_PROPERTIES": str(file)} if file else {})

    def program(
        self, pace: float | None = None, other: Sequence[str] = (), **own: object
    ) -> Program:
        """The learner's program, not started yet.

        `own`: the contract's variables, in small letters; `pace` as `Program` has it; `other`: the
        words that name another program, with which the learner's is to be compared.
        """
        command = command_of(other or self.command, self.scratch)
        environment = self.environment(**own)
        folder = work.folder_of(self.exercise)
        program = Program(
            command,
            environment,
            folder,
            pace,
            self.scratch,
            self.deadline,
            self._ward,
            self._require_topics_bounded,
        )
        self._closers.callback(program.close)
        self._programs.append(program)
        return program

    @cached_property
    def _ward(self) -> str:
        """Should we be killed, a watchdog ends what has this mark: the cluster's, or our own."""
        cluster = self.cluster
        home = cluster.home if isinstance(cluster, KafkaCluster) else Home(work_dir() / ".labs")
        mark = self._closers.enter_context(wards.kept(home.wards, self.scratch))
        have_watchdog(home)
        return mark

    def _require_topics_bounded(self) -> None:
        """Nothing else ends a program that sends without end.

        Raises:
            NotYet: it has filled the topics of this try; they go, with what it has sent.
        """
        if not self._topics or now() < self._asked_sizes + SIZES_S:
            return
        self._asked_sizes = now()
        if fullest(self.cluster, self._topics) > TOPICS_LIMIT:
            self._overfull = True
            self._end_programs()
            raise NotYet("fills_topic", limit=TOPICS_LIMIT // 1_000_000)

    def look_behind(self, found: Exception) -> None:
        """What a judge was ended by may have another reason than it seems.

        Raises:
            NotYet: a topic of this try was deleted.
            CantTell: the machine is busy.
        """
        if isinstance(found, NotYet):
            self.require_time()
        elif self._topics:
            self._require_topics()

    def _require_topics(self) -> None:
        with contextlib.suppress(LabsError):  # then that was not the reason
            there = ask(serving(self.cluster), lambda client: client.list_topics())
            if gone := [topic for topic in self._topics if topic not in there]:
                raise NotYet("deletes_topic", topic=gone[0])

    def require_time(self) -> None:
        """What is said against a program must not come from a machine that has too much to do.

        Raises:
            CantTell: a program was waited for in vain, and any other would be late here, too.
        """
        if any(program.late for program in self._programs):
            self._end_programs()  # or it would be the program itself that keeps the machine busy
            if is_too_busy():
                raise CantTell("busy", seconds=TOO_LONG_S)

    def _end_programs(self) -> None:
        for program in self._programs:
            program.kill()

    @property
    def patience_s(self) -> float:
        """How long to wait for what comes at once on a machine that is not busy, s."""
        return self.budget_s * PATIENCE

    @property
    def remaining_s(self) -> float:
        """How much of the time for judging is left, s."""
        return max(0.0, self.deadline - time.monotonic())

    @property
    def apart_s(self) -> float:
        """What is no time for judging, s: a server's start, by which the deadline was put off, and
        repairs.
        """
        return self.deadline - self._due + self.repairs_s

    def await_(self, true: Callable[[], object], what: str, most_s: float) -> bool:
        """Wait until something is true, if there is so much time left; whether it came true.

        `what` as `wait_for` has it.
        """
        with contextlib.suppress(LabsError):
            wait_for(true, what, min(most_s, self.remaining_s))
            return True
        return False

    def close(self) -> None:
        """End and close what was made, and mend what was broken."""
        try:
            self._closers.close()
        finally:
            began = time.monotonic()
            if self._broken:
                self.say("repairing")
                if any(node.state is not State.RUNNING for node in self.cluster.status().nodes):
                    self.cluster.start()
                heal(self.cluster)
            if self._overfull:
                delete_topics(self.cluster, self._topics)
            self.repairs_s += time.monotonic() - began


def _unset(cluster: Cluster, group: str, settings: Mapping[str, str]) -> None:
    with contextlib.suppress(LabsError):
        set_group_config(serving(cluster), group, dict.fromkeys(settings))


def _leave(cluster: Cluster, group: str) -> None:
    """What was killed stays in a KIP-848 group for 45 s, in which it could not be deleted."""
    with contextlib.suppress(LabsError):
        leave(cluster, group, described(cluster, group).members)


def _close(producer: KafkaProducer) -> None:
    try:
        producer.close(timeout=1)
    except (KafkaError, AssertionError):
        # It has not closed, would try again as we end, and tell of that in a traceback.
        producer._sender.force_close()  # noqa: SLF001
        producer._closed = True  # noqa: SLF001
