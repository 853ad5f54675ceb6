"""Where records lie: how many of each key in each partition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from labs.base.words import Words
from labs.charts.style import BLACK, CYCLE, INK, LINE, MUTED, PAPER, axes, figure

words = Words(__file__)

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
    title = words(
        "by_partition.split" if split else "by_partition.whole",
        split=len(split),
        keys=len(placed),
        fullest=fullest,
        share=most / total,
    )
    partitions = sorted(sizes)
    fig = figure(1.2 + 0.7 * len(partitions))
    ax = axes(fig, title=title, x=words("by_partition.x"), y=words("by_partition.y"))
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
            number = words("by_partition.others", count=len(here) - len(named))
            ax.bar_label(bar, [number], padding=4, color=MUTED)
    ax.set_yticks(partitions)
    ax.margins(x=0.1)
    ax.invert_yaxis()
    return fig


def _look(number: int) -> dict[str, Any]:
    """A colour light enough for dark letters on it; hatched where the colours begin again."""
    turn, colour = divmod(number, len(_TINTED))
    tint = tuple(0.55 + 0.45 * part for part in to_rgb(_TINTED[colour]))
    return {"color": tint, "hatch": "//" * turn}
