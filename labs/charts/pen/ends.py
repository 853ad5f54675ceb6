"""Names at the right edge of the axes, each level with where its line ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from labs.charts.pen.sizes import EDGE_IN, SMALL_PT, width_of
from labs.charts.style import DPI
from labs.experiment.views import Point


@dataclass(frozen=True)
class End:
    """Where a line ends, and what stands there."""

    name: str
    point: Point
    colour: str


def names_width(names: Iterable[str]) -> float:
    """The margin that the names need, inches."""
    return EDGE_IN + 0.1 + max((width_of(name, SMALL_PT) for name in names), default=0)


def end_labels(ax: Axes, ends: Sequence[End]) -> None:
    """Draw the names, kept apart; limits and scales of the axes are final by now."""
    bottom, height = ax.bbox.y0, ax.bbox.height
    levels = [float(ax.transData.transform(end.point)[1]) - bottom for end in ends]
    upwards = sorted(range(len(ends)), key=levels.__getitem__)
    places = apart([levels[number] for number in upwards], 13.5, 4, height - 4)
    for place, number in zip(places, upwards, strict=True):
        ax.text(
            1 + 0.07 * DPI / ax.bbox.width,
            place / height,
            ends[number].name,
            transform=ax.transAxes,
            size=SMALL_PT,
            color=ends[number].colour,
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
