"""Results drawn: each module takes plain values and gives back a figure or an SVG text."""

from __future__ import annotations

from IPython.display import Image
from matplotlib.figure import Figure

from labs.charts.style import png


def show(fig: Figure) -> Image:
    """The figure as a notebook's output: a PNG that a static page shows just as well."""
    return Image(data=png(fig), width=900)
