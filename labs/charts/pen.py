"""What every view is drawn with: boxes in inches, labels that keep apart, marks, legends.

Positions are fixed instead of laid out by matplotlib: a layout engine would double the time that a
live picture takes. Texts are never read as mathematics (`$`).
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D

from labs.charts.naming import Naming
from labs.charts.style import (
    BLACK,
    BLUE,
    CYCLE,
    DPI,
    GREEN,
    INK,
    LINE,
    MUTED,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    VERMILLION,
    WIDTH_IN,
)
from labs.experiment.views import Mark, Point

EDGE_IN = 0.2  # between the picture's edge and whatever stands next to it
TITLE_PT, TEXT_PT, SMALL_PT = 13.0, 10.0, 9.0
TITLE_LINE_IN, MARK_IN, AXIS_IN = 0.24, 0.19, 0.52
LEGEND_IN, LEGEND_ROW_IN = 0.26, 0.2

#: Texts of marks that stand close share so many rows.
MARK_ROWS = 3

#: Longer series are thinned to about so many points: nobody sees more on 900 pixels.
POINTS = 800

#: The space between a figure and its unit.
_UNIT = re.compile(r"(?<=\d) (?=(?:ms|s|%|KB|MB|records)\b|%)")
_EM = 0.56 / 72  # the mean width of DejaVu Sans' letters, inches per point of size
TITLE_LETTERS = int((WIDTH_IN - 2 * EDGE_IN) / (TITLE_PT * 1.1 * _EM))


@dataclass(frozen=True)
class Stroke:
    """How a series looks: never told by its colour alone."""

    colour: str
    line: str
    marker: str


STROKES = tuple(
    Stroke(colour, line, marker)
    for colour, line, marker in zip(
        CYCLE, ("-", "--", "-.", ":", "-", "--", "-."), "os^Dv<x", strict=True
    )
)

#: Series of these ids look the same in every chart.
_KNOWN = {
    "ok": Stroke(BLUE, "-", "o"),
    "unknown": Stroke(VERMILLION, "--", "x"),
    "fail": Stroke(BLACK, ":", "v"),
    "high_watermark": Stroke(BLACK, ":", "D"),
    "log_end:1": Stroke(BLUE, "-", "o"),
    "log_end:2": Stroke(VERMILLION, "--", "s"),
    "log_end:3": Stroke(GREEN, "-.", "^"),
}


#: Behind a word that a line may run through.
ON_PAPER: dict[str, Any] = {"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"}


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


#: What holds of a broker, a member or a client looks the same in every chart.
_FILLS = {
    "leader": Fill(BLUE, BLUE),
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
    return _KNOWN.get(series, STROKES[position % len(STROKES)])


def fills(kinds: Iterable[str]) -> dict[str, Fill]:
    """A look for each kind; those not known everywhere are told apart in their order."""
    found: dict[str, Fill] = {}
    others = 0
    for kind in kinds:
        found[kind] = _FILLS.get(kind) or _OTHER_FILLS[others % len(_OTHER_FILLS)]
        others += kind not in _FILLS
    return found


# --- sizes ----------------------------------------------------------------------------------------


def width_of(text: str, size_pt: float = TEXT_PT) -> float:
    """About how wide a text is, inches (of its longest line)."""
    return max((len(line) for line in text.split("\n")), default=0) * size_pt * _EM


def title_lines(title: str) -> list[str]:
    """The title, wrapped; a figure and its unit stay on one line."""
    together = _UNIT.sub("\u00a0", title)
    return [line.replace("\u00a0", " ") for line in textwrap.wrap(together, TITLE_LETTERS)]


def title_height(title: str) -> float:
    """What a title takes, inches; nothing if there is none."""
    lines = title_lines(title)
    return 0.14 + TITLE_LINE_IN * len(lines) if lines else 0.14


def size_of(fig: Figure | SubFigure) -> tuple[float, float]:
    """Width and height of a figure or a part of one, inches."""
    return fig.bbox.width / DPI, fig.bbox.height / DPI


# --- pieces ---------------------------------------------------------------------------------------


def title(fig: Figure | SubFigure, text: str) -> None:
    """The finding, bold, at the top left."""
    width, height = size_of(fig)
    for number, line in enumerate(title_lines(text)):
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


def box(
    fig: Figure | SubFigure, top: float, height: float, *, left: float = 0.85, right: float = 0.25
) -> Axes:
    """Axes `top` inches below the upper edge; `left` and `right` are margins, inches."""
    full_width, full_height = size_of(fig)
    place = (
        left / full_width,
        1 - (top + height) / full_height,
        1 - (left + right) / full_width,
        height / full_height,
    )
    ours: list[Axes] = fig.__dict__.setdefault("_labs_boxes", [])
    spare = next((ax for ax in ours if ax not in fig.axes), None)
    if spare is not None:
        return _emptied(fig, spare, place)
    ax = fig.add_axes(place, facecolor=PAPER)
    ours.append(ax)
    ax.xaxis.set_visible(False)
    ax.yaxis.set_visible(False)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(LINE)
    return ax


def _emptied(fig: Figure | SubFigure, ax: Axes, place: tuple[float, float, float, float]) -> Axes:
    """Axes of the figure's last picture, as good as new: making them takes a fifth of its time."""
    for artist in [*ax.lines, *ax.patches, *ax.texts, *ax.collections]:
        artist.remove()
    ax.set_xscale("linear")
    ax.set_yscale("linear")
    ax.spines["left"].set_visible(True)
    ax.set_position(place)
    return fig.add_axes(ax)


@dataclass(frozen=True)
class Ticks:
    """Where an axis is marked, and with what words."""

    places: Sequence[float]
    words: Sequence[str]

    @classmethod
    def at(cls, places: Iterable[float]) -> Ticks:
        """Numbers, written as one reads them."""
        kept = list(places)
        return cls(kept, [figures(place) for place in kept])

    @classmethod
    def within(
        cls, limits: tuple[float, float], most: int, *, log: bool = False, whole: bool = False
    ) -> Ticks:
        """Round numbers within the limits, `most` or fewer."""
        low, high = limits
        if log:
            return cls.at(_powers(low, high, most))
        found = MaxNLocator(most, integer=whole, steps=[1, 2, 5, 10]).tick_values(low, high)
        slack = 1e-6 * (high - low)
        return cls.at(float(v) for v in found if low - slack <= v <= high + slack)


def _powers(low: float, high: float, most: int) -> list[float]:
    """Powers of ten within the limits, or also their doubles and halves where there are few."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    tens = [10.0**e for e in exponents if low <= 10.0**e <= high]
    if len(tens) < 2:
        tens = [f * 10.0**e for e in exponents for f in (1, 2, 5) if low <= f * 10.0**e <= high]
    return tens[:: -(-len(tens) // most)] if tens else []


# An axis of matplotlib's own takes more than half of a picture's time: it makes each tick of two
# texts and three lines, and measures all of them before it places its label. These are plain.


def x_axis(
    ax: Axes, ticks: Ticks, name: str = "", *, words: bool = True, grid: bool = False
) -> None:
    """Draw the x axis; limits and scale are final by now.

    Args:
        ax: the axes.
        ticks: where it is marked.
        name: what it shows, with the unit.
        words: whether the ticks are named; not so where axes stand on one another.
        grid: whether a line goes up from each tick.
    """
    across = ax.get_xaxis_transform()
    bottom = -3 / 72 * DPI / ax.bbox.height
    top = 1 if grid else 0
    lines = ax.vlines(ticks.places, bottom, top, LINE, transform=across, linewidth=0.8)
    lines.set(clip_on=False, zorder=0.5)
    for place, word in zip(ticks.places, ticks.words, strict=True) if words else ():
        _word(ax, place, 0, word, (0, -5), across, ha="center", va="top")
    if name:
        middle = ax.transAxes
        _word(ax, 0.5, 0, name, (0, -20), middle, ha="center", va="top")


def y_axis(ax: Axes, ticks: Ticks, name: str = "", *, grid: bool = True, ink: str = MUTED) -> None:
    """Draw the y axis, a line across from each tick; limits and scale are final by now."""
    along = ax.get_yaxis_transform()
    if grid:
        ax.hlines(ticks.places, 0, 1, LINE, transform=along, linewidth=0.8, zorder=0.5)
    for place, word in zip(ticks.places, ticks.words, strict=True):
        _word(ax, 0, place, word, (-6, 0), along, ha="right", va="center", color=ink)
    if name:
        letters = max(int(ax.bbox.height / DPI / (TEXT_PT * _EM)), 8)
        lines = textwrap.wrap(name, letters)
        widest = max((width_of(word) for word in ticks.words), default=0)
        aside = min(-6 - 72 * widest - 6 - 6 * len(lines), -40)
        how = {"ha": "center", "va": "center", "rotation": 90}
        _word(ax, 0, 0.5, "\n".join(lines), (aside, 0), ax.transAxes, **how)


def _word(
    ax: Axes, x: float, y: float, word: str, shift: tuple[float, float], on: Any, **how: Any
) -> None:
    dx, dy = shift
    moved = on + Affine2D().translate(dx / 72 * DPI, dy / 72 * DPI)
    given = {"size": TEXT_PT, "color": MUTED, "parse_math": False, **how}
    ax.text(x, y, word, transform=moved, **given)


def figures(value: float) -> str:
    """A number as one reads it: `1,234`, `12.3`, `0.05`; `—` if it is none."""
    size = abs(value)
    if not math.isfinite(value):
        return "—"
    if size >= 1e6:
        return f"{value / 1e6:,.4g} M"
    if value == 0 or value == int(value) or size >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if size >= 10 else f"{value:,.3g}"


def legend(fig: Figure | SubFigure, top: float, handles: Sequence[Line2D | Patch]) -> None:
    """Names in rows, `top` inches below the upper edge; matplotlib's own takes far longer.

    Args:
        fig: where.
        top: how far down, inches.
        handles: lines are shown by their marker, patches by a small box; both have a label.
    """
    width, height = size_of(fig)
    inches = Affine2D().scale(1 / width, 1 / height) + fig.transSubfigure
    places = _legend_places([str(handle.get_label()) for handle in handles])
    for handle, (name, left, row) in zip(handles, places, strict=True):
        middle = height - top - 0.08 - row * LEGEND_ROW_IN
        if isinstance(handle, Line2D):
            handle.set_data([left + 0.15], [middle])
        else:
            handle = Rectangle((left, middle - 0.055), 0.3, 0.11, **_looks_of(handle))
        handle.set_transform(inches)
        fig.add_artist(handle)
        how: dict[str, Any] = {"size": SMALL_PT, "color": MUTED, "va": "center_baseline"}
        fig.text(left + 0.38, middle, name, transform=inches, parse_math=False, **how)


def legend_height(names: Iterable[str]) -> float:
    """What a legend takes, inches."""
    rows = [row for *_, row in _legend_places(list(names))]
    return LEGEND_IN + LEGEND_ROW_IN * max(rows, default=0)


def _legend_places(names: Sequence[str]) -> list[tuple[str, float, int]]:
    """Each name, where it begins (inches from the left), and in which row."""
    places, left, row = [], EDGE_IN, 0
    for name in names:
        wide = 0.38 + width_of(name, SMALL_PT) * 1.04
        if left > EDGE_IN and left + wide > WIDTH_IN - EDGE_IN:
            left, row = EDGE_IN, row + 1
        places.append((name, left, row))
        left += wide + 0.2
    return places


def _looks_of(patch: Patch) -> dict[str, Any]:
    return {
        "facecolor": patch.get_facecolor(),
        "edgecolor": patch.get_edgecolor(),
        "hatch": patch.get_hatch(),
        "linestyle": patch.get_linestyle(),
        "label": patch.get_label(),
    }


def end_labels(ax: Axes, ends: Sequence[tuple[str, float, float, str]]) -> None:
    """Names at the right edge of the axes, level with where their lines end, kept apart.

    Args:
        ax: axes whose limits and scales are final.
        ends: name, the line's last x and y, colour.
    """
    if not ends:
        return
    bottom, height = ax.bbox.y0, ax.bbox.height
    wanted = sorted(
        (float(ax.transData.transform((x, y))[1]) - bottom, name, colour)
        for name, x, y, colour in ends
    )
    places = apart([level for level, _, _ in wanted], 13.5, 4, height - 4)
    for place, (_, name, colour) in zip(places, wanted, strict=True):
        ax.text(
            1 + 0.07 * DPI / ax.bbox.width,
            place / height,
            name,
            transform=ax.transAxes,
            size=SMALL_PT,
            color=colour,
            va="center",
            parse_math=False,
        )


def apart(levels: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Ascending levels moved as little as is simple, until neighbours stand `gap` apart."""
    places: list[float] = []
    for level in levels:
        places.append(max(level, places[-1] + gap if places else low))
    ceiling = high
    for position in reversed(range(len(places))):
        places[position] = min(places[position], ceiling)
        ceiling = places[position] - gap
    return places


def broken(points: Sequence[Point], longest: float = 1.0) -> list[Point]:
    """The points, with a gap in their line wherever nothing was seen for `longest`."""
    whole: list[Point] = []
    for point in points:
        if whole and point[0] - whole[-1][0] > longest:
            whole.append((whole[-1][0], math.nan))
        whole.append(point)
    return whole


def thinned(points: Sequence[Point], most: int = POINTS) -> Sequence[Point]:
    """At most about `most` points: of each stretch its lowest and its highest, in order."""
    if len(points) <= most:
        return points
    stretch = -(-2 * len(points) // most)
    kept: list[Point] = [points[0]]
    for start in range(0, len(points), stretch):
        part = points[start : start + stretch]
        gaps = [p for p in part if math.isnan(p[1])]
        seen = [p for p in part if not math.isnan(p[1])]
        if seen:
            gaps += {min(seen, key=lambda p: p[1]), max(seen, key=lambda p: p[1])}
        kept.extend(sorted(gaps, key=lambda p: p[0]))
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept


# --- marks ----------------------------------------------------------------------------------------


def gathered(marks: Sequence[Mark], near: float, name: Naming) -> list[tuple[float, str]]:
    """When, and what is written; marks closer than `near` as one: `pause 2, 3 · kill 1`."""
    groups: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda mark: mark.at):
        if groups and mark.at - groups[-1][0].at < near:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return [(group[0].at, _told(group, name)) for group in groups]


def _told(marks: Sequence[Mark], name: Naming) -> str:
    told = []
    for what, same in groupby((mark.what.partition(":") for mark in marks), key=lambda p: p[0]):
        told.append(name(f"{what}:{', '.join(of for *_, of in same)}"))
    return " · ".join(told)


def mark_rows(marks: Sequence[Mark], low: float, high: float, width: float, name: Naming) -> int:
    """How many rows the marks' texts take above axes `width` inches wide."""
    return max((one.row for one in _placed(marks, low, high, width, name)), default=-1) + 1


@dataclass(frozen=True)
class _Placed:
    """A mark's text: when the mark is, where the text begins, in which row above the axes."""

    at: float
    text: str
    left: float
    row: int


def _placed(
    marks: Sequence[Mark], low: float, high: float, width: float, name: Naming
) -> list[_Placed]:
    """Each mark's place; one that finds no room in `MARK_ROWS` rows has no text."""
    inch = (high - low) / width
    ends = [low - width * inch] * MARK_ROWS
    placed = []
    for at, text in gathered(marks, 0.12 * inch, name):
        long = width_of(text, SMALL_PT) * inch
        left = max(min(at, high + 0.2 * inch - long), low)
        row = next((row for row, end in enumerate(ends) if left >= end), None)
        if row is not None:
            ends[row] = left + long + 0.12 * inch
            placed.append(_Placed(at, text, left, row))
    return placed


def draw_marks(axes: Sequence[Axes], marks: Sequence[Mark], name: Naming) -> None:
    """A dashed line through all axes for each mark, its text above the first of them."""
    if not marks:
        return
    top = axes[0]
    low, high = top.get_xlim()
    times = [mark.at for mark in marks]
    placed = _placed(marks, low, high, top.bbox.width / DPI, name)
    for ax in axes:
        across = ax.get_xaxis_transform()
        ax.vlines(times, 0, 1, VERMILLION, (0, (4, 3)), transform=across, linewidth=1.1, zorder=4)
    across, height = top.get_xaxis_transform(), top.bbox.height / DPI
    stems = [(one.at, 1 + one.row * MARK_IN / height) for one in placed]
    ends = [end for _, end in stems]
    lines = top.vlines(
        [at for at, _ in stems], 1, ends, VERMILLION, transform=across, linewidth=0.8
    )
    lines.set_clip_on(False)
    for one in placed:
        moved = across + Affine2D().translate(2, (3 / 72 + one.row * MARK_IN) * DPI)
        text = top.text(one.left, 1, one.text, transform=moved, parse_math=False)
        # A later mark's line does not run through a word.
        text.set(size=SMALL_PT, color="#A03C00", zorder=6)
        text.set_bbox(ON_PAPER)
