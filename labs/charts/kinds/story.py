"""A partition's life, one above the other: who led, how far the log reached, how clients waited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from labs.charts.kinds import lanes
from labs.charts.naming import Naming, naming
from labs.charts.pen.axes import Ticks, box, x_axis, y_axis
from labs.charts.pen.ends import End, end_labels, names_width
from labs.charts.pen.head import head, head_height
from labs.charts.pen.looks import stroke
from labs.charts.pen.marks import ROW_IN, draw_marks, mark_rows
from labs.charts.pen.points import broken
from labs.charts.pen.series import Series, plot, span_y
from labs.charts.pen.sizes import AXIS_IN
from labs.charts.style import WIDTH_IN
from labs.experiment.views import Story

_GAP_IN, _OFFSETS_IN, _WAITS_IN = 0.16, 1.7, 1.3
_SIGNS = {"o": "●", "x": "×", "v": "▼"}


def height(view: Story) -> float:
    """How high it wants to be, inches."""
    names = [name for name, _ in lanes.legend(view.leaders)]
    parts = sum(part.above_in + part.body_in for part in _parts(view))
    return head_height(view.title, names) + parts + AXIS_IN


def draw(view: Story, fig: Figure | SubFigure) -> None:
    """Draw it onto a figure, or a part of one, of its height."""
    name = naming(view)
    top = head(fig, view.title, lanes.legend(view.leaders))
    left, right = lanes.left_in(view.leaders), _right_in(view)
    drawn: list[Axes] = []
    for part in _parts(view):
        ax = box(fig, top + part.above_in, part.body_in, left=left, right=right)
        ax.set_xlim(*_reach(view))
        part.draw(ax)
        top += part.above_in + part.body_in
        drawn.append(ax)
    ticks = Ticks.within(_reach(view), 10)
    for ax in drawn[:-1]:
        x_axis(ax, ticks, words=False)
    x_axis(drawn[-1], ticks, name(view.leaders.x))
    draw_marks(drawn, view.marks, name)


@dataclass(frozen=True)
class _Part:
    """Axes of the story, and the room above them, inches."""

    above_in: float
    body_in: float
    draw: Callable[[Axes], None]


def _parts(view: Story) -> list[_Part]:
    name = naming(view)
    low, high = _reach(view)
    wide = WIDTH_IN - lanes.left_in(view.leaders) - _right_in(view)
    rows = max(mark_rows(view.marks, low, high, wide, name), 2)  # else a live picture would jump
    leaders = _Part(
        0.04 + ROW_IN * rows,
        lanes.body_in(view.leaders),
        lambda ax: lanes.draw_lanes(ax, view.leaders),
    )
    offsets = _Part(_GAP_IN, _OFFSETS_IN, lambda ax: _draw_offsets(ax, view.offsets, name))
    waits = _Part(_GAP_IN, _WAITS_IN, lambda ax: _draw_waits(ax, view.waits, name))
    there = [
        part
        for part, series in ((offsets, view.offsets), (waits, view.waits))
        if any(series.values())
    ]
    return [leaders, *there]


def _right_in(view: Story) -> float:
    name = naming(view)
    return max(names_width(map(name, series)) for series in (view.offsets, view.waits))


def _reach(view: Story) -> tuple[float, float]:
    low, high = lanes.reach(view.leaders)
    points = [p for s in (view.offsets, view.waits) for ps in s.values() for p in ps[-1:]]
    return low, max([high, *(x for x, _ in points)])


def _draw_offsets(ax: Axes, offsets: Series, name: Naming) -> None:
    ends = plot(ax, {id: broken(points) for id, points in offsets.items()}, name, dots=False)
    span_y(ax, offsets, log=False)
    y_axis(ax, Ticks.within(ax.get_ylim(), 4, whole=True), name("offset"))
    end_labels(ax, ends)


def _draw_waits(ax: Axes, waits: Series, name: Naming) -> None:
    log = span_y(ax, waits, log=True)
    plot(ax, waits, name, dots=True)
    y_axis(ax, Ticks.within(ax.get_ylim(), 4, log=log), name("wait_ms"))
    looks = [(id, points, stroke(id, number)) for number, (id, points) in enumerate(waits.items())]
    end_labels(
        ax,
        [
            End(f"{_SIGNS.get(look.marker, '◆')} {name(id)}", points[-1], look.ink)
            for id, points, look in looks
            if points
        ],
    )
