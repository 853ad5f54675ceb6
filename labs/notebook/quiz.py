"""A quiz: a question with one right answer, and a reason for each wrong one.

A test can answer it, too. On a page without a kernel it is plain HTML, the answer folded away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ipywidgets as w

from labs.base.errors import BadInput
from labs.base.words import Words
from labs.chapters import words_of
from labs.learner.keeping import kept
from labs.learner.notes import answered
from labs.notebook.card import bundle, card, feedback, inline, one_of, plain
from labs.notebook.parts import button, html

words = Words(__file__)


class Quiz:
    """A question with one right answer, and a reason for each wrong one.

    `attempts` are the ids of the options chosen, in order; one may try until it is right.

    Args:
        question: in plain words; `backquotes` make code.
        options: the sentence of each option, by its id.
        why: the feedback to each; wrong options are plausible misconceptions.
        answer: the id of the right one.
        name: under which an answer is noted (`chapter.what`); without one, none is.
    """

    def __init__(
        self,
        question: str,
        options: Mapping[str, str],
        why: Mapping[str, str],
        answer: str,
        name: str = "",
    ) -> None:
        if answer not in options:
            raise BadInput(words("quiz.no_answer", answer=answer), hint=one_of(options))
        self.question, self.options, self.why, self.answer = question, options, why, answer
        self.name, self.attempts = name, list[str]()
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
            raise BadInput(words("no_option", answer=option), hint=one_of(self.options))
        self.attempts.append(option)
        right = option == self.answer
        self._buttons[option].icon = "check" if right else "times"
        self._buttons[option].add_class("labs-right" if right else "labs-wrong")
        verdict = words(f"quiz.{'right' if right else 'wrong'}")
        noted = kept(partial(answered, self.name, option, right)) if self.name else ""
        told = f"{self.why[option]} {noted}".rstrip()
        self._feedback.value = feedback(f"<b>{verdict}</b> {inline(told)}")
        return self.why[option]

    def _build(self) -> None:
        self._buttons = {
            option: _option(says, f"t-option-{number}", partial(self.choose, option))
            for number, (option, says) in enumerate(self.options.items())
        }
        self._feedback = html("t-feedback")
        parts = [*self._buttons.values(), self._feedback]
        self.widget = card("t-quiz", words("quiz.kind"), self.question, parts)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        shown = bundle(self.widget, words("quiz.kind"), self.question, list(self.options.values()))
        right = f"<b>{words('quiz.the_right_one')}</b> "
        reasons = "".join(
            f"<li>{right * (option == self.answer)}<i>{inline(says)}</i> –"
            f" {inline(self.why[option])}</li>"
            for option, says in self.options.items()
        )
        shown["text/html"] += (
            f"<details><summary>{words('quiz.answer')}</summary><ul>{reasons}</ul></details>"
        )
        return shown


def quiz(name: str, options: Mapping[str, str] | None = None, *, answer: str) -> Quiz:
    """Ask a question.

    Args:
        name: `chapter.what`: its sentences stand in the chapter's table. With `options` it is the
            question itself, in plain words.
        options: each answer with its feedback, in the notebook's own words.
        answer: the right one: its id, or its own words.

    Raises:
        BadInput: `answer` is not among the options, or there is no such chapter.
    """
    if options is not None:
        return Quiz(name, {said: said for said in options}, options, answer)
    say, what = words_of(name)
    offered, why = say.under(f"{what}.options"), say.under(f"{what}.why")
    return Quiz(say(f"{what}.quiz"), offered, why, answer, name)


def _option(text: str, hook: str, pressed: Callable[[], object]) -> w.Button:
    made = button(plain(text), hook, pressed, icon="circle-o")
    made.layout = w.Layout(width="auto", height="auto")
    made.add_class("labs-option")
    return made
