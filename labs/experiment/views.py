"""What a result shows, as plain values; `labs.charts` draws any of them.

A title states the finding, as a sentence. All else that can be read in a picture is an id: of a
series, a kind of span, a lane, a label, an axis. `names` says what is written for it; what is not
there, `labs/charts/en.toml` may know, or else the id itself is written. An id may say whose it is:
`partition:3` is the `partition` of 3, and is written as "partition {of}" says.

Times on an x axis are seconds since the run began, unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

Point = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """A moment worth a dashed line: something was done to the cluster (`what`), or changed in it.

    `pause:2` and `pause:3` share a label where they are close: "pause 2, 3".
    """

    at: float
    what: str


@dataclass(frozen=True)
class View:
    """What all kinds have. `labs.charts.kinds` has a file of the name `kind`, which draws it."""

    kind: ClassVar[str]
    title: str
    names: Mapping[str, str] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True)
class Bars(View):
    """One or more series of bars: series → one value for each label."""

    kind = "bars"
    labels: Sequence[str]
    series: Mapping[str, Sequence[float]]
    x: str  # what the values are, with the unit
    log: bool = False
    notes: Sequence[str] = ()  # written at the bars' ends instead of the values, first series only


@dataclass(frozen=True)
class Lines(View):
    """Series of points joined by lines, or not (`dots`)."""

    kind = "lines"
    series: Mapping[str, Sequence[Point]]
    x: str
    y: str
    marks: Sequence[Mark] = ()
    dots: bool = False
    steps: bool = False
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Percentiles(View):
    """Latency by percentile: series → (percentile, ms), the axis stretched towards 100 %."""

    kind = "percentiles"
    series: Mapping[str, Sequence[Point]]
    x: str = "percentile"
    y: str = "due_to_acknowledged_ms"


@dataclass(frozen=True)
class Span:
    """One piece of a lane. `kind` picks its look, `text` is written in it where there is room."""

    start: float
    end: float
    kind: str
    text: str = ""


@dataclass(frozen=True)
class Lanes(View):
    """What held when: lane → spans. `kinds` gives the legend its order."""

    kind = "lanes"
    lanes: Mapping[str, Sequence[Span]]
    kinds: Sequence[str] = ()
    marks: Sequence[Mark] = ()
    x: str = "elapsed_s"


@dataclass(frozen=True)
class Grid(View):
    """A table: row → a cell for each column. A cell is a kind, which picks its look; `kinds` gives
    them their order."""

    kind = "grid"
    columns: Sequence[str]
    rows: Mapping[str, Sequence[str]]
    kinds: Sequence[str] = ()


@dataclass(frozen=True)
class Replica:
    """One broker's copy of a partition. `high_watermark`: None where it is not reported."""

    broker: int
    role: str  # leader, follower, or why it does neither: paused, killed, stopped
    in_isr: bool
    log_end: int
    high_watermark: int | None = None


@dataclass(frozen=True)
class Logs(View):
    """The copies of one partition side by side, from offset `start` on."""

    kind = "logs"
    replicas: Sequence[Replica]
    start: int = 0


@dataclass(frozen=True)
class Story(View):
    """A partition's life: who led, who was in the ISR, how far the log reached, how clients waited.

    `leaders`: one lane a broker with spans of kind `leader`, `in_isr`, `out_of_isr`, `unseen`.
    `offsets`: log ends and high watermark. `waits`: outcome → (sent, ms until acknowledged).
    """

    kind = "story"
    leaders: Lanes
    offsets: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    waits: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    marks: Sequence[Mark] = ()
