"""Bars that lie: a group of them for each label, their values at their ends."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from labs.charts.naming import Naming, naming
from labs.charts.pen.axes import Ticks, box, figures, x_axis, y_axis
from labs.charts.pen.head import head, head_height
from labs.charts.pen.looks import PLAIN, Fill, fills
from labs.charts.pen.sizes import AXIS_IN, EDGE_IN, SMALL_PT, TEXT_PT, width_of
from labs.charts.style import INK
from labs.experiment.views import Bars

_BAR_IN = 0.3


def height(view: Bars) -> float:
    """How high it wants to be, inches."""
    several = len(view.series) > 1
    names = map(naming(view), view.series if several else ())
    return head_height(view.title, names) + _body_in(view) + AXIS_IN


def draw(view: Bars, fig: Figure | SubFigure) -> None:
    """Draw it onto a figure, or a part of one, of its height."""
    name, looks = naming(view), _looks(view)
    several = len(view.series) > 1
    legend = [(name(id), look) for id, look in looks.items()] if several else []
    top = head(fig, view.title, legend)
    left = EDGE_IN + 0.12 + max((width_of(name(label)) for label in view.labels), default=0)
    ax = box(fig, top, _body_in(view), left=min(left, 3.2), right=_right_in(view))
    _draw_axes(ax, view, name)
    thick = 0.8 / max(len(view.series), 1)
    for number, (id, values) in enumerate(view.series.items()):
        middle = (number - (len(view.series) - 1) / 2) * thick
        rows = [row + middle for row in range(len(values))]
        ends = [value if math.isfinite(value) else 0 for value in values]
        ax.barh(rows, ends, height=thick * 0.9, linewidth=0.8, **looks[id].patch)
        notes = [*view.notes, *map(figures, values[len(view.notes) :])] if number == 0 else []
        for row, value, text in zip(rows, ends, notes or map(figures, values), strict=True):
            ax.annotate(
                text,
                (max(value, ax.get_xlim()[0]), row),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                size=SMALL_PT if several else TEXT_PT,
                color=INK,
                parse_math=False,
            )


def _looks(view: Bars) -> dict[str, Fill]:
    looks = fills(view.series)
    return looks | dict.fromkeys(list(looks)[:1], PLAIN)


def _body_in(view: Bars) -> float:
    thick = _BAR_IN if len(view.series) == 1 else 0.2 * len(view.series) + 0.1
    return max(len(view.labels), 1) * (thick + 0.06) + 0.06


def _right_in(view: Bars) -> float:
    values = [value for values in view.series.values() for value in values]
    texts = [*view.notes, *map(figures, values)]
    return min(EDGE_IN + max(map(width_of, texts), default=0), 3.5)


def _draw_axes(ax: Axes, view: Bars, name: Naming) -> None:
    ax.set_ylim(len(view.labels) - 0.45, -0.55)
    rows = Ticks(range(len(view.labels)), [name(label) for label in view.labels])
    y_axis(ax, rows, grid=False, ink=INK)
    values = [v for vs in view.series.values() for v in vs if math.isfinite(v)]
    most = max(values, default=0)
    log = view.log and most > 0
    if log:
        least = min(v for v in values if v > 0)
        ax.set_xscale("log")
        ax.set_xlim(10 ** math.floor(math.log10(least) - 0.01), most * 1.1)
    else:
        ax.set_xlim(min([0, *values]), most * 1.02 or 1)
    x_axis(ax, Ticks.within(ax.get_xlim(), 6, log=log), name(view.x), grid=True)
