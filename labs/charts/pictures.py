"""Views drawn: any value of `labs.experiment.views` → matplotlib, and a result → one picture.

`draw` knows each kind of view; a new kind needs a `draw` and a `height` of its own, nothing else.
A live chart passes its last figure as `reuse`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from labs.charts import pen
from labs.charts.naming import Naming, naming, words
from labs.charts.ours import drawn_our_way
from labs.charts.pen import AXIS_IN, EDGE_IN, MARK_IN, SMALL_PT, TEXT_PT, Fill, Ticks, width_of
from labs.charts.style import BLACK, BLUE, DPI, INK, MUTED, PAPER, WIDTH_IN, figure
from labs.experiment.views import (
    Bars,
    Lanes,
    Lines,
    Logs,
    Mark,
    Percentiles,
    Point,
    Replica,
    Span,
    Story,
    View,
)

if TYPE_CHECKING:  # no Kafka client for the process that draws live pictures
    from labs.experiment.result import Result

_LANE_IN, _BAR_IN, _LOG_IN = 0.34, 0.3, 0.5
_LINES_IN, _PERCENTILES_IN, _OFFSETS_IN, _WAITS_IN = 2.3, 2.5, 1.7, 1.3
_GAP_IN, _LOWEST_IN = 0.16, 1.3
_PLAIN = Fill(BLUE, BLUE)
_TICK_LABELS_IN = 0.85


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
    heights = [height(view) for view in views]
    fig = figure(max(sum(heights), _LOWEST_IN), reuse=reuse)
    if len(views) == 1:
        draw(views[0], fig)
        return fig
    parts = fig.subfigures(len(views), 1, height_ratios=heights, hspace=0, squeeze=False)[:, 0]
    for view, part in zip(views, parts, strict=True):
        part.set_facecolor(PAPER)
        draw(view, part)
    return fig


def _counts(result: Result) -> Bars:
    counts = result.report.as_dict()["counts"]
    title = result.conclusion or result.words()
    return Bars(title, list(counts), {"records": list(counts.values())}, "records")


@singledispatch
def draw(view: View, fig: Figure | SubFigure) -> None:
    """Draw a view onto a figure, or a part of one, of the view's `height`."""
    raise TypeError(f"nobody knows how to draw {type(view).__name__} on {fig}")


@singledispatch
def height(view: View) -> float:
    """How high a view wants to be, inches."""
    raise TypeError(f"nobody knows how to draw {type(view).__name__}")


# --- bars -----------------------------------------------------------------------------------------


@height.register
def _(view: Bars) -> float:
    name = naming(view)
    legend = pen.legend_height(map(name, view.series)) if len(view.series) > 1 else 0
    return pen.title_height(view.title) + legend + _bars_height(view) + AXIS_IN


def _bars_height(view: Bars) -> float:
    thick = _BAR_IN if len(view.series) == 1 else 0.2 * len(view.series) + 0.1
    return max(len(view.labels), 1) * (thick + 0.06) + 0.06


@draw.register
def _(view: Bars, fig: Figure | SubFigure) -> None:
    name = naming(view)
    pen.title(fig, view.title)
    top = pen.title_height(view.title)
    looks = pen.fills(view.series) if len(view.series) > 1 else {}
    if looks:
        looks[next(iter(looks))] = _PLAIN
        pen.legend(fig, top, [_patch(name(id), look) for id, look in looks.items()])
        top += pen.legend_height(map(name, looks))
    left = EDGE_IN + 0.12 + max((width_of(name(label)) for label in view.labels), default=0)
    ax = pen.box(fig, top, _bars_height(view), left=min(left, 3.2), right=_bars_right(view))
    _bars_axes(ax, view, name)
    thick = 0.8 / max(len(view.series), 1)
    for number, (id, values) in enumerate(view.series.items()):
        look = looks.get(id, _PLAIN)
        middle = (number - (len(view.series) - 1) / 2) * thick
        rows = [row + middle for row in range(len(values))]
        ax.barh(
            rows,
            [value if math.isfinite(value) else 0 for value in values],
            height=thick * 0.9,
            color=look.face,
            edgecolor=look.edge,
            hatch=look.hatch,
            linewidth=0.8,
        )
        for position, (row, value) in enumerate(zip(rows, values, strict=True)):
            own = number == 0 and position < len(view.notes)
            text = view.notes[position] if own else pen.figures(value)
            ax.annotate(
                text,
                (max(value, ax.get_xlim()[0]) if math.isfinite(value) else 0, row),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                size=TEXT_PT if len(view.series) == 1 else SMALL_PT,
                color=INK,
                parse_math=False,
            )


def _bars_right(view: Bars) -> float:
    values = [value for values in view.series.values() for value in values]
    texts = [*view.notes, *(pen.figures(v) for v in values)]
    return min(EDGE_IN + max((width_of(text) for text in texts), default=0), 3.5)


def _bars_axes(ax: Axes, view: Bars, name: Naming) -> None:
    ax.set_ylim(len(view.labels) - 0.45, -0.55)
    pen.y_axis(
        ax, Ticks(range(len(view.labels)), list(map(name, view.labels))), grid=False, ink=INK
    )
    values = [v for vs in view.series.values() for v in vs if math.isfinite(v)]
    most = max(values, default=0)
    log = view.log and most > 0
    if log:
        least = min(v for v in values if v > 0)
        ax.set_xscale("log")
        ax.set_xlim(10 ** math.floor(math.log10(least) - 0.01), most * 1.1)
    else:
        ax.set_xlim(min([0, *values]), most * 1.02 or 1)
    pen.x_axis(ax, Ticks.within(ax.get_xlim(), 6, log=log), name(view.x), grid=True)


def _patch(name: str, look: Fill) -> Patch:
    return Patch(
        facecolor=look.face,
        edgecolor=look.edge,
        hatch=look.hatch,
        linestyle=look.outline,
        label=name,
    )


# --- lines ----------------------------------------------------------------------------------------


def _marks_height(marks: Sequence[Mark], low: float, high: float, name: Naming) -> float:
    return 0.04 + MARK_IN * pen.mark_rows(marks, low, high, WIDTH_IN - 2, name)


@height.register
def _(view: Lines) -> float:
    name = naming(view)
    dotted = view.dots and len(view.series) > 1
    legend = pen.legend_height(map(name, view.series)) if dotted else 0
    marks = _marks_height(view.marks, *_reach(view), name)
    return pen.title_height(view.title) + legend + marks + _LINES_IN + AXIS_IN


@draw.register
def _(view: Lines, fig: Figure | SubFigure) -> None:
    name = naming(view)
    pen.title(fig, view.title)
    top = pen.title_height(view.title)
    if view.dots and len(view.series) > 1:
        pen.legend(fig, top, _dots_legend(view.series, name))
        top += pen.legend_height(map(name, view.series))
    top += _marks_height(view.marks, *_reach(view), name)
    named = len(view.series) > 1 and not view.dots
    right = _names_width(map(name, view.series)) if named else 0.3
    ax = pen.box(fig, top, _LINES_IN, right=right)
    log_x = _span_x(ax, view.series, view.marks, log=view.log_x)
    log_y = _span_y(ax, view.series, log=view.log_y, far=view.dots)
    swept = sorted({x for points in view.series.values() for x, _ in points})
    few = log_x and len(swept) <= 8  # a sweep: each value that was tried is worth a tick
    pen.x_axis(
        ax, Ticks.at(swept) if few else Ticks.within(ax.get_xlim(), 8, log=log_x), name(view.x)
    )
    pen.y_axis(ax, Ticks.within(ax.get_ylim(), 5, log=log_y), name(view.y))
    ends = _plot(ax, view.series, name, dots=view.dots, steps=view.steps)
    if named:
        pen.end_labels(ax, ends)
    pen.draw_marks([ax], view.marks, name)


def _reach(view: Lines) -> tuple[float, float]:
    """From the first to the last of its points and marks."""
    xs = [x for points in view.series.values() for x, _ in points]
    xs += [mark.at for mark in view.marks] if xs else []
    return min(xs, default=0), max(xs, default=1)


def _names_width(names: Iterable[str]) -> float:
    return EDGE_IN + 0.1 + max((width_of(name, SMALL_PT) for name in names), default=0)


def _dots_legend(series: Iterable[str], name: Naming) -> list[Line2D]:
    handles = []
    for number, id in enumerate(series):
        look = pen.stroke(id, number)
        handle = Line2D([], [], linestyle="", marker=look.marker, color=look.colour, label=name(id))
        handle.set_markersize(5)
        handles.append(handle)
    return handles


def _span_x(
    ax: Axes, series: Mapping[str, Sequence[Point]], marks: Sequence[Mark] = (), *, log: bool
) -> bool:
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


def _span_y(
    ax: Axes, series: Mapping[str, Sequence[Point]], *, log: bool, far: bool = False
) -> bool:
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


def _plot(
    ax: Axes,
    series: Mapping[str, Sequence[Point]],
    name: Naming,
    *,
    dots: bool,
    steps: bool = False,
) -> list[tuple[str, float, float, str]]:
    """Draw each series; tells name, end and colour of each."""
    ends = []
    for number, (id, points) in enumerate(series.items()):
        if not points:
            continue
        look = pen.stroke(id, number)
        shown = pen.thinned(points)
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
        ends.append((name(id), *points[-1], look.colour))
    return ends


# --- percentiles ----------------------------------------------------------------------------------

_NINES = (50.0, 90.0, 99.0, 99.9, 99.99, 99.999)


@height.register
def _(view: Percentiles) -> float:
    return pen.title_height(view.title) + 0.04 + _PERCENTILES_IN + AXIS_IN


@draw.register
def _(view: Percentiles, fig: Figure | SubFigure) -> None:
    name = naming(view)
    pen.title(fig, view.title)
    top = pen.title_height(view.title) + 0.04
    named = len(view.series) > 1
    right = _names_width(map(name, view.series)) if named else 0.4
    ax = pen.box(fig, top, _PERCENTILES_IN, right=right)
    reached = [p for points in view.series.values() for p, _ in points if p < 100]
    last = max((stretched(p) for p in reached), default=stretched(99))
    series = {
        id: [(min(stretched(p), last + 0.25), ms) for p, ms in points]
        for id, points in view.series.items()
    }
    ys = [ms for points in series.values() for _, ms in points if ms > 0]
    log_y = bool(ys) and max(ys) > 20 * min(ys)
    _span_x(ax, series, log=False)
    _span_y(ax, series, log=log_y)
    ends = _plot(ax, series, name, dots=False)
    ticks = [p for p in _NINES if stretched(p) <= last + 0.05]
    places, told = [stretched(p) for p in ticks], [f"{p:g} %" for p in ticks]
    if any(p >= 100 for points in view.series.values() for p, _ in points):
        places, told = [*places, last + 0.25], [*told, words("percentiles.largest")]
    pen.x_axis(ax, Ticks(places, told), name(view.x), grid=True)
    pen.y_axis(ax, Ticks.within(ax.get_ylim(), 5, log=log_y), name(view.y))
    if named:
        pen.end_labels(ax, ends)


def stretched(percentile: float) -> float:
    """Where a percentile stands: each further nine takes as much room as the one before."""
    return -math.log10(1 - percentile / 100) if percentile < 100 else math.inf


# --- lanes ----------------------------------------------------------------------------------------


@height.register
def _(view: Lanes) -> float:
    name = naming(view)
    marks = _marks_height(view.marks, *_lanes_range(view), name)
    head = pen.title_height(view.title) + pen.legend_height(map(name, _lane_looks(view)))
    return head + marks + _lanes_height(view) + AXIS_IN


def _lanes_height(view: Lanes) -> float:
    return _LANE_IN * max(len(view.lanes), 1) + 0.06


@draw.register
def _(view: Lanes, fig: Figure | SubFigure) -> None:
    name = naming(view)
    pen.title(fig, view.title)
    top = pen.title_height(view.title)
    looks = _lane_looks(view)
    pen.legend(fig, top, [_patch(name(kind), look) for kind, look in looks.items()])
    top += pen.legend_height(map(name, looks))
    top += _marks_height(view.marks, *_lanes_range(view), name)
    ax = pen.box(fig, top, _lanes_height(view), left=_lanes_left(view))
    ax.set_xlim(*_lanes_range(view))
    _draw_lanes(ax, view, looks)
    pen.x_axis(ax, Ticks.within(ax.get_xlim(), 10), name(view.x))
    pen.draw_marks([ax], view.marks, name)


def _lane_looks(view: Lanes) -> dict[str, Fill]:
    seen = {span.kind for spans in view.lanes.values() for span in spans}
    kinds = [*view.kinds, *sorted(seen - set(view.kinds))]
    return {kind: look for kind, look in pen.fills(kinds).items() if kind in seen}


def _lanes_left(view: Lanes) -> float:
    widest = max(map(width_of, map(naming(view), view.lanes)), default=0)
    return max(_TICK_LABELS_IN, min(EDGE_IN + 0.12 + widest, 3.0))


def _lanes_range(view: Lanes) -> tuple[float, float]:
    ends = [span.end for spans in view.lanes.values() for span in spans]
    starts = [span.start for spans in view.lanes.values() for span in spans]
    low, high = max(min(starts, default=0.0), 0.0), max(ends, default=1.0)
    return low, max(high, low + 0.1)


def _draw_lanes(ax: Axes, view: Lanes, looks: Mapping[str, Fill]) -> None:
    name = naming(view)
    ax.set_ylim(max(len(view.lanes), 1) - 0.5, -0.5)
    pen.y_axis(ax, Ticks(range(len(view.lanes)), list(map(name, view.lanes))), grid=False, ink=INK)
    ax.spines["left"].set_visible(False)
    for row, spans in enumerate(view.lanes.values()):
        for span in spans:
            _draw_span(ax, row, span, name(span.text), looks[span.kind])


def _draw_span(ax: Axes, row: int, span: Span, text: str, look: Fill) -> None:
    low, high = ax.get_xlim()
    start, end = max(span.start, low), min(span.end, high)
    if end <= start:
        return
    ax.add_patch(
        Rectangle(
            (start, row - 0.38),
            end - start,
            0.76,
            facecolor=look.face,
            edgecolor=look.edge,
            hatch=look.hatch,
            linestyle=look.outline,
            linewidth=0.8,
        )
    )
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


# --- logs -----------------------------------------------------------------------------------------


@height.register
def _(view: Logs) -> float:
    return pen.title_height(view.title) + 2 * MARK_IN + _logs_height(view) + AXIS_IN


def _logs_height(view: Logs) -> float:
    return _LOG_IN * max(len(view.replicas), 1) + 0.06


@draw.register
def _(view: Logs, fig: Figure | SubFigure) -> None:
    name = naming(view)
    pen.title(fig, view.title)
    top = pen.title_height(view.title) + 2 * MARK_IN
    ax = pen.box(fig, top, _logs_height(view), left=1.9, right=1.3)
    last = max((replica.log_end for replica in view.replicas), default=view.start + 1)
    ax.set_xlim(view.start, max(last, view.start + 1))
    ax.set_ylim(max(len(view.replicas), 1) - 0.5, -0.5)
    whose = [_whose(replica, name) for replica in view.replicas]
    pen.y_axis(ax, Ticks(range(len(whose)), whose), grid=False, ink=INK)
    pen.x_axis(ax, Ticks.within(ax.get_xlim(), 8, whole=True), name("offset"))
    ax.spines["left"].set_visible(False)
    water = max(
        (r.high_watermark for r in view.replicas if r.high_watermark is not None), default=None
    )
    for row, replica in enumerate(view.replicas):
        _draw_log(ax, row, replica, view.start, water)
    if water is not None:
        ax.axvline(water, color=BLACK, linestyle=(0, (1, 1.5)), linewidth=1.6, zorder=4)
        ax.annotate(
            words("logs.high_watermark", offset=water),
            (water, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 5),
            textcoords="offset points",
            ha=_side(ax, water),
            size=SMALL_PT,
            color=INK,
            annotation_clip=False,
        )


def _side(ax: Axes, x: float) -> str:
    low, high = ax.get_xlim()
    return "right" if x > (low + high) / 2 else "left"


def _whose(replica: Replica, name: Naming) -> str:
    isr = words("logs.in_isr" if replica.in_isr else "logs.out_of_isr")
    return words("logs.replica", broker=replica.broker, role=name(replica.role), isr=isr)


def _draw_log(ax: Axes, row: int, replica: Replica, start: int, water: int | None) -> None:
    own = replica.high_watermark if replica.high_watermark is not None else water
    committed = min(replica.log_end, own if own is not None else replica.log_end)
    leads = replica.role == "leader"
    solid = Fill(BLUE, BLUE) if leads else Fill("#9CC9E8", BLUE)
    if not replica.in_isr:
        solid = Fill("#E4E8EB", MUTED)
    for low, high, hatch in (
        (start, committed, ""),
        (max(committed, start), replica.log_end, "////"),
    ):
        if high > low:
            ax.barh(
                row,
                high - low,
                left=low,
                height=0.5,
                color=PAPER if hatch else solid.face,
                edgecolor=solid.edge,
                hatch=hatch,
                linewidth=1,
            )
    ax.annotate(
        words("logs.log_end", offset=replica.log_end),
        (replica.log_end, row),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        size=TEXT_PT,
        color=INK,
        zorder=5,
        bbox=pen.ON_PAPER,
        annotation_clip=False,
    )


# --- story ----------------------------------------------------------------------------------------


@height.register
def _(view: Story) -> float:
    return (
        pen.title_height(view.title)
        + pen.legend_height(map(naming(view.leaders), _lane_looks(view.leaders)))
        + sum(size for size, _ in _parts(view))
        + AXIS_IN
    )


def _parts(view: Story) -> list[tuple[float, str]]:
    """Heights and names of what the story is made of, from the top."""
    parts = [(_story_marks_height(view) + _lanes_height(view.leaders), "lanes")]
    if any(view.offsets.values()):
        parts.append((_GAP_IN + _OFFSETS_IN, "offsets"))
    if any(view.waits.values()):
        parts.append((_GAP_IN + _WAITS_IN, "waits"))
    return parts


@draw.register
def _(view: Story, fig: Figure | SubFigure) -> None:
    pen.title(fig, view.title)
    top = pen.title_height(view.title)
    name, looks = naming(view.leaders), _lane_looks(view.leaders)
    pen.legend(fig, top, [_patch(name(kind), look) for kind, look in looks.items()])
    top += pen.legend_height(map(name, looks))
    right = _story_right(view)
    left = _lanes_left(view.leaders)
    low, high = _story_range(view)
    drawn: list[Axes] = []
    for size, part in _parts(view):
        gap = _story_marks_height(view) if part == "lanes" else _GAP_IN
        ax = pen.box(fig, top + gap, size - gap, left=left, right=right)
        ax.set_xlim(low, high)
        if part == "lanes":
            _draw_lanes(ax, view.leaders, looks)
        elif part == "offsets":
            _draw_offsets(ax, view.offsets, name)
        else:
            _draw_waits(ax, view.waits, name)
        top += size
        drawn.append(ax)
    ticks = Ticks.within((low, high), 10)
    for ax in drawn[:-1]:
        pen.x_axis(ax, ticks, words=False)
    pen.x_axis(drawn[-1], ticks, name(view.leaders.x))
    pen.draw_marks(drawn, view.marks, name)


def _story_marks_height(view: Story) -> float:
    rows = pen.mark_rows(view.marks, *_story_range(view), _story_width(view), naming(view))
    return 0.04 + MARK_IN * max(rows, 2)  # a live picture must not jump when the first one comes


def _story_width(view: Story) -> float:
    return WIDTH_IN - _lanes_left(view.leaders) - _story_right(view)


def _story_right(view: Story) -> float:
    name = naming(view)
    return max(_names_width(map(name, series)) for series in (view.offsets, view.waits))


def _story_range(view: Story) -> tuple[float, float]:
    low, high = _lanes_range(view.leaders)
    points = [p for s in (view.offsets, view.waits) for ps in s.values() for p in ps[-1:]]
    return low, max([high, *(x for x, _ in points)])


def _draw_offsets(ax: Axes, offsets: Mapping[str, Sequence[Point]], name: Naming) -> None:
    gapped = {id: pen.broken(points) for id, points in offsets.items()}
    ends = _plot(ax, gapped, name, dots=False)
    _span_y(ax, offsets, log=False)
    pen.y_axis(ax, Ticks.within(ax.get_ylim(), 4, whole=True), name("offset"))
    pen.end_labels(ax, ends)


def _draw_waits(ax: Axes, waits: Mapping[str, Sequence[Point]], name: Naming) -> None:
    log = _span_y(ax, waits, log=True)
    _plot(ax, waits, name, dots=True)
    pen.y_axis(ax, Ticks.within(ax.get_ylim(), 4, log=log), name("wait_ms"))
    ends = []
    for number, (id, points) in enumerate(waits.items()):
        if points:
            look = pen.stroke(id, number)
            sign = {"o": "●", "x": "×", "v": "▼"}.get(look.marker, "◆")
            ends.append((f"{sign} {name(id)}", *points[-1], look.colour))
    pen.end_labels(ax, ends)
