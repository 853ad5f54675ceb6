"""How long answers took: percentiles of all answers, none of them rounded or grouped.

A latency is *answer − intended time of sending*: a record that had to queue behind a stall counts
with all of its wait (Tene, "How NOT to Measure Latency": coordinated omission). A mean would hide
what a percentile tells: how bad the worst are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from labs.history import Outcome, Send

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

#: What counts unless told otherwise. Unknown are time-outs (a wait, too: to leave them out would
#: hide the worst) and every send with acks=0, which is done when it is on the wire.
ANSWERED = (Outcome.OK, Outcome.UNKNOWN)


def latencies_ms(
    sends: Iterable[Send], warmup_s: float = 0.0, outcomes: Sequence[Outcome] = ANSWERED
) -> list[float]:
    """The latencies in ms, in the order of sending.

    Args:
        sends: what was sent.
        warmup_s: leave out what was due in the first so many seconds (connections, JIT, caches).
        outcomes: which ends count; a send without a time of completion never does.
    """
    timed = [s for s in sends if s.latency_s is not None and s.outcome in outcomes]
    begin = min((s.intended for s in timed), default=0.0) + warmup_s
    return [max(s.latency_s or 0.0, 0.0) * 1000 for s in timed if s.intended >= begin]


def summary(
    sends: Iterable[Send], warmup_s: float = 0.0, outcomes: Sequence[Outcome] = ANSWERED
) -> dict[str, float]:
    """`p50_ms`, `p99_ms`, `p999_ms` and `max_ms`; empty if nothing was answered."""
    return summary_of(latencies_ms(sends, warmup_s, outcomes))


def percentiles(
    sends: Iterable[Send], warmup_s: float = 0.0, outcomes: Sequence[Outcome] = ANSWERED
) -> list[tuple[float, float]]:
    """(percentile, ms) points for `labs.views.Percentiles`.

    It ends where one record in all is left: with 200 records, nothing is known about 99.9 %.
    """
    return percentiles_of(latencies_ms(sends, warmup_s, outcomes))


def summary_of(values_ms: Iterable[float]) -> dict[str, float]:
    """`summary` of latencies in ms, whoever measured them."""
    ordered = sorted(values_ms)
    wanted = {"p50_ms": 50.0, "p99_ms": 99.0, "p999_ms": 99.9, "max_ms": 100.0}
    return {name: _at(ordered, percent) for name, percent in wanted.items()} if ordered else {}


def percentiles_of(values_ms: Iterable[float]) -> list[tuple[float, float]]:
    """`percentiles` of latencies in ms, whoever measured them."""
    ordered = sorted(values_ms)
    known = [p for p in CURVE if p == 100.0 or len(ordered) * (100.0 - p) / 100.0 >= 1.0]
    return [(p, _at(ordered, p)) for p in known] if ordered else []


def _at(ordered_ms: Sequence[float], percent: float) -> float:
    """The smallest latency that so many percent did not exceed: one that was measured, to 1 µs."""
    rank = math.ceil(round(len(ordered_ms) * percent / 100, 6))  # 99.9 % of 1,000 are 999
    return round(ordered_ms[max(rank, 1) - 1], 3)
