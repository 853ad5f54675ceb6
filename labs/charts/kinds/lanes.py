"""What held when: a lane for each broker, partition or copy, and spans in it."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle

from labs.charts.naming import naming
from labs.charts.pen.axes import Ticks, box, x_axis, y_axis
from labs.charts.pen.head import Entry, head, head_height
from labs.charts.pen.looks import Fill, fills
from labs.charts.pen.marks import draw_marks, marks_height
from labs.charts.pen.sizes import AXIS_IN, EDGE_IN, SMALL_PT, width_of
from labs.charts.style import DPI, INK
from labs.experiment.views import Lanes, Span

_LANE_IN = 0.34
_TICK_LABELS_IN = 0.85


def height(view: Lanes) -> float:
    """How high it wants to be, inches."""
    names = [name for name, _ in legend(view)]
    marks = marks_height(view.marks, *reach(view), naming(view))
    return head_height(view.title, names) + marks + body_in(view) + AXIS_IN


def draw(view: Lanes, fig: Figure | SubFigure) -> None:
    """Draw it onto a figure, or a part of one, of its height."""
    name = naming(view)
    top = head(fig, view.title, legend(view))
    top += marks_height(view.marks, *reach(view), name)
    ax = box(fig, top, body_in(view), left=left_in(view))
    ax.set_xlim(*reach(view))
    draw_lanes(ax, view)
    x_axis(ax, Ticks.within(ax.get_xlim(), 10), name(view.x))
    draw_marks([ax], view.marks, name)


# A story begins with lanes, too.


def legend(view: Lanes) -> list[Entry]:
    """What the kinds of spans look like that are there."""
    name = naming(view)
    return [(name(kind), look) for kind, look in _looks(view).items()]


def _looks(view: Lanes) -> Mapping[str, Fill]:
    seen = {span.kind for spans in view.lanes.values() for span in spans}
    kinds = [*view.kinds, *sorted(seen - set(view.kinds))]
    return {kind: look for kind, look in fills(kinds).items() if kind in seen}


def body_in(view: Lanes) -> float:
    """How high all lanes are, inches."""
    return _LANE_IN * max(len(view.lanes), 1) + 0.06


def left_in(view: Lanes) -> float:
    """The margin that the lanes' names need, inches."""
    widest = max(map(width_of, map(naming(view), view.lanes)), default=0)
    return max(_TICK_LABELS_IN, min(EDGE_IN + 0.12 + widest, 3.0))


def reach(view: Lanes) -> tuple[float, float]:
    """From where to where the spans reach."""
    ends = [span.end for spans in view.lanes.values() for span in spans]
    starts = [span.start for spans in view.lanes.values() for span in spans]
    low, high = max(min(starts, default=0.0), 0.0), max(ends, default=1.0)
    return low, max(high, low + 0.1)


def draw_lanes(ax: Axes, view: Lanes) -> None:
    """Draw names and spans on axes whose x limits are final."""
    name, looks = naming(view), _looks(view)
    ax.set_ylim(max(len(view.lanes), 1) - 0.5, -0.5)
    rows = Ticks(range(len(view.lanes)), [name(lane) for lane in view.lanes])
    y_axis(ax, rows, grid=False, ink=INK)
    ax.spines["left"].set_visible(False)
    for row, spans in enumerate(view.lanes.values()):
        for span in spans:
            _draw_span(ax, row, span, name(span.text), looks[span.kind])


def _draw_span(ax: Axes, row: int, span: Span, text: str, look: Fill) -> None:
    low, high = ax.get_xlim()
    start, end = max(span.start, low), min(span.end, high)
    if end <= start:
        return
    ax.add_patch(Rectangle((start, row - 0.38), end - start, 0.76, linewidth=0.8, **look.patch))
    room = (end - start) / (high - low) * ax.bbox.width / DPI
    if text and width_of(text, SMALL_PT) + 0.08 < room:
        ax.text(
            (start + end) / 2,
            row,
            text,
            ha="center",
            va="center",
            size=SMALL_PT,
            weight="bold",
            color=look.ink,
            zorder=5,  # a mark's line does not run through a word
            parse_math=False,
            bbox={"boxstyle": "square,pad=0.15", "facecolor": look.face, "edgecolor": "none"},
        )
