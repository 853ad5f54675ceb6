"""How a series or a kind of span looks: by its id, and never told by colour alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from labs.charts.style import (
    BLACK,
    BLUE,
    CYCLE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    PURPLE,
    RUST,
    SKY,
    VERMILLION,
)


@dataclass(frozen=True)
class Stroke:
    """How a series looks: colour, line and marker."""

    colour: str
    line: str
    marker: str

    @property
    def ink(self) -> str:
        """The colour of its name: a text needs more contrast than a line."""
        return _INKS.get(self.colour, self.colour)


_INKS = {
    ORANGE: "#8F6300",
    SKY: "#1F6FA0",
    GREEN: "#007A58",
    VERMILLION: RUST,
    PURPLE: "#9C4A77",
}


@dataclass(frozen=True)
class Fill:
    """How an area looks: fill, hatch and outline differ as well as the colour."""

    face: str
    edge: str
    hatch: str = ""
    outline: Literal["-", ":"] = "-"

    @property
    def ink(self) -> str:
        """The colour in which a text on it can be read."""
        return "white" if self.face in (BLUE, VERMILLION, GREEN, BLACK, MUTED) else INK

    @property
    def patch(self) -> dict[str, Any]:
        """What matplotlib's patches take."""
        return {
            "facecolor": self.face,
            "edgecolor": self.edge,
            "hatch": self.hatch,
            "linestyle": self.outline,
        }


#: The first series of a chart of bars, or its only one.
PLAIN = Fill(BLUE, BLUE)

STROKES = tuple(
    Stroke(colour, line, marker)
    for colour, line, marker in zip(
        CYCLE, ("-", "--", "-.", ":", "-", "--", "-."), "os^Dv<x", strict=True
    )
)

#: Series that look the same in every chart.
_STROKES = {
    "ok": Stroke(BLUE, "-", "o"),
    "unknown": Stroke(VERMILLION, "--", "x"),
    "fail": Stroke(BLACK, ":", "v"),
    "high_watermark": Stroke(BLACK, ":", "D"),
    "log_end:1": Stroke(BLUE, "-", "o"),
    "log_end:2": Stroke(VERMILLION, "--", "s"),
    "log_end:3": Stroke(GREEN, "-.", "^"),
}

#: What holds of a broker looks the same in every chart.
_FILLS = {
    "leader": PLAIN,
    "in_isr": Fill("#CFE6F5", "#6FA9CF", "///"),
    "out_of_isr": Fill(PAPER, MUTED),
    "unseen": Fill(PAPER, MUTED, "", ":"),
}
_OTHER_FILLS = (
    Fill("#CFE6F5", BLUE),
    Fill("#FBE0CF", VERMILLION, "///"),
    Fill("#CDEBDF", GREEN, "..."),
    Fill("#F5DFEB", PURPLE, "\\\\\\"),
    Fill("#FBEBC4", ORANGE, "xxx"),
    Fill(SKY, SKY, "|||"),
    Fill(PAPER, MUTED),
)


def stroke(series: str, position: int) -> Stroke:
    """The look of the series of that id, the `position`th of its chart."""
    return _STROKES.get(series, STROKES[position % len(STROKES)])


def fills(kinds: Iterable[str]) -> dict[str, Fill]:
    """A look for each kind; those not known everywhere are told apart in their order."""
    found: dict[str, Fill] = {}
    others = 0
    for kind in kinds:
        found[kind] = _FILLS.get(kind) or _OTHER_FILLS[others % len(_OTHER_FILLS)]
        others += kind not in _FILLS
    return found
