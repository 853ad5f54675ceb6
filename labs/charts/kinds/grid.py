"""A table whose cells are kinds: a row for each thing tried, a column for each look at it."""

from __future__ import annotations

from matplotlib.figure import Figure, SubFigure

from labs.charts.kinds import lanes
from labs.charts.naming import naming
from labs.charts.pen.axes import Ticks, box, x_axis
from labs.charts.pen.head import head, head_height
from labs.charts.pen.sizes import AXIS_IN
from labs.experiment.views import Grid, Lanes, Span


def height(view: Grid) -> float:
    """How high it wants to be, inches."""
    return head_height(view.title, []) + lanes.body_in(_as_lanes(view)) + AXIS_IN


def draw(view: Grid, fig: Figure | SubFigure) -> None:
    """Draw it onto a figure, or a part of one, of its height."""
    name, table = naming(view), _as_lanes(view)
    top = head(fig, view.title, [])
    ax = box(fig, top, lanes.body_in(table), left=lanes.left_in(table))
    ax.set_xlim(0, max(len(view.columns), 1))
    lanes.draw_lanes(ax, table)
    places = [column + 0.5 for column in range(len(view.columns))]
    x_axis(ax, Ticks(places, [name(column) for column in view.columns]), "")


def _as_lanes(view: Grid) -> Lanes:
    """Each row a lane, each cell a span that says what it is."""
    rows = {
        row: [
            Span(column + 0.03, column + 0.97, cell, cell)
            for column, cell in enumerate(cells)
            if cell
        ]
        for row, cells in view.rows.items()
    }
    return Lanes("", rows, view.kinds, names=view.names)
