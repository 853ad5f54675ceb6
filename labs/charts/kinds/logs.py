"""The copies of one partition side by side: how far each reaches, and what consumers may read."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from labs.base.words import Words
from labs.charts.naming import Naming, naming
from labs.charts.pen.axes import ON_PAPER, Ticks, box, x_axis, y_axis
from labs.charts.pen.head import head, head_height
from labs.charts.pen.looks import PLAIN, Fill
from labs.charts.pen.marks import ROW_IN
from labs.charts.pen.sizes import AXIS_IN, SMALL_PT, TEXT_PT
from labs.charts.style import BLACK, BLUE, INK, MUTED, PAPER
from labs.experiment.views import Logs, Replica

words = Words(__file__)

_LOG_IN = 0.5
_FOLLOWER, _OUT = Fill("#9CC9E8", BLUE), Fill("#E4E8EB", MUTED)


def height(view: Logs) -> float:
    """How high it wants to be, inches."""
    return head_height(view.title) + 2 * ROW_IN + _body_in(view) + AXIS_IN


def draw(view: Logs, fig: Figure | SubFigure) -> None:
    """Draw it onto a figure, or a part of one, of its height."""
    name = naming(view)
    ax = box(fig, head(fig, view.title) + 2 * ROW_IN, _body_in(view), left=1.9, right=1.3)
    last = max((replica.log_end for replica in view.replicas), default=view.start + 1)
    ax.set_xlim(view.start, max(last, view.start + 1))
    ax.set_ylim(max(len(view.replicas), 1) - 0.5, -0.5)
    whose = [_whose(replica, name) for replica in view.replicas]
    y_axis(ax, Ticks(range(len(whose)), whose), grid=False, ink=INK)
    x_axis(ax, Ticks.within(ax.get_xlim(), 8, whole=True), name("offset"))
    ax.spines["left"].set_visible(False)
    marks = [r.high_watermark for r in view.replicas if r.high_watermark is not None]
    water = max(marks, default=None)
    for row, replica in enumerate(view.replicas):
        _draw_log(ax, row, replica, view.start, water)
    if water is not None:
        _draw_water(ax, water)


def _body_in(view: Logs) -> float:
    return _LOG_IN * max(len(view.replicas), 1) + 0.06


def _whose(replica: Replica, name: Naming) -> str:
    isr = words("logs.in_isr" if replica.in_isr else "logs.out_of_isr")
    return words("logs.replica", broker=replica.broker, role=name(replica.role), isr=isr)


def _draw_log(ax: Axes, row: int, replica: Replica, start: int, water: int | None) -> None:
    """Solid up to what the whole ISR has, hatched from there to the log's end."""
    own = replica.high_watermark if replica.high_watermark is not None else water
    committed = min(replica.log_end, own if own is not None else replica.log_end)
    solid = (PLAIN if replica.role == "leader" else _FOLLOWER) if replica.in_isr else _OUT
    open_end = Fill(PAPER, solid.edge, "////")
    for low, high, look in (
        (start, committed, solid),
        (max(committed, start), replica.log_end, open_end),
    ):
        if high > low:
            ax.barh(row, high - low, left=low, height=0.5, linewidth=1, **look.patch)
    ax.annotate(
        words("logs.log_end", offset=replica.log_end),
        (replica.log_end, row),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        size=TEXT_PT,
        color=INK,
        zorder=5,
        bbox=ON_PAPER,
        annotation_clip=False,
    )


def _draw_water(ax: Axes, water: int) -> None:
    ax.axvline(water, color=BLACK, linestyle=(0, (1, 1.5)), linewidth=1.6, zorder=4)
    low, high = ax.get_xlim()
    ax.annotate(
        words("logs.high_watermark", offset=water),
        (water, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 5),
        textcoords="offset points",
        ha="right" if water > (low + high) / 2 else "left",
        size=SMALL_PT,
        color=INK,
        annotation_clip=False,
    )
