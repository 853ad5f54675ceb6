"""A question before a run: the learner predicts, and a test can answer it, too.

>>> p = predict("overview.where")      # the question and its options stand in the chapter's table
>>> p.choose("one_partition")          # an option's id; or the reader ticks it and locks it in

What was predicted is noted beside what was measured (`labs/learner/notes.py`). On a page without a
kernel the question and its options are plain HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as w

from labs.base.errors import BadInput
from labs.base.words import Words
from labs.chapters import words_of
from labs.experiment.settings import unit_named
from labs.notebook.card import bundle, card, feedback, inline, one_of, plain
from labs.notebook.parts import button, html

words = Words(__file__)

Answer = str | float


@dataclass(frozen=True)
class Number:
    """A prediction that is a number from `low` to `high`, in `unit`, in steps of `step`.

    A prediction within `close` of the measured value (a fraction of the range) counts as right.
    """

    unit: str
    low: float = 0
    high: float = 100
    step: float = 1
    close: float = 0.1

    def agrees(self, predicted: float, measured: float) -> bool:
        """Whether the two are close enough to call the prediction right."""
        return abs(predicted - measured) <= self.close * (self.high - self.low)

    def words(self, value: float) -> str:
        """`1,234 records`."""
        return words("number", value=f"{value:,.10g}", unit=unit_named(self.unit))


class Prediction:
    """A question asked before an experiment. `answer` is None until it is given, or if skipped.

    Args:
        question: in plain words; `backquotes` make code.
        options: the sentence of each option, by its id; or a `Number`.
        key: its name in the page (`t-predict-KEY`).
        why: what to say to those who chose an option wrongly, by its id; or of a number.
        name: under which it is noted beside what was measured (`chapter.what`); without one, it is
            not.
    """

    def __init__(
        self,
        question: str,
        options: Mapping[str, str] | Number,
        key: str,
        why: Mapping[str, str] | str = "",
        name: str = "",
    ) -> None:
        self.question, self.options, self.key, self.why = question, options, key, why
        self.name = name
        self.answer: Answer | None = None
        self.skipped = False
        #: Called after each answer, and after a skip.
        self.on_answer: Callable[[], None] = lambda: None
        self._build()

    def choose(self, answer: Answer) -> None:
        """Answer from code, as the button does.

        Raises:
            BadInput: it is none of the options, or out of bounds.
        """
        self.answer, self.skipped = self._valid(answer), False
        self._close(words("predict.made", predicted=f"<b>{inline(self.words(answer))}</b>"))

    def skip(self) -> None:
        """Go on without a prediction."""
        self.answer, self.skipped = None, True
        self._close(words("predict.skipped"))

    def words(self, answer: Answer) -> str:
        """The answer as one says it: the option's sentence, or the number with its unit."""
        if isinstance(self.options, Number):
            return self.options.words(float(answer))
        return self.options[str(answer)]

    def agrees(self, measured: Answer) -> bool:
        """Whether the prediction came true."""
        if self.answer is None:
            return False
        if isinstance(self.options, Number):
            return self.options.agrees(float(self.answer), float(measured))
        return self.answer == measured

    def explanation(self, measured: Answer) -> str:
        """What to say of the answer, if it is a number or wrong."""
        if isinstance(self.why, str):
            return self.why
        return "" if self.agrees(measured) else self.why.get(str(self.answer), "")

    def _valid(self, answer: Answer) -> Answer:
        if isinstance(self.options, Number):
            low, high = self.options.low, self.options.high
            if isinstance(answer, str) or not low <= answer <= high:
                raise BadInput(words("predict.out_of_bounds", answer=answer, low=low, high=high))
        elif answer not in self.options:
            raise BadInput(words("no_option", answer=answer), hint=one_of(self.options))
        return answer

    def _build(self) -> None:
        self._input = self._number() if isinstance(self.options, Number) else self._choice()
        self._input.add_class("t-input")
        lock = button(words("predict.lock"), "t-lock", self._locked, style="primary")
        skip = button(words("predict.skip"), "t-skip", self.skip)
        self._feedback = html("t-feedback")
        self._inputs = [self._input, lock, skip]
        parts = [self._input, w.HBox([lock, skip]), self._feedback]
        self.widget = card("t-predict", words("predict.kind"), self.question, parts)
        self.widget.add_class(f"t-predict-{self.key}")

    def _number(self) -> w.FloatSlider:
        spec = self.options
        assert isinstance(spec, Number)
        return w.FloatSlider(
            value=spec.low,
            min=spec.low,
            max=spec.high,
            step=spec.step,
            readout_format=",.0f" if spec.step >= 1 else ",.2f",
            description=unit_named(spec.unit),
            style={"description_width": "initial"},
            layout=w.Layout(width="460px", max_width="100%"),
        )

    def _choice(self) -> w.RadioButtons:
        assert not isinstance(self.options, Number)
        options = [(plain(says), option) for option, says in self.options.items()]
        return w.RadioButtons(options=options, value=None, layout=w.Layout(width="auto"))

    def _locked(self) -> None:
        if self._input.value is None:
            self._feedback.value = feedback(words("predict.choose"))
            return
        try:
            self.choose(self._input.value)
        except BadInput as error:
            self._feedback.value = feedback(escape(str(error)))

    def _close(self, said: str) -> None:
        if self.answer is not None:
            self._input.value = self.answer
        for widget in self._inputs:
            widget.disabled = True
        self._feedback.value = feedback(said)
        self.on_answer()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        if isinstance(self.options, Number):
            spec = self.options
            bounds = {"low": spec.low, "high": spec.high, "unit": unit_named(spec.unit)}
            options = [words("predict.number", **bounds)]
        else:
            options = list(self.options.values())
        return bundle(self.widget, words("predict.kind"), self.question, options)


_predictions: dict[str, Prediction] = {}


def predict(
    name: str, options: Sequence[str] | Number | None = None, *, key: str = ""
) -> Prediction:
    """Ask for a prediction; run again, it asks anew.

    Args:
        name: `chapter.what`: its sentences stand in the chapter's table. With a `key` it is the
            question itself, in plain words.
        options: a `Number`, or, with a `key`, the answers to choose from.
        key: the name under which `prediction(key)` and `reconcile(key, …)` find it, if not `name`.
    """
    if key:  # asked in the notebook's own words
        own = options if isinstance(options, Number) else {said: said for said in options or ()}
        asked = Prediction(name, own, key)
    else:
        say, what = words_of(name)
        offered = options if isinstance(options, Number) else say.under(f"{what}.options")
        why = say.under(f"{what}.why")
        asked = Prediction(say(f"{what}.predict"), offered, name.replace(".", "-"), why, name)
    if not isinstance(asked.options, Number) and len(asked.options) < 2:
        raise BadInput(words("predict.too_few"))
    _predictions[key or name] = asked
    return asked


def prediction(key: str) -> Prediction | None:
    """The prediction asked under `key` in this kernel, or None if that cell has not run."""
    return _predictions.get(key)


def spoken(name: str, answer: Answer) -> str:
    """An answer as the chapter's table says it, where nobody asked (that cell has not run)."""
    try:
        say, what = words_of(name)
    except BadInput:
        return str(answer)
    return say.under(f"{what}.options").get(str(answer), str(answer))
