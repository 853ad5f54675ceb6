"""A chapter takes as long as it states, by the reckoning of `tests/minutes.py`, and 45 at most."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from labs.notebook.finding import RESULT_MIME
from tests.course import Text, chapters
from tests.minutes import ANSWER_S, LOOK_S, RUN_S, SECTION, reckoned, stated, words_in
from tests.minutes import OPTIONAL as OPTIONAL_HEAD

LONGEST = 45
#: What a reader who reads more quickly, or skips a question, may save of what is stated, minutes.
LESS = 10

each_chapter = pytest.mark.parametrize("text", chapters(), ids=lambda text: text.chapter)


@each_chapter
def test_it_takes_no_longer_than_it_states(text: Text) -> None:
    least, most = stated(text)
    found = reckoned(text)
    assert most <= LONGEST
    assert round(found.minutes) <= most, found
    if found.exercise:  # else its main path is not whole yet
        assert round(found.minutes) >= least - LESS, found


def test_the_first_record_comes_within_three_minutes() -> None:
    (overview,) = (text for text in chapters() if text.chapter.startswith("01"))
    found = reckoned(overview, until=".send(")
    assert found.cells and found.minutes <= 3, found


@pytest.mark.parametrize(
    ("prose", "count"),
    [
        ("Two words", 2),
        ("**Bold**, `code` and [a link](https://example.org/many-words-here).", 5),
        ("Seen\n\n<details><summary>Folded</summary>\n\nnot counted\n\n</details>\n\nseen", 2),
        ("```sh\nlabs up\n```\nthree words follow", 3),
        ("| a | table |\n|---|---|\n| 1 | 2 |", 4),
        ("한국어 (Korean) is read, too", 5),
        ("", 0),
    ],
)
def test_words_are_those_that_one_reads(prose: str, count: int) -> None:
    assert words_in(prose) == count


TEXT = """---
title: Small
minutes: 5
does: count
---

# Small

{words}

```{{code-cell}}
panel("small.one")
```

```{{code-cell}}
panel("small.two")
```

```{{code-cell}}
quiz("small.three", answer="x")
```
"""


def test_panels_count_as_long_as_they_ran_and_questions_as_stated(tmp_path: Path) -> None:
    path = tmp_path / "course" / "99_small" / "en.md"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT.format(words="word " * 299), "utf-8")
    text = Text(path)
    assert reckoned(text).reading == 2
    assert reckoned(text).panels * 60 == 2 * (RUN_S + LOOK_S)
    assert reckoned(text).questions * 60 == ANSWER_S
    assert reckoned(text).cells == 0
    shown = {RESULT_MIME: {"duration_s": 90.0}}
    run = nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output("display_data", shown)])
    text.saved.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[run]), text.saved)
    assert reckoned(text).panels * 60 == pytest.approx(90 + RUN_S + 2 * LOOK_S)
    assert stated(text) == (5, 5)


OPTIONAL = """
## 8 · More of it · optional, 8 minutes

many words

```{code-cell}
panel("small.four")
```

## 9 · The end
"""


def test_an_optional_section_states_its_own_minutes(tmp_path: Path) -> None:
    """It ends where the next one begins."""
    path = tmp_path / "course" / "99_small" / "en.md"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT.format(words="word " * 299) + OPTIONAL, "utf-8")
    found = reckoned(Text(path))
    assert found.words == 303, "and the next heading: 9, The, end"
    assert found.panels * 60 == 2 * (RUN_S + LOOK_S)


def test_an_optional_section_begins_a_cell() -> None:
    sources = [cell.source for text in chapters() for cell in text.book().cells]
    for source in filter(OPTIONAL_HEAD.search, sources):
        assert OPTIONAL_HEAD.match(source) and len(SECTION.findall(source)) == 1, source
