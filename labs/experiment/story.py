"""What a timeline saw, as a view: who led, who was in the ISR, how far each copy reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from labs.base.clock import now
from labs.experiment.views import Lanes, Mark, Point, Span, Story
from labs.kafka.cluster import Fault
from labs.observe.snapshot import Partition
from labs.observe.timeline import Timeline
from labs.workload.history import Send

LEADER, IN_ISR, OUT, UNSEEN = "leader", "in_isr", "out_of_isr", "unseen"
KINDS = (LEADER, IN_ISR, OUT, UNSEEN)


def story(
    timeline: Timeline,
    title: str,
    began: float,
    faults: Iterable[Fault] = (),
    sends: Sequence[Send] = (),
    partition: int = 0,
) -> Story:
    """All that is known of one partition, times counted from `began`."""
    return Story(
        title,
        lanes(timeline, began, partition),
        offsets=_offsets(timeline, began, partition),
        waits=waits(sends, began),
        marks=marks(faults, began),
    )


def lanes(timeline: Timeline, began: float, partition: int = 0, title: str = "") -> Lanes:
    """A lane a broker: leader, in the ISR, out of it."""
    sights = list(timeline.sights[partition])
    brokers = sorted({b for s in sights if s.partition for b in s.partition.replicas})
    stops = [sight.time for sight in sights[1:]] + [now()]
    rows: dict[str, list[Span]] = {f"broker:{b}": [] for b in brokers}
    for sight, until in zip(sights, stops, strict=True):
        for broker in brokers:
            kind = _kind(sight.partition, broker)
            text = f"epoch:{sight.partition.epoch}" if sight.partition else ""
            spans = rows[f"broker:{broker}"]
            span = Span(sight.time - began, until - began, kind, text if kind == LEADER else "")
            if spans and (spans[-1].kind, spans[-1].text) == (span.kind, span.text):
                span = Span(spans.pop().start, span.end, span.kind, span.text)
            spans.append(span)
    return Lanes(title, rows, KINDS)


def _offsets(timeline: Timeline, began: float, partition: int) -> dict[str, list[Point]]:
    reaches = list(timeline.reaches[partition])
    series: dict[str, list[Point]] = {}
    for reach in reaches:
        series.setdefault(f"log_end:{reach.broker}", []).append((reach.time - began, reach.log_end))
    water = [r for r in reaches if r.high_watermark is not None]
    series["high_watermark"] = [(r.time - began, r.high_watermark or 0) for r in water]
    return dict(sorted(series.items()))


def _kind(partition: Partition | None, broker: int) -> str:
    if partition is None:
        return UNSEEN
    if partition.leader == broker:
        return LEADER
    return IN_ISR if broker in partition.isr else OUT


def marks(faults: Iterable[Fault], began: float) -> list[Mark]:
    """Each fault as a mark."""
    return [Mark(f.time - began, _done(f)) for f in faults if f.time >= began]


def _done(fault: Fault) -> str:
    return f"{fault.action}:{fault.node or ''} {fault.detail}".rstrip()


def waits(sends: Iterable[Send], began: float) -> dict[str, list[Point]]:
    """(s since `began`, ms until the answer) of each send, by outcome."""
    series: dict[str, list[Point]] = {}
    for send in list(sends):
        latency = send.latency_s
        if latency is not None:
            point = (send.intended - began, max(latency * 1000, 0.01))
            series.setdefault(send.outcome.value, []).append(point)
    return series
