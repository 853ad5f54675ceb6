"""A prediction beside what was measured.

>>> reconcile("overview.where", "one_partition")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from labs.base.errors import BadInput
from labs.base.words import Words
from labs.learner.keeping import kept
from labs.learner.notes import compared
from labs.notebook.card import CSS, inline, one_of
from labs.notebook.prediction import Answer, Number, Prediction, prediction, spoken

words = Words(__file__)


@dataclass(frozen=True)
class Reconciliation:
    """What was predicted beside what was measured: the id of an option, or a number.

    `predicted` and `right` are None without a prediction; `words` makes a sentence of either value.
    """

    predicted: Answer | None
    measured: Answer
    right: bool | None
    explanation: str = ""
    words: Callable[[Answer], str] = str

    @property
    def verdict(self) -> str:
        """One sentence that names both."""
        measured = self.words(self.measured)
        if self.predicted is None:
            return words("reconciled.skipped", measured=measured)
        how = "close" if self.right else "wrong"
        if self.predicted == self.measured:
            how = "exact"
        return words(f"reconciled.{how}", predicted=self.words(self.predicted), measured=measured)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        mark = {True: "✓", False: "≠", None: "·"}[self.right]
        side = {True: "labs-right", False: "labs-wrong", None: ""}[self.right]
        html = (
            f'{CSS}<div class="labs-card labs-reconcile {side}">'
            f"<p><b>{mark} {inline(self.verdict)}</b></p><p>{inline(self.explanation)}</p></div>"
        )
        return {"text/html": html, "text/plain": f"{mark} {self.verdict} {self.explanation}"}


def reconcile(
    predicted: Prediction | str,
    measured: Answer,
    explanation: str = "",
    *,
    settings: Mapping[str, object] | None = None,
) -> Reconciliation:
    """Set a prediction (or its key) beside what was measured.

    Args:
        predicted: what `predict` returned, or its key; an unasked or skipped one is no error.
        measured: the value, in the prediction's unit, or the id of the option that came true.
        explanation: why it came out so, if the prediction's table does not say it.
        settings: with which it was measured; for other settings it is another question.

    Raises:
        BadInput: `measured` is an option that the prediction did not offer.
    """
    asked = prediction(predicted) if isinstance(predicted, str) else predicted
    if asked is None:
        return Reconciliation(None, measured, None, explanation, partial(spoken, str(predicted)))
    if not isinstance(asked.options, Number) and measured not in asked.options:
        raise BadInput(words("reconciled.no_option", measured=measured), hint=one_of(asked.options))
    if asked.answer is None:
        return Reconciliation(None, measured, None, explanation, asked.words)
    why = explanation or asked.explanation(measured)
    found = Reconciliation(asked.answer, measured, asked.agrees(measured), why, asked.words)
    noted = kept(partial(_note, asked, found, settings or {})) if asked.name else ""
    return replace(found, explanation=f"{why} {noted}".strip()) if noted else found


def _note(asked: Prediction, found: Reconciliation, settings: Mapping[str, object]) -> None:
    more: dict[str, object] = {"settings": dict(settings)} if settings else {}
    if isinstance(asked.options, Number):
        more["unit"] = asked.options.unit
    compared(asked.name, found.predicted, found.measured, bool(found.right), **more)
