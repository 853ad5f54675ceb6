"""How long a chapter takes, reckoned: `python -m tests.minutes` prints a table.

A chapter's main path is its prose, read at 150 words a minute by somebody whose first language is
not English; its panels: as long as they run, and a minute to predict and to look at what was found;
its questions; its further cells, which one runs and looks at; and one exercise. What is folded
away, the further exercises, and a section whose heading says `optional, 8 minutes` state their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import nbformat

from labs.chapters import find_exercise
from labs.notebook.finding import RESULT_MIME
from tests import course
from tests.course import Text, chapters, code_of

WORDS_A_MINUTE = 150
#: How long a panel runs of which no run with its time is saved, s.
RUN_S = 20.0
#: To predict, and to look at what a panel has found, s.
LOOK_S = 60.0
#: To answer a question; to run any other cell, and to look at what it prints, s.
ANSWER_S = CELL_S = 20.0

FOLDED = re.compile(r"<details\b.*?</details>", re.DOTALL)
NO_WORDS = re.compile(r"```.*?```|\]\([^)]*\)|<[^>]+>", re.DOTALL)
WORD = re.compile(r"\w[\w'’.,/{}-]*")
PANEL = re.compile(r'\bpanel\("')
ASKS = re.compile(r'\b(?:panel|quiz|predict)\("')
QUESTION = re.compile(r'\b(?:quiz|predict)\("')
#: A section's heading, and that of one which is not on the main path.
SECTION = re.compile(r"^## ", re.MULTILINE)
OPTIONAL = re.compile(rf"^## .*({'|'.join(course.OPTIONAL.values())})$", re.MULTILINE)
#: The exercise on the main path. Its cells belong to its own minutes; the list of all is not read.
EXERCISE = re.compile(r'\bcheck\("([\d.]+)"')
ITS_CELLS = re.compile(r'\b(?:check|task|exercises)\("')


@dataclass(frozen=True)
class Reckoning:
    """What a chapter's main path is made of, and how long each part takes, minutes."""

    words: int
    panels: float
    questions: float
    cells: float
    exercise: float

    @property
    def reading(self) -> float:
        """Its prose."""
        return self.words / WORDS_A_MINUTE

    @property
    def minutes(self) -> float:
        """All of it."""
        parts = (self.reading, self.panels, self.questions, self.cells, self.exercise)
        return sum(parts)


def reckoned(text: Text, until: str = "") -> Reckoning:
    """How long a chapter takes; or how long until its first code cell that has `until`, with it."""
    cells = list(main_path(text.book().cells))
    if until:
        ends = (n for n, c in enumerate(cells, 1) if c.cell_type == "code" and until in c.source)
        cells = cells[: next(ends)]
    book = nbformat.v4.new_notebook(cells=cells)
    prose = (cell.source for cell in book.cells if cell.cell_type == "markdown")
    code = "\n".join(cell.source for cell in code_of(book))
    panels, questions = len(PANEL.findall(code)), len(QUESTION.findall(code))
    ran = _run_times(text)[:panels]
    panels_s = sum(ran) + RUN_S * (panels - len(ran)) + LOOK_S * panels
    asks = (ASKS.search(cell.source) or ITS_CELLS.search(cell.source) for cell in code_of(book))
    others = sum(not found for found in asks)
    exercise = [find_exercise(id).minutes for id in EXERCISE.findall(code)]
    return Reckoning(
        words=sum(map(words_in, prose)),
        panels=panels_s / 60,
        questions=questions * ANSWER_S / 60,
        cells=others * CELL_S / 60,
        exercise=sum(exercise),
    )


def main_path(cells: Iterable[Any]) -> Iterable[Any]:
    """A notebook's cells without its optional sections, each of which begins a cell."""
    optional = False
    for cell in cells:
        if cell.cell_type == "markdown" and SECTION.search(cell.source):
            optional = bool(OPTIONAL.search(cell.source))
        if not optional:
            yield cell


def words_in(prose: str) -> int:
    """The words of some Markdown that one reads on the main path."""
    return len(WORD.findall(NO_WORDS.sub(" ", FOLDED.sub(" ", prose))))


def stated(text: Text) -> tuple[int, int]:
    """The minutes that a chapter's front matter states, from and to."""
    said = [int(number) for number in re.findall(r"\d+", str(text.front["minutes"]))]
    return said[0], said[-1]


def _run_times(text: Text) -> list[float]:
    """How long the panels ran whose results the saved notebook has, s."""
    if not text.saved.exists():
        return []
    outputs = (
        output.get("data", {}).get(RESULT_MIME, {}).get("duration_s")
        for cell in main_path(nbformat.read(text.saved, as_version=4).cells)
        for output in cell.get("outputs", [])
    )
    return [float(seconds) for seconds in outputs if seconds is not None]


def main() -> None:
    """Print what each chapter takes, and what it states."""
    names = ("reading", "panels", "questions", "cells", "exercise", "minutes")
    print(f"{'chapter':20}{'words':>7}" + "".join(f"{name:>11}" for name in names) + "  stated")
    for text in chapters():
        found, said = reckoned(text), text.front["minutes"]
        parts = "".join(f"{getattr(found, name):11.1f}" for name in names)
        print(f"{text.chapter:20}{found.words:7}{parts}  {said}")


if __name__ == "__main__":
    main()
