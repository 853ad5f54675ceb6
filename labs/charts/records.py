"""Where records lie, and how long a client waited for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from labs.charts.style import BLUE, CYCLE, INK, MUTED, PAPER, VERMILLION, axes, figure

#: An acknowledgement: when its record was sent, and when it came; both in s since the start.
Ack = tuple[float, float]


def by_partition(placed: Mapping[str, Mapping[int, int]]) -> Figure:
    """Stacked bars: how many records of each key lie in each partition.

    Args:
        placed: key → partition → number of records.
    """
    split = [key for key, counts in placed.items() if len(counts) > 1]
    title = (
        f"All records of a key lie in one partition: {len(placed)} airlines, none of them split"
        if not split
        else f"{len(split)} of {len(placed)} keys are split over partitions"
    )
    partitions = sorted({p for counts in placed.values() for p in counts})
    fig = figure(1.2 + 0.7 * len(partitions))
    ax = axes(fig, title=title, x="records", y="partition")
    ax.grid(axis="y", visible=False)
    ends = dict.fromkeys(partitions, 0)
    order = sorted(placed, key=lambda key: -sum(placed[key].values()))
    for number, key in enumerate(order):
        for partition, count in placed[key].items():
            colour = CYCLE[number % len(CYCLE)]
            bar = ax.barh(
                partition, count, left=ends[partition], color=colour, edgecolor=PAPER, height=0.7
            )
            if count > 0.03 * sum(sum(c.values()) for c in placed.values()):
                ax.bar_label(bar, [key], label_type="center", color="white", fontweight="bold")
            ends[partition] += count
    ax.set_yticks(partitions)
    ax.invert_yaxis()
    return fig


def waits(runs: Mapping[str, Sequence[Ack]], fault_at_s: float) -> Figure:
    """One lane a run: each dot is a send, placed by when it was sent and how long it waited.

    Args:
        runs: what was done to the leader → the acknowledgements in order.
        fault_at_s: when it was done, s since the start of each run.
    """
    worst = {name: longest_wait_s(acks) for name, acks in runs.items()}
    told = ", ".join(f"{name} {_seconds(wait)}" for name, wait in worst.items())
    fig = figure(1.3 + 1.2 * len(runs))
    for position, (name, acks) in enumerate(runs.items(), start=1):
        last = position == len(runs)
        lane = len(runs) * 100 + 10 + position
        ax = axes(fig, x="sent, s after the start" if last else "", y="wait, s", position=lane)
        ax.set_title(f"the leader is {name}", loc="left", fontsize=11, color=INK)
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(numticks=4))
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
        ax.annotate(
            _seconds(acked - sent),
            (sent, acked - sent),
            xytext=(8, -4),
            textcoords="offset points",
            color=INK,
            fontweight="bold",
        )
        ax.set_xlim(0, max(a[-1][0] for a in runs.values()) * 1.05)
        ax.set_ylim(5e-4, max(worst.values()) * 3)
    fig.suptitle(f"The longest wait: {told}", x=0.01, ha="left", fontsize=13, color=INK)
    fig.text(0.99, 0.005, "dashed: the fault", ha="right", fontsize=9, color=MUTED)
    return fig


def longest_wait_s(acks: Sequence[Ack]) -> float:
    """The longest time between a send and its acknowledgement, s."""
    return max(acked - sent for sent, acked in acks)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"
