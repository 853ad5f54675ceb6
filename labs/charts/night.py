"""In JupyterLab's dark theme pictures are dark as well: the page turns their lightness round.

One picture serves both themes, and a reader that knows no theme (GitHub, nbviewer): nothing is
drawn, sent or saved twice. Hues stay nearly what they are; lines have a contrast of 3 to the ground
and more, texts of 4.5, and colours stay apart for readers with any colour blindness (a test
computes all three from the filter's definition: Filter Effects Module Level 1, W3C).
"""

from __future__ import annotations

from typing import Final

#: The class of a picture on its own light ground, in a widget or in HTML.
PICTURE: Final = "labs-picture"

#: JupyterLab's own mark of an output for a picture on its own light ground.
METADATA: Final = {"needs_background": "light"}

#: The part by which lightness is turned: 1 would make the ground blacker than JupyterLab's.
INVERT: Final = 0.92

_DARK = '[data-jp-theme-light="false"]'
CSS: Final = (
    f"<style>{_DARK} .{PICTURE}, {_DARK} .jp-needs-light-background"
    f" {{ filter: invert({INVERT}) hue-rotate(180deg); }}</style>"
)
