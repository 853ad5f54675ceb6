"""What the experiments of this chapter share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from kafka import KafkaProducer

from labs.base.words import Words
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lanes, Logs, Replica, Span
from labs.kafka.cluster import State
from labs.observe.segments import Copy, read_copy
from labs.observe.snapshot import Partition

words = Words(__file__)

#: The three ways to lose a process, by the signal that does it.
HOW = {"SIGTERM": "stop", "SIGKILL": "kill", "SIGSTOP": "pause"}


def how_setting(default: str, ways: Sequence[str] = tuple(HOW)) -> Choice:
    """By which signal a broker goes."""
    return Choice("how", tuple(ways), default)


def rate_setting(default: int = 100) -> Number:
    """How fast the producer sends."""
    return Number("rate", 10, 500, default, "records/s", 10)


def min_isr_setting(default: int) -> Number:
    """How many replicas an acks=all record needs."""
    return Number("min_insync_replicas", 1, 3, default)


def one_try(run: Run, acks: str | int, timeout_ms: int = 4000) -> KafkaProducer:
    """A producer that tries once, so that each error is seen, and each answer is final."""
    return run.producer(
        acks=acks,
        enable_idempotence=False,
        retries=0,
        request_timeout_ms=timeout_ms,
        max_block_ms=1000,
    )


def saw(run: Run, true: Callable[[Partition], bool]) -> bool:
    """Whether the partition was last seen so."""
    assert run.timeline is not None
    seen = run.timeline.latest()
    return seen is not None and true(seen)


def await_partition(
    run: Run, true: Callable[[Partition], bool], what: str, timeout_s: float = 30.0
) -> Partition:
    """Wait until the timeline saw the partition so; it is then in the picture, too."""
    assert run.timeline is not None
    run.wait(lambda: saw(run, true), what, timeout_s)
    found = run.timeline.latest()
    assert found is not None
    return found


def copies_on_disk(run: Run) -> dict[int, Copy]:
    """Each broker's copy of partition 0, read from its files."""
    replicas = run.partition().replicas
    return {broker: read_copy(run.cluster, broker, run.topic) for broker in sorted(replicas)}


def logs_from_disk(run: Run, copies: dict[int, Copy], title: str) -> Logs:
    """The copies side by side: lengths from the disks, roles and high watermark from Kafka."""
    assert run.timeline is not None
    seen = run.partition()
    states = {node.id: node.state for node in run.cluster.status().nodes}
    water = run.timeline.high_watermark()
    replicas = []
    for broker, copy in sorted(copies.items()):
        role = "leader" if seen.leader == broker else "follower"
        if states[broker] is not State.RUNNING:
            role = str(states[broker])
        mark = water if role == "leader" else None
        replicas.append(Replica(broker, role, broker in seen.isr, copy.log_end, mark))
    return Logs(_with_unread(title, copies.values()), replicas)


def epochs_on_disk(title: str, copies: dict[str, Copy]) -> Lanes:
    """By which epoch's leader each stretch of each copy was written: offsets along the x axis."""
    kinds = sorted({record.epoch for copy in copies.values() for record in copy.records})
    lanes = {name: _stretches(copy) for name, copy in copies.items()}
    title = _with_unread(title, copies.values())
    ids = [f"written_in:{epoch}" for epoch in kinds]
    return Lanes(title, lanes, ids, x="offset", names=words.under("shown"))


def _with_unread(title: str, copies: Iterable[Copy]) -> str:
    """The title, and what could not be read of the copies: usually nothing."""
    told = {words("unread", broker=c.broker, why=c.unread) for c in copies if c.unread}
    return "; ".join((title, *sorted(told)))


def _stretches(copy: Copy) -> list[Span]:
    spans: list[Span] = []
    for record in copy.records:
        kind = f"written_in:{record.epoch}"
        start = record.offset
        if spans and spans[-1].kind == kind:
            start = int(spans.pop().start)
        spans.append(Span(start, record.offset + 1, kind, f"{start}–{record.offset}"))
    return spans
