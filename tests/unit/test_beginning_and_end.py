"""Each chapter begins with three questions from earlier ones, and ends with what was predicted."""

from __future__ import annotations

import re

import pytest

from labs.notebook.quiz import quiz
from tests.course import Text, chapters

FIRST, *LATER = chapters()
QUIZ = re.compile(r'\bquiz\("([\w.]+)", answer="(\w+)"\)')
ASKS = re.compile(r'\b(quiz|predict|panel)\("')

each_later = pytest.mark.parametrize("text", LATER, ids=lambda text: text.chapter)


def name_of(text: Text) -> str:
    return text.chapter.partition("_")[2]


@each_later
def test_it_begins_with_three_questions_from_earlier_chapters(text: Text) -> None:
    recall = text.code[1].source
    asked = QUIZ.findall(recall)
    assert len(asked) == 3
    for name, answer in asked:
        assert name.startswith(f"{name_of(text)}.recall_")
        made = quiz(name, answer=answer)
        assert len(made.options) >= 3
        assert made.options.keys() == made.why.keys()
        assert all([made.question, *made.options.values(), *made.why.values()])
    earlier = re.search(r"# three questions from chapters? (\d+)(?: (?:to|and) (\d+))?:", recall)
    assert earlier is not None
    cold = "for readers of chapters 0 and 1*" in text.path.read_text("utf-8")
    assert int(earlier[2] or earlier[1]) == (1 if cold else int(text.chapter[:2]) - 1)


@each_later
def test_it_ends_with_what_was_predicted(text: Text) -> None:
    sources = [cell.source for cell in text.code]
    (place,) = (n for n, source in enumerate(sources) if f'recap("{name_of(text)}")' in source)
    assert not any(ASKS.search(source) for source in sources[place:])


def test_the_first_chapter_shows_how_far_one_is() -> None:
    assert any("progress()" in cell.source for cell in FIRST.code)
