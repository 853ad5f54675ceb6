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
    from IPython.display import Image

__all__ = ["picture", "picture_of", "show"]


def show(fig: Figure) -> Image:
    """The figure as a notebook's output: a PNG that a static page shows just as well."""
    from IPython.display import Image  # here: the process that draws live pictures needs none

    return Image(data=png(fig), width=900)
