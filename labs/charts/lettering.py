"""A canvas that draws each text once and then stamps it.

Matplotlib 3.11 draws a text letter by letter in Python: 60 of the 70 ms that a live picture took to
be rendered went into 33 short texts. Most are the same from one picture to the next.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg

from labs.charts.fonts import font_for

#: How many texts are remembered, the latest used.
REMEMBERED = 1000

#: Its picture, and where that lies from the text's own place: to the right and upwards, pixels.
_Stamp = tuple[Any, int, int]


class Canvas(FigureCanvasAgg):
    """Matplotlib's own, with texts that are remembered."""

    def get_renderer(self) -> Any:
        """The renderer for the figure's present size."""
        width, height = self.figure.bbox.size
        key = (width, height, self.figure.dpi)
        if getattr(self, "_key", None) != key:
            self._key = key
            make: Any = _Renderer  # whose methods are not typed
            self.renderer = make(width, height, self.figure.dpi)
        return self.renderer


class _Renderer(RendererAgg):
    """Places texts on whole pixels, so that one picture of a text fits wherever it is written."""

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,  # noqa: ARG002 - matplotlib's signature
    ) -> None:
        """Stamp a text whose baseline begins at (x, y), y counted from the top."""
        prop = font_for(s, prop)
        image, right, up = _stamp(s, prop, angle, tuple(gc.get_rgb()), self.dpi, ismath)
        if image is not None:
            self.draw_image(gc, round(x) + right, round(self.height - y) + up, image)

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> Any:
        """How much room a text takes, pixels."""
        measure: Any = super().get_text_width_height_descent  # which is not typed
        return measure(s, font_for(s, prop), ismath)


#: The texts that are remembered, the latest used at the end.
stamps: OrderedDict[tuple[Any, ...], _Stamp] = OrderedDict()


def _stamp(s: str, prop: Any, angle: float, colour: Any, dpi: float, ismath: Any) -> _Stamp:
    key = (s, hash(prop), angle, colour, dpi, ismath)
    found = stamps.pop(key, None)
    stamps[key] = stamp = found or draw_alone(s, prop, angle, colour, dpi, ismath)
    while len(stamps) > REMEMBERED:
        stamps.popitem(last=False)
    return stamp


def draw_alone(s: str, prop: Any, angle: float, colour: Any, dpi: float, ismath: Any) -> _Stamp:
    """Draw a text alone, in the middle of a sheet on which it fits however it is turned."""
    make: Any = RendererAgg  # whose methods are not typed
    measure = make(1, 1, dpi)
    width, height, descent = measure.get_text_width_height_descent(s, prop, ismath)
    reach = math.ceil(math.hypot(width, height + descent)) + 4
    sheet = make(2 * reach, 2 * reach, dpi)
    pen = sheet.new_gc()
    pen.set_foreground(colour, isRGBA=True)
    sheet.draw_text(pen, reach, reach, s, prop, angle, ismath)
    cover = np.asarray(sheet.buffer_rgba())[..., 3]
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    if not rows.size:
        return None, 0, 0
    top, bottom, left, end = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    image = np.empty((bottom - top, end - left, 4), np.uint8)
    image[..., :3] = np.round(np.multiply(colour[:3], 255))
    image[..., 3] = cover[top:bottom, left:end]
    upwards = np.ascontiguousarray(image[::-1])  # images are placed from the bottom row on
    return upwards, int(left) - reach, reach - int(bottom)
