"""What a result shows, as plain values; `labs.charts` draws any of them.

A title states the finding. Times on an x axis are seconds since the run began, unless said
otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Point = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """A moment worth a dashed line: something was done to the cluster, or changed in it."""

    at: float
    text: str


@dataclass(frozen=True)
class Bars:
    """One or more series of bars: series name → one value for each label."""

    title: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float]]
    x: str  # what the values are, with the unit
    log: bool = False
    notes: Sequence[str] = ()  # written at the bars' ends instead of the values, first series only


@dataclass(frozen=True)
class Lines:
    """Series of points joined by lines, or not (`dots`)."""

    title: str
    series: Mapping[str, Sequence[Point]]
    x: str
    y: str
    marks: Sequence[Mark] = ()
    dots: bool = False
    steps: bool = False
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Percentiles:
    """Latency by percentile: series → (percentile, ms), the axis stretched towards 100 %."""

    title: str
    series: Mapping[str, Sequence[Point]]
    x: str = "percentile of records"
    y: str = "ms from the intended send to the acknowledgement"


@dataclass(frozen=True)
class Span:
    """One piece of a lane. `kind` picks its look, `text` is written in it where there is room."""

    start: float
    end: float
    kind: str
    text: str = ""


@dataclass(frozen=True)
class Lanes:
    """What held when: lane name → spans. `kinds` gives the legend its order."""

    title: str
    lanes: Mapping[str, Sequence[Span]]
    kinds: Sequence[str] = ()
    marks: Sequence[Mark] = ()
    x: str = "s since the run began"


@dataclass(frozen=True)
class Replica:
    """One broker's copy of a partition. `high_watermark` is None where the broker can't tell."""

    broker: int
    role: str  # leader, follower, or why it does neither: paused, killed, stopped
    in_isr: bool
    log_end: int
    high_watermark: int | None = None


@dataclass(frozen=True)
class Logs:
    """The copies of one partition side by side, from offset `start` on."""

    title: str
    replicas: Sequence[Replica]
    start: int = 0


@dataclass(frozen=True)
class Story:
    """A partition's life: who led, who was in the ISR, how far the log reached, how clients waited.

    `leaders`: one lane a broker with spans of kind leader, in ISR, out of the ISR, unseen.
    `offsets`: log end and high watermark. `waits`: (sent, ms until acknowledged).
    """

    title: str
    leaders: Lanes
    offsets: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    waits: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    marks: Sequence[Mark] = ()


View = Bars | Lines | Percentiles | Lanes | Logs | Story
