"""Series of points: the axes reach over all of them, and each is drawn by its id's look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from labs.charts.naming import Naming
from labs.charts.pen.ends import End
from labs.charts.pen.looks import stroke
from labs.charts.pen.points import thinned
from labs.experiment.views import Mark, Point

Series = Mapping[str, Sequence[Point]]


def span_x(ax: Axes, series: Series, marks: Sequence[Mark] = (), *, log: bool) -> bool:
    """Have the x axis reach over all points and marks; returns whether it is logarithmic."""
    xs = [x for points in series.values() for x, _ in points if x > 0 or not log]
    if not xs:
        ax.set_xlim(0, 1)
        return False
    xs += [mark.at for mark in marks if not log]
    low, high = min(xs), max(xs)
    if log:
        ax.set_xscale("log")
        ax.set_xlim(low / 1.1, high * 1.1)
    else:
        slack = 0.01 * (high - low) or 0.5
        ax.set_xlim(low - slack, high + slack)
    return log


def span_y(ax: Axes, series: Series, *, log: bool, far: bool = False) -> bool:
    """Have the y axis reach over all points, from 0 if it can; tells whether it is logarithmic.

    `far`: points that are all far from 0 may have an axis without it.
    """
    ys = [y for points in series.values() for _, y in points if math.isfinite(y)]
    ys = [y for y in ys if y > 0 or not log]
    if not ys:
        ax.set_ylim(0, 1)
        return False
    low, high = min(ys), max(ys)
    if log:
        ax.set_yscale("log")
        ax.set_ylim(low / 1.5, high * 1.5)
    elif far and low > high - low:
        slack = 0.08 * (high - low) or 1
        ax.set_ylim(low - slack, high + slack)
    else:
        slack = 0.08 * (high - min(low, 0)) or 1
        ax.set_ylim(low - slack if low < 0 else 0, high + slack)
    return log


def plot(ax: Axes, series: Series, name: Naming, *, dots: bool, steps: bool = False) -> list[End]:
    """Draw each series; tells where each ends."""
    ends = []
    for number, (id, points) in enumerate(series.items()):
        if not points:
            continue
        look = stroke(id, number)
        shown = thinned(points)
        few = len(shown) <= 30
        ax.plot(
            [x for x, _ in shown],
            [y for _, y in shown],
            linestyle="" if dots else look.line,
            marker=look.marker if dots or few else "",
            markersize=(4 if look.marker == "x" else 3) if dots else 5,
            drawstyle="steps-post" if steps else "default",
            color=look.colour,
            linewidth=2,
        )
        ends.append(End(name(id), points[-1], look.ink))
    return ends
