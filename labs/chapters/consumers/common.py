"""What several experiments on groups share."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from kafka.partitioner import Partitioner

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.words import Words
from labs.experiment.run import Run
from labs.experiment.views import Lanes, Mark, Point, Span
from labs.kafka.admin import admin
from labs.workload import Load, Payload, flight_payload, set_here
from labs.workload.consumers import KAFKA_PYTHON
from labs.workload.group import Group
from labs.workload.history import Read
from labs.workload.judgements import Processing
from labs.workload.member import Member

words = Words(__file__)

#: A join takes a second or two; one that takes longer than this has gone wrong, s.
JOIN_S = 25.0
DRAIN_S = 20.0

#: The least session timeout that a broker allows (group.min.session.timeout.ms), ms.
SESSION_MS = 6000

NAMES = "ABCDEFGH"


def group_of(run: Run, client: str = KAFKA_PYTHON) -> Group:
    """An empty group on the run's topic; its processes end with the run, and Kafka forgets it."""
    group = Group(run.cluster.bootstrap, run.topic, client, note=run.note)
    run.closing(lambda: _forget(run, group))
    run.closing(group.close)
    return group


def _forget(run: Run, group: Group) -> None:
    """A killed member keeps its group alive for a while; then the next reset deletes it."""
    with contextlib.suppress(LabsError, KafkaError), admin(run.cluster.bootstrap) as client:
        client.delete_groups([group.name])


def join(run: Run, group: Group, *members: Member) -> dict[int, str]:
    """Have members join, and wait until the group has assigned its partitions."""
    run.say(f"{' and '.join(member.name for member in members)} joining the group")
    for member in members:
        member.join()
    return shared_out(run, group)


def shared_out(run: Run, group: Group) -> dict[int, str]:
    """Wait until every partition has an owner, and every member its share, if there are enough."""

    def done() -> dict[int, str] | None:
        owners = group.owners()
        present = [m for m in group.members.values() if m.joined and not m.gone]
        heard = all(member.first("assigned") for member in present)
        shared = len(set(owners.values())) == min(len(present), run.partitions)
        return owners if heard and shared and len(owners) == run.partitions else None

    return run.wait(done, f"the group {group.name} had assigned its partitions", JOIN_S)


def evenly(run: Run, **options: Any) -> tuple[Any, Payload]:
    """A producer, and a payload that sends a record to each partition in turn.

    The key is the record's number, and the partitioner takes the remainder: a partition then gets
    every n-th record, at a steady rate.
    """

    flights = flight_payload()

    def payload(number: int) -> tuple[bytes | None, bytes]:
        return b"%d" % number, flights(number)[1]

    return run.producer(partitioner=_Deal(), **options), payload


class _Deal(Partitioner):  # type: ignore[misc]
    def partition(
        self,
        topic: str,
        key: bytes,
        _serialized_key: bytes,
        _value: bytes,
        _serialized_value: bytes,
        cluster: Any,
    ) -> int:
        return int(key) % len(cluster.partitions_for_topic(topic))


def fill(run: Run, count: int) -> Load:
    """Put `count` records into the topic, as fast as the client can, to each partition in turn."""
    run.say(f"writing {count:,} records")
    producer, payload = evenly(run, linger_ms=5)
    load = run.load(producer, 0, count, payload=payload)
    load.wait()
    return load


def processed(reads: Iterable[Read]) -> int:
    """How many different records were processed."""
    return len({read.number for read in reads})


def drain(run: Run, group: Group, timeout_s: float = DRAIN_S) -> None:
    """Wait until the group has processed the log to its ends; not longer than `timeout_s`.

    Whether it has is asked again by `judge`, against the log as it was read back.
    """
    run.say("waiting until the group has caught up")
    ends = run.log_ends()
    with contextlib.suppress(LabsError):
        run.wait(lambda: not group.behind(ends), "the group had caught up", timeout_s)


def judge(run: Run, group: Group, asked_from: float | None = None) -> Processing:
    """Judge what the group did; *unknown* if it did not come to the log's end.

    `asked_from`: since then the learner had records read again, by a seek.
    """
    run.verdict()
    ends = run.log.ends if run.log else {}
    return run.judge_processing(group.reads, group.behind(ends), asked_from)


def places(run: Run, group: Group) -> dict[int, int]:
    """Partition → the offset that the group has committed."""
    asked = {group.name: None}
    found = run.ask(lambda c: c.list_group_offsets(asked))[group.name]
    return {p.partition: place.offset for p, place in found.items() if place.offset >= 0}


class Sampler:
    """Asks something again and again in its own thread, until the run ends or `stop`."""

    def __init__(self, run: Run, ask: Callable[[], Mapping[str, float]], every_s: float) -> None:
        self.series: dict[str, list[Point]] = {}
        self._run, self._ask, self._every_s = run, ask, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="labs-sampler", daemon=True)
        self._thread.start()
        run.closing(self.stop)

    def _work(self) -> None:
        while not self._stop.wait(self._every_s):
            with contextlib.suppress(LabsError, KafkaError):
                told = self._ask()
                at = self._run.elapsed()
                for name, value in told.items():
                    self.series.setdefault(name, []).append((at, value))

    def stop(self) -> None:
        """Stop asking; the answers stay."""
        self._stop.set()
        self._thread.join(timeout=5)


def ends_of(run: Run, consumer: KafkaConsumer) -> dict[int, int]:
    """Partition → the readable end, as the consumer's isolation level sees it."""
    partitions = [TopicPartition(run.topic, p) for p in range(run.partitions)]
    return {p.partition: end for p, end in consumer.end_offsets(partitions).items()}


def onlooker(run: Run, **options: Any) -> KafkaConsumer:
    """A consumer in no group, to ask for offsets."""
    return run.consumer(**options)


def configure(run: Run, group: Group, settings: Mapping[str, str]) -> None:
    """Set something for this group alone (KIP-848 groups keep their clocks on the broker).

    Raises:
        LabsError: the brokers do not allow it.
    """
    run.note(set_here.group(settings))
    changes = {name: (AlterConfigOp.SET, value) for name, value in settings.items()}
    answer = run.ask(lambda client: _alter(client, group, changes))
    if answer != "OK":
        raise LabsError(
            f"this Kafka allows no {', '.join(settings)} so low",
            hint="the local cluster does: LABS_CLUSTER=local",
        )
    run.closing(lambda: _unset(run, group, settings))


def _unset(run: Run, group: Group, settings: Mapping[str, str]) -> None:
    with contextlib.suppress(LabsError, KafkaError), admin(run.cluster.bootstrap) as client:
        _alter(client, group, {name: (AlterConfigOp.DELETE, None) for name in settings})


def _alter(client: KafkaAdminClient, group: Group, changes: Mapping[str, Any]) -> str:
    resource = ConfigResource(ConfigResourceType.GROUP, group.name, dict(changes))
    answers = client.alter_configs([resource], raise_on_unknown=False)
    return str(answers["group"][group.name])


# -- telling ---------------------------------------------------------------------------------------


def gap_ms(
    reads: Iterable[Read], partitions: Iterable[int], after: float, until: float
) -> dict[int, float]:
    """Partition → the longest time without a processed record between two times, ms.

    The times themselves count as ends, so a partition that nobody read has the whole time.
    """
    times: dict[int, list[float]] = {partition: [] for partition in partitions}
    for read in sorted(reads, key=lambda read: read.time):
        times[read.partition].append(read.time)
    gaps = {}
    for partition, seen in times.items():
        before = [time for time in seen if time < after]
        within = [time for time in seen if after <= time <= until]
        points = [before[-1] if before else after, *within, until]
        gaps[partition] = 1000 * max(b - a for a, b in pairwise(points))
    return gaps


def working(reads: Iterable[Read], began: float, pause_s: float) -> Lanes:
    """A lane for each partition: who processed its records when. A gap: nobody for `pause_s`."""
    lanes: dict[int, list[Span]] = {}
    for read in reads:
        spans = lanes.setdefault(read.partition, [])
        kind, at = f"member:{read.member}", read.time - began
        last = spans[-1] if spans else None
        if last and last.kind == kind and at - last.end <= pause_s:
            spans[-1] = Span(last.start, at, kind, read.member)
        else:
            spans.append(Span(at, at, kind, read.member))
    named = {f"partition:{partition}": spans for partition, spans in sorted(lanes.items())}
    return Lanes(
        "",
        named,
        kinds=sorted({s.kind for spans in named.values() for s in spans}),
        names=words.under("shown"),
    )


def named(partitions: Iterable[int]) -> str:
    """`partition 3`, `partitions 1, 4 and 5`."""
    numbers = [str(partition) for partition in sorted(partitions)]
    if len(numbers) < 2:
        return f"partition {numbers[0]}" if numbers else "no partition"
    return f"partitions {', '.join(numbers[:-1])} and {numbers[-1]}"


def owned(
    run: Run, group: Group, title: str, marks: Sequence[Mark], until: float | None = None
) -> Lanes:
    """A lane for each partition: who owned it, as the members report it."""
    end = (until or now()) - run.began
    lanes: dict[str, list[Span]] = {f"partition:{p}": [] for p in range(run.partitions)}
    for tenure in sorted(group.tenures(), key=lambda t: t.since):
        spans = lanes[f"partition:{tenure.partition}"]
        start, stop = tenure.since - run.began, min((tenure.until or now()) - run.began, end)
        if spans and spans[-1].end > start:  # its owner did not know yet that it was out
            last = spans.pop()
            spans.append(Span(last.start, start, last.kind, last.text))
        spans.append(Span(start, stop, f"member:{tenure.member}", tenure.member))
    kinds = sorted({span.kind for spans in lanes.values() for span in spans})
    return Lanes(title, lanes, kinds, marks, names=words.under("shown"))
