"""Results drawn: each module takes plain values and gives back a figure or an SVG text.

>>> show(picture(result))    # all that a run found, in a notebook
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.charts import ours  # isort: skip # noqa: F401 - before matplotlib is imported

from matplotlib.figure import Figure

from labs.charts.pictures import picture, picture_of
from labs.charts.style import png

if TYPE_CHECKING:
    from labs.charts.output import Picture

__all__ = ["picture", "picture_of", "show"]


def show(fig: Figure) -> Picture:
    """The figure as a notebook's output."""
    from labs.charts.output import Picture  # here: the process that draws live pictures needs none

    return Picture(png(fig))
