"""A panel on a page without a kernel: what it asks, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from labs.experiment.experiment import Experiment
from labs.experiment.settings import Value
from labs.notebook.prediction import Prediction
from labs.notebook.result_html import CSS


def question(experiment: Experiment) -> str:
    """What the experiment is called, and what it asks of the cluster."""
    return (
        f'<p class="labs-kind">Experiment <code>{escape(experiment.name)}</code></p>'
        f'<p class="labs-question">{escape(experiment.question)}</p>'
    )


def still(experiment: Experiment, values: Mapping[str, Value], asked: Prediction | None) -> str:
    """The whole panel as HTML."""
    rows = "".join(
        f"<tr><td><code>{escape(s.name)}</code></td>"
        f"<td>{escape(str(values[s.name]))} {escape(s.unit)}</td>"
        f"<td>{escape(experiment.help(s))} ({escape(s.allowed)})</td></tr>"
        for s in experiment.settings
    )
    chosen = ", ".join(f"{name}={value}" for name, value in values.items())
    ask = asked._repr_mimebundle_()["text/html"] if asked else ""
    return (
        f'{CSS}<div class="labs-finding">{question(experiment)}{ask}'
        f"<details><summary>Settings: <code>{escape(chosen)}</code></summary>"
        f"<table><tr><th>setting</th><th>value</th><th></th></tr>{rows}</table></details>"
        '<p class="labs-muted">In JupyterLab this is a panel with these settings to change '
        "and a Run button.</p></div>"
    )
