"""Ask before, compare after: predictions and quizzes that a test can answer, too.

>>> p = predict("How many of 100 acknowledged records survive?", Number("records", 0, 100), key="k")
>>> p.choose(100)                                   # or the reader moves the slider and locks it in
>>> reconcile(p, 37, "The followers lagged when the leader died.")

Answers live in this kernel's memory only. On a page without a kernel the question and its options
are plain HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as w

from labs.base.errors import BadInput
from labs.charts.style import FONT

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
        return f"{value:,.10g} {self.unit}"


# --- predictions ----------------------------------------------------------------------------------


class Prediction:
    """A question asked before an experiment. `answer` is None until it is given, or if skipped."""

    def __init__(self, question: str, options: Sequence[str] | Number, key: str) -> None:
        self.question, self.options, self.key = question, options, key
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
        self._close(f"You predict: <b>{_inline(self.words(answer))}</b>. Now measure it.")

    def skip(self) -> None:
        """Go on without a prediction."""
        self.answer, self.skipped = None, True
        self._close("No prediction. You can still look at what happens.")

    def words(self, answer: Answer) -> str:
        """The answer as one says it, with its unit."""
        if isinstance(self.options, Number) and not isinstance(answer, str):
            return self.options.words(answer)
        return str(answer)

    def agrees(self, measured: Answer) -> bool:
        """Whether the prediction came true."""
        if self.answer is None:
            return False
        if isinstance(self.options, Number):
            return self.options.agrees(float(self.answer), float(measured))
        return self.answer == measured

    def _valid(self, answer: Answer) -> Answer:
        if isinstance(self.options, Number):
            low, high = self.options.low, self.options.high
            if isinstance(answer, str) or not low <= answer <= high:
                raise BadInput(f"{answer!r} is no number from {low:g} to {high:g}")
        elif answer not in self.options:
            raise BadInput(f"{answer!r} is none of the options", hint=_one_of(self.options))
        return answer

    def _build(self) -> None:
        self._input = self._number() if isinstance(self.options, Number) else self._choice()
        self._input.add_class("t-input")
        lock, skip = _button("Lock in my prediction", "primary"), _button("Skip")
        lock.add_class("t-lock")
        skip.add_class("t-skip")
        lock.on_click(lambda _: self._locked())
        skip.on_click(lambda _: self.skip())
        self._feedback = _html("", "t-feedback")
        self._inputs = [self._input, lock, skip]
        self.widget = _card(
            "Predict", self.question, [self._input, w.HBox([lock, skip]), self._feedback]
        )
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
            description=spec.unit,
            style={"description_width": "initial"},
            layout=w.Layout(width="460px", max_width="100%"),
        )

    def _choice(self) -> w.RadioButtons:
        assert not isinstance(self.options, Number)
        options = [(_plain(option), option) for option in self.options]
        return w.RadioButtons(options=options, value=None, layout=w.Layout(width="auto"))

    def _locked(self) -> None:
        if self._input.value is None:
            self._feedback.value = _line("Choose one first, or skip.")
            return
        try:
            self.choose(self._input.value)
        except BadInput as error:
            self._feedback.value = _line(escape(str(error)))

    def _close(self, said: str) -> None:
        if self.answer is not None:
            self._input.value = self.answer
        for widget in self._inputs:
            widget.disabled = True
        self._feedback.value = _line(said)
        self.on_answer()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        if isinstance(self.options, Number):
            spec = self.options
            options = [f"a number of {spec.unit} from {spec.low:,g} to {spec.high:,g}"]
        else:
            options = list(self.options)
        return _bundle(self.widget, "Predict", self.question, options)


_predictions: dict[str, Prediction] = {}


def predict(question: str, options: Sequence[str] | Number, *, key: str) -> Prediction:
    """Ask for a prediction; run again, it asks anew.

    Args:
        question: in plain words; `backquotes` make code.
        options: the answers to choose from, or a `Number`.
        key: the name under which `prediction(key)` and `reconcile(key, …)` find it.
    """
    if not isinstance(options, Number) and len(options) < 2:
        raise BadInput("a prediction needs two options at least")
    _predictions[key] = Prediction(question, options, key)
    return _predictions[key]


def prediction(key: str) -> Prediction | None:
    """The prediction asked under `key` in this kernel, or None if that cell has not run."""
    return _predictions.get(key)


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
            f'{_CSS}<div class="labs-card labs-reconcile {side}">'
            f"<p><b>{mark} {_inline(self.verdict)}</b></p><p>{_inline(self.explanation)}</p></div>"
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
        raise BadInput(f"{measured!r} was not among the options", hint=_one_of(asked.options))
    if asked.answer is None:
        return Reconciliation("", asked.words(measured), explanation, None)
    right = asked.agrees(measured)
    return Reconciliation(asked.words(asked.answer), asked.words(measured), explanation, right)


# --- quizzes --------------------------------------------------------------------------------------


class Quiz:
    """A question with one right answer, and a reason for each wrong one.

    `attempts` are the options chosen, in order; one may try until it is right.
    """

    def __init__(self, question: str, options: Mapping[str, str], answer: str) -> None:
        if answer not in options:
            raise BadInput(f"the answer {answer!r} is none of the options", hint=_one_of(options))
        self.question, self.options, self.answer = question, dict(options), answer
        self.attempts: list[str] = []
        self._build()

    @property
    def solved(self) -> bool:
        """Whether the right one was found."""
        return self.answer in self.attempts

    @property
    def correct(self) -> bool:
        """Whether the first try was right."""
        return self.attempts[:1] == [self.answer]

    def choose(self, option: str) -> str:
        """Answer, as the button does; returns the feedback.

        Raises:
            BadInput: it is none of the options.
        """
        if option not in self.options:
            raise BadInput(f"{option!r} is none of the options", hint=_one_of(self.options))
        self.attempts.append(option)
        right = option == self.answer
        self._buttons[option].icon = "check" if right else "times"
        self._buttons[option].add_class("labs-right" if right else "labs-wrong")
        verdict = "Right." if right else "Not so."
        self._feedback.value = _line(f"<b>{verdict}</b> {_inline(self.options[option])}")
        return self.options[option]

    def _build(self) -> None:
        self._buttons = {option: _option(option) for option in self.options}
        for number, (option, button) in enumerate(self._buttons.items()):
            button.add_class(f"t-option-{number}")
            button.on_click(lambda _, chosen=option: self.choose(chosen) and None)
        self._feedback = _html("", "t-feedback")
        self.widget = _card("Quiz", self.question, [*self._buttons.values(), self._feedback])

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        bundle = _bundle(self.widget, "Quiz", self.question, list(self.options))
        reasons = "".join(
            f"<li>{'<b>Right:</b> ' * (option == self.answer)}<i>{_inline(option)}</i> –"
            f" {_inline(why)}</li>"
            for option, why in self.options.items()
        )
        bundle["text/html"] += f"<details><summary>Answer</summary><ul>{reasons}</ul></details>"
        return bundle


def quiz(question: str, options: Mapping[str, str], *, answer: str) -> Quiz:
    """Ask a question.

    Args:
        question: in plain words; `backquotes` make code.
        options: each answer with its feedback; wrong ones are plausible misconceptions.
        answer: the right one.

    Raises:
        BadInput: `answer` is not among the options.
    """
    return Quiz(question, options, answer)


# --- the look -------------------------------------------------------------------------------------

_CSS = f"""<style>
.labs-card {{ font-family: {FONT}; max-width: 860px; box-sizing: border-box;
  padding: 10px 16px; margin: 4px 0;
  border: 1px solid var(--jp-border-color1, #D5DADF); border-left: 4px solid #0072B2;
  border-radius: 6px; }}
.labs-card p {{ margin: 4px 0; font-size: 14px; line-height: 1.5; white-space: normal; }}
.labs-card .labs-kind {{ font-size: 12px; font-weight: 600; letter-spacing: .04em;
  color: var(--jp-ui-font-color2, #56616B); }}
.labs-card .labs-option {{ width: auto; max-width: 100%; height: auto; min-height: 32px;
  padding: 6px 14px; text-align: left; line-height: 1.4; white-space: normal; }}
.labs-card .labs-option.labs-right {{ outline: 2px solid #009E73; }}
.labs-card .labs-option.labs-wrong {{ outline: 2px dashed #D55E00; }}
.labs-reconcile.labs-right {{ border-left: 6px solid #009E73; }}
.labs-reconcile.labs-wrong {{ border-left: 6px double #D55E00; }}
.labs-card .widget-radio-box label {{ white-space: normal; height: auto; line-height: 1.5; }}
</style>"""


def _card(kind: str, question: str, children: Sequence[w.Widget]) -> w.VBox:
    head = f'{_CSS}<p class="labs-kind">{kind}</p><p>{_inline(question)}</p>'
    card = w.VBox([w.HTML(head), *children])
    card.add_class("labs-card")
    card.add_class(f"t-{kind.lower()}")
    return card


def _button(label: str, style: str = "") -> w.Button:
    return w.Button(description=label, button_style=style, layout=w.Layout(width="auto"))


def _option(text: str) -> w.Button:
    button = w.Button(description=_plain(text), icon="circle-o")
    button.layout = w.Layout(width="auto", height="auto")
    button.add_class("labs-option")
    return button


def _html(value: str, hook: str) -> w.HTML:
    html = w.HTML(value)
    html.add_class(hook)
    return html


def _line(markup: str) -> str:
    return f'<p role="status" aria-live="polite">{markup}</p>'


def _bundle(widget: w.Widget, kind: str, question: str, options: Sequence[str]) -> dict[str, Any]:
    """The live widget, and for a page without a kernel the question with its options."""
    items = "".join(f"<li>{_inline(option)}</li>" for option in options)
    plain = "".join(f"\n  - {option}" for option in options)
    return {
        **(widget._repr_mimebundle_() or {}),
        "text/html": f"<p><b>{kind}:</b> {_inline(question)}</p><ul>{items}</ul>",
        "text/plain": f"{kind}: {question}{plain}",
    }


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _plain(text: str) -> str:
    return text.replace("`", "")  # a button can't show code


def _one_of(options: Sequence[str] | Mapping[str, str]) -> str:
    return "one of " + ", ".join(repr(option) for option in options)
