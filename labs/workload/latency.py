"""How long answers took: percentiles of all answers, none of them rounded or grouped.

A latency is *answer − intended time of sending*: a record that had to queue behind a stall counts
with all of its wait (Tene, "How NOT to Measure Latency": coordinated omission). A mean would hide
what a percentile tells: how bad the worst are.

A record that was due and not yet sent when the schedule ended has waited at least until then, and
counts so. A percentile is shown only where enough records lie beyond it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from labs.workload.history import Outcome, Send
from labs.workload.load import Load

#: Where a curve has its points; the axis is stretched towards 100 %.
CURVE = (
    0.0,
    10.0,
    25.0,
    50.0,
    75.0,
    90.0,
    95.0,
    97.5,
    99.0,
    99.5,
    99.75,
    99.9,
    99.95,
    99.99,
    100.0,
)

#: This many records must lie beyond a percentile before it is shown: 99 % takes 1,000. How many lie
#: beyond the true one is binomial: with 10 expected, 4 to 17 in 97 of 100 runs, so what is told for
#: 99 % of 1,000 is the true value of one between 98.3 and 99.6 % (distribution-free intervals for
#: quantiles: Hahn and Meeker, "Statistical Intervals", chapter 5). With one expected, 37 of 100
#: runs see none.
BEYOND = 10

#: What counts unless told otherwise. Unknown are time-outs (a wait, too: to leave them out would
#: hide the worst) and every send with acks=0, which is done when it is on the wire.
ANSWERED = (Outcome.OK, Outcome.UNKNOWN)


@dataclass(frozen=True)
class Waits:
    """Latencies in ms: `ended` as they were, of `open` each is at least so much."""

    ended: Sequence[float]
    open: Sequence[float] = ()

    def __add__(self, other: Waits) -> Waits:
        return Waits([*self.ended, *other.ended], [*self.open, *other.open])

    @property
    def all(self) -> list[float]:
        """Every one, the shortest first; an open one by the least that it can be."""
        return sorted([*self.ended, *self.open])

    def bounded(self, value_ms: float) -> bool:
        """Whether a percentile of this value may be more: a wait below it had not ended."""
        return any(value < value_ms for value in self.open)


def waits_of(load: Load, warmup_s: float = 0.0) -> Waits:
    """How long what a load had to send waited, from when it was due.

    Args:
        load: one that has been stopped.
        warmup_s: leave out what was due in this many first seconds.
    """
    begin = min((send.intended for send in load.sends), default=0.0) + warmup_s
    return Waits(
        latencies_ms(load.sends, warmup_s),
        [(load.stopped - due) * 1000 for due in load.overdue if due >= begin],
    )


def latencies_ms(
    sends: Iterable[Send], warmup_s: float = 0.0, outcomes: Sequence[Outcome] = ANSWERED
) -> list[float]:
    """The latencies in ms, in the order of sending.

    Args:
        sends: what was sent.
        warmup_s: leave out what was due in this many first seconds (connections, JIT, caches).
        outcomes: which ends count; a send without a time of completion never does.
    """
    timed = [s for s in sends if s.latency_s is not None and s.outcome in outcomes]
    begin = min((s.intended for s in timed), default=0.0) + warmup_s
    return [max(s.latency_s or 0.0, 0.0) * 1000 for s in timed if s.intended >= begin]


def enough(percent: float, count: int) -> bool:
    """Whether this many records are enough for this percentile."""
    return round(count * (100.0 - percent) / 100.0, 6) >= BEYOND


#: What a summary may hold, by how its figures are named.
SUMMARY = {"p50_ms": 50.0, "p90_ms": 90.0, "p99_ms": 99.0, "p999_ms": 99.9}


def summary_of(values_ms: Iterable[float]) -> dict[str, float]:
    """`samples`, those of `SUMMARY` with enough values, and `max_ms`; empty without values."""
    ordered = sorted(values_ms)
    if not ordered:
        return {}
    known = {name: p for name, p in SUMMARY.items() if enough(p, len(ordered))}
    told = {name: _at(ordered, percent) for name, percent in known.items()}
    return {"samples": len(ordered), **told, "max_ms": _at(ordered, 100.0)}


def tail(*summaries: Mapping[str, float]) -> str | None:
    """The name of the highest percentile up to 99 % that all of them have, to compare them by."""
    known = [name for name in ("p50_ms", "p90_ms", "p99_ms") if all(name in s for s in summaries)]
    return known[-1] if known else None


def percentiles_of(values_ms: Iterable[float]) -> list[tuple[float, float]]:
    """(percentile, ms) points for `experiment.views.Percentiles`: the known and the slowest."""
    ordered = sorted(values_ms)
    known = [p for p in CURVE if p == 100.0 or enough(p, len(ordered))]
    return [(p, _at(ordered, p)) for p in known] if ordered else []


def _at(ordered_ms: Sequence[float], percent: float) -> float:
    """The smallest latency that this many percent did not exceed: a measured one, to 1 µs."""
    rank = math.ceil(round(len(ordered_ms) * percent / 100, 6))  # 99.9 % of 1,000 are 999
    return round(ordered_ms[max(rank, 1) - 1], 3)
