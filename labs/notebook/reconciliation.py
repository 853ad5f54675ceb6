"""A prediction beside what was measured.

>>> reconcile(p, 37, "The followers lagged when the leader died.")
"""

from __future__ import annotations

from dataclasses import dataclass

from labs.base.errors import BadInput
from labs.notebook.card import CSS, inline, one_of
from labs.notebook.prediction import Answer, Number, Prediction, prediction


@dataclass(frozen=True)
class Reconciliation:
    """What was predicted beside what was measured. `right` is None without a prediction."""

    predicted: str
    measured: str
    explanation: str
    right: bool | None

    @property
    def verdict(self) -> str:
        """One sentence that names both."""
        if self.right is None:
            return f"You made no prediction. Measured: {self.measured}."
        if self.right and self.predicted == self.measured:
            return f"You predicted {self.predicted}, and so it was."
        if self.right:
            return f"You predicted {self.predicted}, and measured {self.measured}: close."
        return f"You predicted {self.predicted}, but measured {self.measured}."

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        mark = {True: "✓", False: "≠", None: "·"}[self.right]
        side = {True: "labs-right", False: "labs-wrong", None: ""}[self.right]
        html = (
            f'{CSS}<div class="labs-card labs-reconcile {side}">'
            f"<p><b>{mark} {inline(self.verdict)}</b></p><p>{inline(self.explanation)}</p></div>"
        )
        return {"text/html": html, "text/plain": f"{mark} {self.verdict} {self.explanation}"}


def reconcile(
    predicted: Prediction | str, measured: Answer, explanation: str = ""
) -> Reconciliation:
    """Set a prediction (or its key) beside what was measured.

    Args:
        predicted: what `predict` returned, or its key; an unasked or skipped one is no error.
        measured: the value, in the prediction's unit, or the option that came true.
        explanation: why it came out so.

    Raises:
        BadInput: `measured` is an option that the prediction did not offer.
    """
    asked = prediction(predicted) if isinstance(predicted, str) else predicted
    if asked is None:
        return Reconciliation("", str(measured), explanation, None)
    if not isinstance(asked.options, Number) and measured not in asked.options:
        raise BadInput(f"{measured!r} was not among the options", hint=one_of(asked.options))
    if asked.answer is None:
        return Reconciliation("", asked.words(measured), explanation, None)
    right = asked.agrees(measured)
    return Reconciliation(asked.words(asked.answer), asked.words(measured), explanation, right)
