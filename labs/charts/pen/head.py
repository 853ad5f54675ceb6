"""What stands above the axes: the finding as a title, and below it a legend in rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.artist import Artist
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D

from labs.charts.pen.looks import Fill, Stroke
from labs.charts.pen.sizes import (
    EDGE_IN,
    SMALL_PT,
    TITLE_LINE_IN,
    TITLE_PT,
    size_of,
    title_lines,
    width_of,
)
from labs.charts.style import INK, MUTED, WIDTH_IN

_LEGEND_IN, _ROW_IN = 0.26, 0.2

#: What is written, and the look that it explains.
Entry = tuple[str, Stroke | Fill]


def head_height(title: str, names: Iterable[str] = ()) -> float:
    """What a title, and a legend of these names if there are any, take; inches."""
    return 0.14 + TITLE_LINE_IN * len(title_lines(title)) + _legend_height(list(names))


def head(fig: Figure | SubFigure, title: str, legend: Sequence[Entry] = ()) -> float:
    """Draw both; returns how far down they reach, inches."""
    width, height = size_of(fig)
    for number, line in enumerate(title_lines(title)):
        fig.text(
            EDGE_IN / width,
            1 - (0.12 + TITLE_LINE_IN * number) / height,
            line,
            size=TITLE_PT,
            weight="bold",
            color=INK,
            va="top",
            parse_math=False,
        )
    _draw_legend(fig, head_height(title), legend)
    return head_height(title, [name for name, _ in legend])


# Matplotlib's own legend takes far longer.


def _legend_height(names: Sequence[str]) -> float:
    rows = [row for *_, row in _places(names)]
    return _LEGEND_IN + _ROW_IN * max(rows) if rows else 0


def _draw_legend(fig: Figure | SubFigure, top: float, legend: Sequence[Entry]) -> None:
    width, height = size_of(fig)
    inches = Affine2D().scale(1 / width, 1 / height) + fig.transSubfigure
    places = _places([name for name, _ in legend])
    for (_, look), (name, left, row) in zip(legend, places, strict=True):
        middle = height - top - 0.08 - row * _ROW_IN
        sign = _sign(look, left, middle)
        sign.set_transform(inches)
        fig.add_artist(sign)
        text = fig.text(left + 0.38, middle, name, transform=inches, parse_math=False)
        text.set(size=SMALL_PT, color=MUTED, va="center_baseline")


def _sign(look: Stroke | Fill, left: float, middle: float) -> Artist:
    """A marker of a series of dots, or a small box."""
    if isinstance(look, Fill):
        return Rectangle((left, middle - 0.055), 0.3, 0.11, **look.patch)
    x, y = left + 0.15, middle
    return Line2D([x], [y], linestyle="", marker=look.marker, color=look.colour, markersize=5)


def _places(names: Sequence[str]) -> list[tuple[str, float, int]]:
    """Each name, where it begins (inches from the left), and in which row."""
    places, left, row = [], EDGE_IN, 0
    for name in names:
        wide = 0.38 + width_of(name, SMALL_PT) * 1.04
        if left > EDGE_IN and left + wide > WIDTH_IN - EDGE_IN:
            left, row = EDGE_IN, row + 1
        places.append((name, left, row))
        left += wide + 0.2
    return places
