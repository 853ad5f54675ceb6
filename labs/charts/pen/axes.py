"""Axes at places in inches, with plain ticks.

An axis of matplotlib's own takes more than half of a picture's time: it makes each tick of two
texts and three lines, and measures all of them before it places its label.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D

from labs.charts.letters import wrapped
from labs.charts.pen.sizes import EM, TEXT_PT, size_of, width_of
from labs.charts.style import DPI, LINE, MUTED, PAPER

#: Behind a word that a line may run through.
ON_PAPER: dict[str, Any] = {"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"}


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
        lines = wrapped(name, max(int(ax.bbox.height / DPI / (TEXT_PT * EM)), 8))
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
