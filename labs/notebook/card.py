"""The card in which a question is asked: live in JupyterLab, else plain HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import ipywidgets as w

from labs.base.words import Words
from labs.charts.style import BLUE, FONT, GREEN, LINE, MUTED, VERMILLION

words = Words(__file__)

CSS = f"""<style>
.labs-card {{ font-family: {FONT}; max-width: 860px; box-sizing: border-box;
  padding: 10px 16px; margin: 4px 0;
  border: 1px solid var(--jp-border-color1, {LINE}); border-left: 4px solid {BLUE};
  border-radius: 6px; }}
.labs-card p {{ margin: 4px 0; font-size: 14px; line-height: 1.5; white-space: normal; }}
.labs-card .labs-kind {{ font-size: 12px; font-weight: 600; letter-spacing: .04em;
  color: var(--jp-ui-font-color2, {MUTED}); }}
.labs-card .labs-option {{ width: auto; max-width: 100%; height: auto; min-height: 32px;
  padding: 6px 14px; text-align: left; line-height: 1.4; white-space: normal; }}
.labs-card .labs-option.labs-right {{ outline: 2px solid {GREEN}; }}
.labs-card .labs-option.labs-wrong {{ outline: 2px dashed {VERMILLION}; }}
.labs-reconcile.labs-right {{ border-left: 6px solid {GREEN}; }}
.labs-reconcile.labs-wrong {{ border-left: 6px double {VERMILLION}; }}
.labs-card .widget-radio-box label {{ white-space: normal; height: auto; line-height: 1.5; }}
</style>"""


def card(hook: str, kind: str, question: str, children: Sequence[w.Widget]) -> w.VBox:
    """A question with what it is answered by; `kind` stands above it, tests find it by `hook`."""
    head = f'{CSS}<p class="labs-kind">{kind}</p><p>{inline(question)}</p>'
    made = w.VBox([w.HTML(head), *children])
    made.add_class("labs-card")
    made.add_class(hook)
    return made


def feedback(markup: str) -> str:
    """What is said of an answer, as HTML that a screen reader speaks."""
    return f'<p role="status" aria-live="polite">{markup}</p>'


def bundle(widget: w.Widget, kind: str, question: str, options: Sequence[str]) -> dict[str, Any]:
    """The live widget, and for a page without a kernel the question with its options."""
    items = "".join(f"<li>{inline(option)}</li>" for option in options)
    listed = "".join(f"\n  - {option}" for option in options)
    return {
        **(widget._repr_mimebundle_() or {}),
        "text/html": f"<p><b>{kind}:</b> {inline(question)}</p><ul>{items}</ul>",
        "text/plain": f"{kind}: {question}{listed}",
    }


def inline(text: str) -> str:
    """Text as HTML, with `backquotes` as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def plain(text: str) -> str:
    """Text for a button, which can't show code."""
    return text.replace("`", "")


def one_of(options: Iterable[str]) -> str:
    """The hint of an error: what is allowed."""
    return words("one_of", options=", ".join(map(repr, options)))
