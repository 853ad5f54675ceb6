"""SVG elements as text."""

from __future__ import annotations

from html import escape

from labs.charts.style import INK


def tag(_name: str, *inner: str, **attributes: object) -> str:
    """One element. `inner` is markup; attributes are escaped, and empty ones left out."""
    given = "".join(
        f' {key.strip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{_name}{given}>{''.join(inner)}</{_name}>" if inner else f"<{_name}{given}/>"


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 13,
    fill: str = INK,
    weight: int | str = "",
    anchor: str = "",
) -> str:
    """A line of text whose baseline begins at (x, y)."""
    return tag(
        "text",
        escape(words),
        x=f"{x:g}",
        y=f"{y:g}",
        font_size=size,
        fill=fill,
        font_weight=weight,
        text_anchor=anchor,
    )


def rect(x: float, y: float, width: float, height: float, **attributes: object) -> str:
    """A rectangle."""
    return tag("rect", x=f"{x:g}", y=f"{y:g}", width=width, height=height, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> str:
    """A line."""
    return tag("line", x1=f"{x1:g}", y1=f"{y1:g}", x2=f"{x2:g}", y2=f"{y2:g}", **attributes)


def path(d: str, **attributes: object) -> str:
    """A path."""
    return tag("path", d=d, **attributes)
