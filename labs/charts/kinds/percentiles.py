"""Latency by percentile, on an axis where each further nine takes as much room."""

from __future__ import annotations

import math

from matplotlib.figure import Figure, SubFigure

from labs.base.words import Words
from labs.charts.naming import naming
from labs.charts.pen.axes import Ticks, box, x_axis, y_axis
from labs.charts.pen.ends import end_labels, names_width
from labs.charts.pen.head import head, head_height
from labs.charts.pen.series import Series, plot, span_x, span_y
from labs.charts.pen.sizes import AXIS_IN
from labs.experiment.views import Percentiles

words = Words(__file__)

_BODY_IN = 2.5
_NINES = (50.0, 90.0, 99.0, 99.9, 99.99, 99.999)
_BEYOND = 0.25  # so far behind the last percentile that was reached stands the largest value


def height(view: Percentiles) -> float:
    """How high it wants to be, inches."""
    return head_height(view.title) + 0.04 + _BODY_IN + AXIS_IN


def draw(view: Percentiles, fig: Figure | SubFigure) -> None:
    """Draw it onto a figure, or a part of one, of its height."""
    name = naming(view)
    top = head(fig, view.title) + 0.04
    named = len(view.series) > 1
    ax = box(fig, top, _BODY_IN, right=names_width(map(name, view.series)) if named else 0.4)
    reached = [p for points in view.series.values() for p, _ in points if p < 100]
    last = max((stretched(p) for p in reached), default=stretched(99))
    series: Series = {
        id: [(min(stretched(p), last + _BEYOND), ms) for p, ms in points]
        for id, points in view.series.items()
    }
    ys = [ms for points in series.values() for _, ms in points if ms > 0]
    log_y = bool(ys) and max(ys) > 20 * min(ys)
    span_x(ax, series, log=False)
    span_y(ax, series, log=log_y)
    ends = plot(ax, series, name, dots=False)
    x_axis(ax, _ticks(view, last), name(view.x), grid=True)
    y_axis(ax, Ticks.within(ax.get_ylim(), 5, log=log_y), name(view.y))
    if named:
        end_labels(ax, ends)


def _ticks(view: Percentiles, last: float) -> Ticks:
    nines = [p for p in _NINES if stretched(p) <= last + 0.05]
    places, told = [stretched(p) for p in nines], [f"{p:g} %" for p in nines]
    if any(p >= 100 for points in view.series.values() for p, _ in points):
        return Ticks([*places, last + _BEYOND], [*told, words("percentiles.largest")])
    return Ticks(places, told)


def stretched(percentile: float) -> float:
    """Where a percentile stands: each further nine takes as much room as the one before."""
    return -math.log10(1 - percentile / 100) if percentile < 100 else math.inf
