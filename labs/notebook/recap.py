"""How a chapter's predictions compare with what was measured: a cell at each chapter's end.

>>> recap("acks")      # "You predicted 7 results. The cluster contradicted 3: …"
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.chapters import words_of
from labs.learner.notes import Note
from labs.learner.tally import Tally
from labs.notebook.called import called
from labs.notebook.card import CSS, inline
from labs.notebook.prediction import Number, spoken
from labs.notebook.progress import tallies
from labs.notebook.runs import differing

words = Words(__file__)


class Recap:
    """What is said in `headline`, and of each prediction that did not come true one of `items`."""

    def __init__(self, headline: str, items: Sequence[str] = (), quizzes: str = "") -> None:
        self.headline, self.items, self.quizzes = headline, items, quizzes

    def __str__(self) -> str:
        return "\n".join([self.headline, *(f"  - {item}" for item in self.items), self.quizzes])

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        items = "".join(f"<li>{inline(item)}</li>" for item in self.items)
        more = f"<ul>{items}</ul><p>{escape(self.quizzes)}</p>"
        html = (
            f'{CSS}<div class="labs-card t-recap"><p><b>{escape(self.headline)}</b></p>{more}</div>'
        )
        return {"text/html": html, "text/plain": str(self).rstrip()}


def recap(chapter: str) -> Recap:
    """What the learner has predicted in a chapter, and where the cluster contradicted it.

    Only the first prediction counts for a question with the same settings. Where notes can't be
    read, it says so, and a notebook runs on.

    Args:
        chapter: such as `acks`.

    Raises:
        BadInput: there is no such chapter.
    """
    words_of(f"{chapter}.")
    try:
        tally = tallies().get(chapter, Tally())
    except LabsError as error:
        return Recap(str(error))
    quizzes = ""
    if tally.quizzes:
        quizzes = words("recap.quizzes", count=len(tally.quizzes), right=len(tally.right))
    if not tally.predictions:
        return Recap(words("recap.nothing"), quizzes=quizzes)
    made = words("recap.made", count=len(tally.predictions))
    wrong = tally.contradicted
    found = words("recap.contradicted", count=len(wrong)) if wrong else words("recap.confirmed")
    return Recap(f"{made} {found}", [_item(note, wrong) for note in wrong], quizzes)


def _item(note: Note, wrong: Sequence[Note]) -> str:
    """One question, what was predicted, what was measured; its settings, if it was asked twice."""
    same = [dict(one.told.get("settings") or {}) for one in wrong if one.name == note.name]
    settings = dict(note.told.get("settings") or {})
    where = called(note.name).settings({key: settings.get(key) for key in differing(same)})
    return words(
        "recap.item",
        question=_question(note.name),
        where=f" ({where})" if where else "",
        predicted=_said(note, "predicted"),
        measured=_said(note, "measured"),
    )


def _question(name: str) -> str:
    say, what = words_of(name)
    try:
        return say(f"{what}.predict")
    except KeyError:  # the chapter asks it no more
        return name


def _said(note: Note, which: str) -> str:
    value = note.told.get(which)
    if isinstance(value, int | float):
        return Number(str(note.told.get("unit", ""))).words(value).strip()
    return spoken(note.name, str(value))
