"""How long a client waited for each of its records, before and after a fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from labs.base.words import Words
from labs.charts.pen.head import head
from labs.charts.style import BLUE, INK, MUTED, VERMILLION, axes, figure

words = Words(__file__)

#: An acknowledgement: when its record was sent, and when it came; both in s since the start.
Ack = tuple[float, float]


def waits(runs: Mapping[str, Sequence[Ack]], fault_at_s: float) -> Figure:
    """One lane a run: each dot is a send, placed by when it was sent and how long it waited.

    A line goes from the longest wait's send to its acknowledgement.

    Args:
        runs: what was done to the leader → the acknowledgements in order.
        fault_at_s: when it was done, s since the start of each run.
    """
    worst = {name: longest_wait_s(acks) for name, acks in runs.items()}
    told = ", ".join(f"{name} {_seconds(wait)}" for name, wait in worst.items())
    height_in = 1.6 + 1.2 * len(runs)
    fig = figure(height_in)
    fig.subplots_adjust(top=1 - 0.8 / height_in)
    head(fig, words("waits.title", each=told))
    for position, (name, acks) in enumerate(runs.items(), start=1):
        last = position == len(runs)
        lane = len(runs) * 100 + 10 + position
        ax = axes(fig, x=words("waits.x") if last else "", y=words("waits.y"), position=lane)
        ax.set_title(words("waits.lane", what=name), loc="left", fontsize=11, color=INK)
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(numticks=4))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda wait, _: _tick(wait)))
        ax.plot(
            [sent for sent, _ in acks],
            [acked - sent for sent, acked in acks],
            linestyle="",
            marker="o",
            markersize=3,
            color=BLUE,
        )
        ax.axvline(fault_at_s, color=VERMILLION, linestyle="--", linewidth=1.2)
        sent, acked = max(acks, key=lambda ack: ack[1] - ack[0])
        ax.hlines(acked - sent, sent, acked, color=BLUE, linewidth=2)
        ax.annotate(
            _seconds(acked - sent),
            (acked, acked - sent),
            xytext=(8, -4),
            textcoords="offset points",
            color=INK,
            fontweight="bold",
        )
        ax.set_xlim(0, max(acked for each in runs.values() for _, acked in each) * 1.1)
        ax.set_ylim(5e-4, max(worst.values()) * 3)
    fig.text(0.99, 0.01, words("waits.note"), ha="right", fontsize=9, color=MUTED)
    return fig


def longest_wait_s(acks: Sequence[Ack]) -> float:
    """The longest time between a send and its acknowledgement, s."""
    return max(acked - sent for sent, acked in acks)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"


def _tick(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"
