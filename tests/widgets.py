"""Find what a test presses and reads by the very hooks that the browser's tests use."""

from __future__ import annotations

from typing import Any

import ipywidgets as w


def all_in(widget: w.Widget) -> list[w.Widget]:
    """The widget and all that it holds, from the top."""
    inside = [found for child in getattr(widget, "children", ()) for found in all_in(child)]
    return [widget, *inside]


def hooks(widget: w.Widget) -> set[str]:
    """The hooks (CSS classes) of this very widget."""
    return set(widget.get_state().get("_dom_classes", ()))


def hooks_in(widget: w.Widget) -> set[str]:
    """The hooks of the widget and of all that it holds."""
    return {hook for found in all_in(widget) for hook in hooks(found)}


def find(widget: w.Widget, hook: str) -> Any:
    """The only widget in there with that hook."""
    (found,) = (one for one in all_in(widget) if hook in hooks(one))
    return found
