"""Pictures: any value of `labs.experiment.views` → a figure, and a result → one figure.

A kind of view is drawn by the file of its name in `labs.charts.kinds`, loaded when first needed.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from matplotlib.figure import Figure, SubFigure

from labs.charts import kinds
from labs.charts.ours import drawn_our_way
from labs.charts.style import PAPER, figure
from labs.experiment.views import Bars, View

if TYPE_CHECKING:  # no Kafka client for the process that draws live pictures
    from labs.experiment.result import Result

_LOWEST_IN = 1.3


class _Kind(Protocol):
    """What a file of `labs.charts.kinds` has."""

    def height(self, view: Any) -> float:
        """How high the view wants to be, inches."""

    def draw(self, view: Any, fig: Figure | SubFigure) -> None:
        """Draw the view onto a figure, or a part of one, of its height."""


@drawn_our_way
def picture(result: Result, *, more: Sequence[View] = (), reuse: Figure | None = None) -> Figure:
    """All that a result shows, one below the other, 900 pixels wide.

    Args:
        result: what a run found; without views of its own, its counts are drawn.
        more: views to add below.
        reuse: a figure to draw over.
    """
    views = [*(result.views or [_counts(result)]), *more]
    return _stack(views, reuse)


@drawn_our_way
def picture_of(view: View, reuse: Figure | None = None) -> Figure:
    """One view as a picture of its own; a live chart passes its last figure as `reuse`."""
    return _stack([view], reuse)


def _stack(views: Sequence[View], reuse: Figure | None) -> Figure:
    heights = [_kind(view).height(view) for view in views]
    fig = figure(max(sum(heights), _LOWEST_IN), reuse=reuse)
    if len(views) == 1:
        _kind(views[0]).draw(views[0], fig)
        return fig
    parts = fig.subfigures(len(views), 1, height_ratios=heights, hspace=0, squeeze=False)[:, 0]
    for view, part in zip(views, parts, strict=True):
        part.set_facecolor(PAPER)
        _kind(view).draw(view, part)
    return fig


def _kind(view: View) -> _Kind:
    if not isinstance(view, View):
        raise TypeError(f"nobody knows how to draw {type(view).__name__}")
    return cast(_Kind, pkgutil.resolve_name(f"{kinds.__name__}.{view.kind}"))


def _counts(result: Result) -> Bars:
    counts = result.report.as_dict()["counts"]
    title = result.conclusion or result.words()
    return Bars(title, list(counts), {"records": list(counts.values())}, "records")
