"""One run of a panel: its result, its picture, and what they say of the prediction.

A `Finding` is what `panel.run(...)` returns; as the last line of a cell it shows picture and words,
in JupyterLab as on a page without a kernel.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape

from IPython.display import display

from labs.charts import night
from labs.charts.output import Picture
from labs.experiment.result import Result
from labs.notebook.reconciliation import Reconciliation
from labs.notebook.result_html import CSS, told

#: A saved notebook carries its results' figures under this type, beside what a reader sees.
RESULT_MIME = "application/vnd.labs.result+json"


@dataclass(frozen=True)
class Finding:
    """One run of a panel. `number` counts the panel's runs from 1; `png` is its picture.

    `reconciliation` sets the prediction beside the measurement, if the run can tell.
    """

    number: int
    result: Result
    png: bytes
    reconciliation: Reconciliation | None = None

    def _ipython_display_(self) -> None:
        # Two outputs, not one of two types: a page shows only the first type that it knows.
        display(Picture(self.png))
        words = {"text/html": self.html, "text/plain": str(self)}
        display({**words, RESULT_MIME: self.result.figures()}, raw=True)

    def _repr_html_(self) -> str:
        return f"{_embedded(self.png, self.title)}{self.html}"

    @property
    def title(self) -> str:
        """The finding in a sentence."""
        return self.result.conclusion or self.result.words()

    @property
    def html(self) -> str:
        """The words: verdict, conclusion, what they say of the prediction, evidence, figures."""
        return f'{CSS}<div class="labs-finding">{told(self.result, self.reconciliation)}</div>'

    def __str__(self) -> str:
        return f"{self.result.words()} {self.result.conclusion}".strip()


def _embedded(png: bytes, alt: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    source = f"data:image/png;base64,{data}"
    return f'<img class="{night.PICTURE}" width="900" alt="{escape(alt)}" src="{source}">'
