"""Series of points over time, or over whatever else was swept: as lines, or as dots."""

from __future__ import annotations

from matplotlib.figure import Figure, SubFigure

from labs.charts.naming import naming
from labs.charts.pen.axes import Ticks, box, x_axis, y_axis
from labs.charts.pen.ends import end_labels, names_width
from labs.charts.pen.head import head, head_height
from labs.charts.pen.looks import stroke
from labs.charts.pen.marks import draw_marks, marks_height
from labs.charts.pen.series import plot, span_x, span_y
from labs.charts.pen.sizes import AXIS_IN
from labs.experiment.views import Lines

_BODY_IN = 2.3


def height(view: Lines) -> float:
    """How high it wants to be, inches."""
    name = naming(view)
    names = map(name, view.series) if _has_legend(view) else ()
    marks = marks_height(view.marks, *_reach(view), name)
    return head_height(view.title, names) + marks + _BODY_IN + AXIS_IN


def draw(view: Lines, fig: Figure | SubFigure) -> None:
    """Draw it onto a figure, or a part of one, of its height."""
    name = naming(view)
    looks = [(name(id), stroke(id, number)) for number, id in enumerate(view.series)]
    top = head(fig, view.title, looks if _has_legend(view) else [])
    top += marks_height(view.marks, *_reach(view), name)
    named = len(view.series) > 1 and not view.dots
    ax = box(fig, top, _BODY_IN, right=names_width(map(name, view.series)) if named else 0.3)
    log_x = span_x(ax, view.series, view.marks, log=view.log_x)
    log_y = span_y(ax, view.series, log=view.log_y, far=view.dots)
    swept = sorted({x for points in view.series.values() for x, _ in points})
    few = log_x and len(swept) <= 8  # a sweep: each value that was tried is worth a tick
    ticks = Ticks.at(swept) if few else Ticks.within(ax.get_xlim(), 8, log=log_x)
    x_axis(ax, ticks, name(view.x))
    y_axis(ax, Ticks.within(ax.get_ylim(), 5, log=log_y), name(view.y))
    ends = plot(ax, view.series, name, dots=view.dots, steps=view.steps)
    if named:
        end_labels(ax, ends)
    draw_marks([ax], view.marks, name)


def _has_legend(view: Lines) -> bool:
    """Dots end nowhere; lines are named where they end."""
    return view.dots and len(view.series) > 1


def _reach(view: Lines) -> tuple[float, float]:
    """From the first to the last of its points and marks."""
    xs = [x for points in view.series.values() for x, _ in points]
    xs += [mark.at for mark in view.marks] if xs else []
    return min(xs, default=0), max(xs, default=1)
