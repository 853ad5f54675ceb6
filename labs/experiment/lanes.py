"""Partitions over time: who processed their records, who owned them, how long they waited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from labs.base.clock import now
from labs.base.words import Words, listed
from labs.experiment.run import Run
from labs.experiment.views import Lanes, Mark, Span
from labs.workload.group import Group
from labs.workload.history import Read

words = Words(__file__)


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


def working(
    reads: Iterable[Read], began: float, pause_s: float, names: Mapping[str, str] | None = None
) -> Lanes:
    """A lane for each partition: who processed its records when. A gap: nobody for `pause_s`.

    `names` as a view has them, for the marks that are added.
    """
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
    kinds = sorted({s.kind for spans in named.values() for s in spans})
    return Lanes("", named, kinds, names=names or {})


def by_number(kinds: Mapping[int, str]) -> list[Span]:
    """Numbers, each with a kind, as spans: those of one kind in a row are one."""
    spans: list[Span] = []
    for number, kind in sorted(kinds.items()):
        if spans and spans[-1].kind == kind and spans[-1].end == number:
            spans[-1] = Span(spans[-1].start, number + 1, kind)
        else:
            spans.append(Span(number, number + 1, kind))
    return spans


def hold(spans: list[Span], kind: str, until: float, first: float = 0.0) -> None:
    """Have a kind hold up to a time, since the last span's end; `first`: since when, if none is."""
    if spans and spans[-1].kind == kind:
        spans[-1] = Span(spans[-1].start, until, kind, kind)
    else:
        spans.append(Span(spans[-1].end if spans else first, until, kind, kind))


def named(partitions: Iterable[int]) -> str:
    """`partition 3`, `partitions 1, 4 and 5`."""
    numbers = [str(partition) for partition in sorted(partitions)]
    if not numbers:
        return words("no_partition")
    return words("partitions", count=len(numbers), numbers=listed(numbers))


def owned(
    run: Run,
    group: Group,
    title: str,
    marks: Sequence[Mark],
    until: float | None = None,
    names: Mapping[str, str] | None = None,
) -> Lanes:
    """A lane for each partition: who owned it, as the members report it. `names`: as a view has."""
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
    return Lanes(title, lanes, kinds, marks, names=names or {})
