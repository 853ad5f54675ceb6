"""A panel on a page without a kernel: what it asks, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.settings import Value, unit_named
from labs.notebook.called import called
from labs.notebook.prediction import Prediction
from labs.notebook.result_html import CSS

words = Words(__file__)


def question(experiment: Experiment) -> str:
    """What the experiment is called, and what it asks of the cluster."""
    name = f"<code>{escape(experiment.name)}</code>"
    return (
        f'<p class="labs-kind">{words("still.kind", name=name)}</p>'
        f'<p class="labs-question">{escape(experiment.question)}</p>'
    )


def still(experiment: Experiment, values: Mapping[str, Value], asked: Prediction | None) -> str:
    """The whole panel as HTML."""
    by = called(experiment)
    rows = "".join(
        f"<tr><td><code>{escape(s.name)}</code></td>"
        f"<td>{escape(by.setting(s.name, values[s.name]))} {escape(unit_named(s.unit))}</td>"
        f"<td>{escape(experiment.help(s))} ({escape(by.allowed(s))})</td></tr>"
        for s in experiment.settings
    )
    shown = f"<code>{escape(by.settings(values))}</code>"
    heads = "".join(f"<th>{name}</th>" for name in words.under("still.head").values())
    ask = asked._repr_mimebundle_()["text/html"] if asked else ""
    return (
        f'{CSS}<div class="labs-finding">{question(experiment)}{ask}'
        f"<details><summary>{words('still.settings', chosen=shown)}</summary>"
        f"<table><tr>{heads}<th></th></tr>{rows}</table></details>"
        f'<p class="labs-muted">{words("still.panel")}</p></div>'
    )
