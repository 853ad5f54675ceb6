"""Sizes in inches and points: of texts, and of what stands around the axes."""

from __future__ import annotations

import re

from matplotlib.figure import Figure, SubFigure

from labs.charts.letters import letters, wrapped
from labs.charts.style import DPI, WIDTH_IN

EDGE_IN = 0.2  # between the picture's edge and whatever stands next to it
TITLE_PT, TEXT_PT, SMALL_PT = 13.0, 10.0, 9.0
TITLE_LINE_IN, AXIS_IN = 0.24, 0.52

#: The space between a figure and its unit.
_UNIT = re.compile(r"(?<=\d) (?=(?:ms|s|%|KB|MB|records)\b|%)")
EM = 0.56 / 72  # the mean width of DejaVu Sans' letters, inches per point of size
TITLE_LETTERS = int((WIDTH_IN - 2 * EDGE_IN) / (TITLE_PT * 1.1 * EM))


def width_of(text: str, size_pt: float = TEXT_PT) -> float:
    """About how wide a text is, inches (of its longest line)."""
    return max(map(letters, text.split("\n"))) * size_pt * EM


def title_lines(title: str) -> list[str]:
    """The title, wrapped; a figure and its unit stay on one line."""
    together = _UNIT.sub("\u00a0", title)
    return [line.replace("\u00a0", " ") for line in wrapped(together, TITLE_LETTERS)]


def size_of(fig: Figure | SubFigure) -> tuple[float, float]:
    """Width and height of a figure or a part of one, inches."""
    return fig.bbox.width / DPI, fig.bbox.height / DPI
