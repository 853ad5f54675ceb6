"""Moments worth a dashed line through the axes, told above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.transforms import Affine2D

from labs.charts.naming import Naming
from labs.charts.pen.axes import ON_PAPER
from labs.charts.pen.sizes import SMALL_PT, width_of
from labs.charts.style import DPI, RUST, VERMILLION, WIDTH_IN
from labs.experiment.views import Mark

ROW_IN = 0.19

#: Texts of marks that stand close share so many rows.
ROWS = 3


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


def marks_height(
    marks: Sequence[Mark], low: float, high: float, name: Naming, width: float = WIDTH_IN - 2
) -> float:
    """What the marks' texts take above axes `width` inches wide, inches."""
    return 0.04 + ROW_IN * mark_rows(marks, low, high, width, name)


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
    """Each mark's place; one that finds no room in `ROWS` rows has no text."""
    inch = (high - low) / width
    ends = [low - width * inch] * ROWS
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
    stems = [(one.at, 1 + one.row * ROW_IN / height) for one in placed]
    ends = [end for _, end in stems]
    lines = top.vlines(
        [at for at, _ in stems], 1, ends, VERMILLION, transform=across, linewidth=0.8
    )
    lines.set_clip_on(False)
    for one in placed:
        moved = across + Affine2D().translate(2, (3 / 72 + one.row * ROW_IN) * DPI)
        text = top.text(one.left, 1, one.text, transform=moved, parse_math=False)
        # A later mark's line does not run through a word.
        text.set(size=SMALL_PT, color=RUST, zorder=6)
        text.set_bbox(ON_PAPER)
