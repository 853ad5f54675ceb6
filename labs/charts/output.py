"""A picture as a notebook's output."""

from __future__ import annotations

from typing import Any

from IPython.display import Image

from labs.charts.night import METADATA


class Picture(Image):
    """A PNG that a static page shows just as well, 900 pixels wide.

    In the dark theme it is dark where a panel or a cockpit stands on the same page.
    """

    def __init__(self, png: bytes) -> None:
        made: Any = super()  # whose methods are not typed
        made.__init__(data=png, width=900)

    def _repr_mimebundle_(self, *given: Any, **options: Any) -> Any:
        shown: Any = super()
        data, metadata = shown._repr_mimebundle_(*given, **options)
        return data, {**metadata, **METADATA}  # JupyterLab looks for it beside the types
