"""Where records lie, and how long a client waited for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from labs.charts.pen.head import head
from labs.charts.style import BLACK, BLUE, CYCLE, INK, LINE, MUTED, PAPER, VERMILLION, axes, figure

#: An acknowledgement: when its record was sent, and when it came; both in s since the start.
Ack = tuple[float, float]

#: Black, as a tint, is a grey like that of the small keys together.
_TINTED = [colour for colour in CYCLE if colour != BLACK]

#: A key with a smaller part of all records than this has no room for its name in the picture.
_NAMED = 0.03


def by_partition(placed: Mapping[str, Mapping[int, int]]) -> Figure:
    """Stacked bars: how many records of each key lie in each partition.

    Args:
        placed: key → partition → number of records.
    """
    split = [key for key, counts in placed.items() if len(counts) > 1]
    sizes = Counter[int]()
    for counts in placed.values():
        sizes.update(counts)
    total, (fullest, most) = sizes.total(), sizes.most_common(1)[0]
    none_split = f"Each of {len(placed)} keys lies in one partition"
    some_split = f"{len(split)} of {len(placed)} keys are split over partitions"
    full = f"partition {fullest} holds {most / total:.0%} of the records"
    title = f"{some_split if split else none_split}; {full}"
    partitions = sorted(sizes)
    fig = figure(1.2 + 0.7 * len(partitions))
    ax = axes(fig, title=title, x="records", y="partition")
    ax.grid(axis="y", visible=False)
    order = sorted(placed, key=lambda key: -sum(placed[key].values()))
    looks = {key: _look(number) for number, key in enumerate(order)}
    for partition in partitions:
        here = {key: placed[key][partition] for key in order if partition in placed[key]}
        named = {key: count for key, count in here.items() if count > _NAMED * total}
        end = 0
        for key, count in named.items():
            bar = ax.barh(partition, count, 0.7, end, edgecolor=PAPER, **looks[key])
            ax.bar_label(bar, [key], label_type="center", color=INK, fontweight="bold")
            end += count
        if others := sum(here.values()) - end:
            bar = ax.barh(partition, others, 0.7, end, color=LINE, edgecolor=PAPER)
            number = len(here) - len(named)
            ax.bar_label(bar, [f"{number} other{'s' * (number > 1)}"], padding=4, color=MUTED)
    ax.set_yticks(partitions)
    ax.margins(x=0.1)
    ax.invert_yaxis()
    return fig


def _look(number: int) -> dict[str, Any]:
    """A colour light enough for dark letters on it; hatched where the colours begin again."""
    turn, colour = divmod(number, len(_TINTED))
    tint = tuple(0.55 + 0.45 * part for part in to_rgb(_TINTED[colour]))
    return {"color": tint, "hatch": "//" * turn}


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
    head(fig, f"The longest wait: {told}")
    for position, (name, acks) in enumerate(runs.items(), start=1):
        last = position == len(runs)
        lane = len(runs) * 100 + 10 + position
        ax = axes(fig, x="s after the start" if last else "", y="wait (log)", position=lane)
        ax.set_title(f"the leader is {name}", loc="left", fontsize=11, color=INK)
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
    note = "dot: a send; dashed: the fault; line: the longest wait, until the acknowledgement"
    fig.text(0.99, 0.01, note, ha="right", fontsize=9, color=MUTED)
    return fig


def longest_wait_s(acks: Sequence[Ack]) -> float:
    """The longest time between a send and its acknowledgement, s."""
    return max(acked - sent for sent, acked in acks)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"


def _tick(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"
