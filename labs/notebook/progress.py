"""How far a learner is, chapter by chapter: the figures, and a picture of them.

>>> progress()      # the last line of a cell shows the picture
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.chapters import all_experiments, numbers
from labs.charts import picture_of, show
from labs.experiment.settings import by_todays_ids
from labs.experiment.views import Bars
from labs.learner.notes import Note, notes
from labs.learner.tally import Tally, by_chapter

words = Words(__file__)


def tallies() -> dict[str, Tally]:
    """What the learner's notes come to, by chapter, in the order in which these are studied.

    Raises:
        LabsError: the notes can't be read.
    """
    number_of = numbers()
    name_of = {number: chapter for chapter, number in number_of.items()}

    def chapter_of(name: str) -> str:
        first = name.partition(".")[0]
        return name_of.get(first, first)  # an exercise is called by its chapter's number

    found = by_chapter(_by_todays_names(notes()), chapter_of)
    return dict(sorted(found.items(), key=lambda one: (number_of.get(one[0], "99"), one[0])))


def _by_todays_names(noted: Iterable[Note]) -> Iterator[Note]:
    """The notes; an experiment may have had another name by then, a setting's value another id."""
    known = {name: one for one in all_experiments() for name in (one.name, *one.formerly)}
    for note in noted:
        if one := known.get(note.name):
            settings = by_todays_ids(one.settings, note.told.get("settings") or {})
            note = replace(note, name=one.name, told={**note.told, "settings": settings})
        yield note


def picture(found: Mapping[str, Tally]) -> Bars:
    """The figures of each chapter as bars."""
    number_of = numbers()
    counts = {
        "came_true": [len(one.predictions) - len(one.contradicted) for one in found.values()],
        "contradicted": [len(one.contradicted) for one in found.values()],
        "right": [len(one.right) for one in found.values()],
        "passed": [len(one.passed) for one in found.values()],
    }
    labels = [f"{number_of.get(chapter, '')} {chapter}".strip() for chapter in found]
    made = sum(len(one.predictions) for one in found.values())
    title = words("progress.title", made=made, contradicted=sum(counts["contradicted"]))
    return Bars(title, labels, counts, "count", names=words.under("progress.series"))


class Progress:
    """The picture, or a sentence where there is nothing to draw."""

    def __init__(self) -> None:
        self.view: Bars | None = None
        self.said = words("progress.nothing")
        try:
            if found := tallies():
                self.view = picture(found)
                self.said = self.view.title
        except LabsError as error:
            self.said = str(error)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        drawn, metadata = show(picture_of(self.view))._repr_mimebundle_() if self.view else ({}, {})
        return {**drawn, "text/plain": self.said}, metadata


def progress() -> Progress:
    """How far you are, chapter by chapter; without notes, a sentence says so."""
    return Progress()
