"""Small widgets, made the same way everywhere; each has the class by which tests find it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets as w


def button(
    label: str, hook: str, pressed: Callable[[], object], *, icon: str = "", style: str = ""
) -> w.Button:
    """A button as wide as its label, which calls `pressed`."""
    made = w.Button(description=label, icon=icon, button_style=style)
    made.layout = w.Layout(width="auto", flex="0 0 auto")
    made.add_class(hook)
    made.on_click(lambda _: pressed())
    return made


def html(hook: str, value: str = "") -> w.HTML:
    """A place for HTML."""
    made = w.HTML(value)
    made.add_class(hook)
    return made


def status_line(text: str, *, bad: bool = False, hook: str = "") -> str:
    """HTML that a screen reader speaks when it changes; `bad` makes it an alert."""
    role, mark = ("alert", "⚠ ") if bad else ("status", "")
    return (
        f'<div role="{role}" aria-live="polite" class="{hook}{" labs-bad" * bad}">'
        f"{mark}{escape(text)}</div>"
    )
