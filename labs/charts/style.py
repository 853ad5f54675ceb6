"""The look shared by every chart: colours, sizes, and figures without pyplot.

The palette is Okabe & Ito's (jfly.uni-koeln.de/color), told apart by readers with any colour
blindness. Even so, a chart never speaks by colour alone: it labels, or it differs in shape.
"""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from labs.charts.lettering import Canvas
from labs.charts.ours import drawn_our_way

BLACK: Final = "#000000"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
CYCLE: Final = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)

INK: Final = "#1F2933"  # text; 14:1 on PAPER
MUTED: Final = "#56616B"  # less important text; 6:1 on PAPER
RUST: Final = "#A03C00"  # vermillion as a text; 6:1 on PAPER
LINE: Final = "#D5DADF"  # borders and grids
PAPER: Final = "#FCFCFA"  # every chart's own ground; for dark themes see labs/charts/night.py
#: For HTML and SVG; a browser takes each letter from the first that has it, Hangul from the last.
FONT: Final = (
    "system-ui, -apple-system, 'Segoe UI', 'Noto Sans',"
    " 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', 'Noto Sans CJK KR', sans-serif"
)

WIDTH_IN: Final = 9.0  # at 100 dots per inch, as wide as a notebook's column
DPI: Final = 100


def figure(height_in: float = 3.6, *, reuse: Figure | None = None) -> Figure:
    """An empty figure, `WIDTH_IN` wide; a live chart passes its last one as `reuse`.

    It belongs to no pyplot state, so it is never shown twice nor leaked; one thread at a time.
    """
    if reuse is None:
        reuse = Figure(dpi=DPI, facecolor=PAPER)
        Canvas(reuse)
    for ax in reuse.axes:
        reuse.delaxes(ax)  # `clear` alone would first make each of them anew, ticks and all
    reuse.clear()
    reuse.set_size_inches(WIDTH_IN, height_in)
    # Fixed margins (inches): a layout engine would double the time to a picture (80 → 165 ms).
    reuse.subplots_adjust(
        left=0.85 / WIDTH_IN,
        right=1 - 0.25 / WIDTH_IN,
        bottom=0.6 / height_in,
        top=1 - 0.5 / height_in,
        hspace=0.5,
        wspace=0.25,
    )
    return reuse


def axes(fig: Figure, *, title: str = "", x: str = "", y: str = "", position: int = 111) -> Axes:
    """Axes with the house style: a left title that states the finding, labels with units."""
    ax = fig.add_subplot(position, facecolor=PAPER)
    ax.set_prop_cycle(color=CYCLE)
    ax.set_title(title, loc="left", fontsize=13, fontweight="bold", color=INK, wrap=True)
    ax.set_xlabel(x, fontsize=11, color=MUTED)
    ax.set_ylabel(y, fontsize=11, color=MUTED)
    ax.tick_params(labelsize=10, colors=MUTED, length=3)
    ax.grid(axis="y", color=LINE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(LINE)
    return ax


@drawn_our_way
def png(fig: Figure, *, quick: bool = False) -> bytes:
    """The figure as PNG bytes, for `ipywidgets.Image` or an `image/png` output.

    A palette makes it a third as long as matplotlib's own PNG; nobody sees the difference.
    `quick`: less well compressed, for a picture that the next one soon replaces.
    """
    canvas: Any = fig.canvas  # a FigureCanvasAgg, whose methods are not typed
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    few = drawn.convert("RGB").quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, format="png", compress_level=3 if quick else 9)
    return out.getvalue()
