"""A chapter's exercises, each folded, with how far the learner is: a cell near its end.

>>> exercises("producers")

They are those that are there: a new exercise is listed without a change of the chapter's text.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.chapters import all_exercises, numbers, words_of
from labs.charts.style import LINE
from labs.exercise.exercise import LANGUAGES, PROGRAM, Exercise
from labs.learner.tally import Tally
from labs.notebook.card import CSS, inline
from labs.notebook.check import contract_of, task_of
from labs.notebook.progress import tallies

words = Words(__file__)

#: A starter to copy stands in a box.
STARTER = f"""<style>
.labs-card.t-exercises details pre {{ margin: 6px 0; padding: 8px 12px;
  border-radius: 4px; overflow-x: auto; white-space: pre; word-break: normal;
  font-size: 12px; border: 1px solid var(--jp-border-color2, {LINE});
  background: var(--jp-layout-color2, #f5f5f5); }}
</style>"""


def exercises(chapter: str) -> Exercises:
    """The exercises of a chapter, to be shown by the last line of a cell.

    Args:
        chapter: such as `acks`.

    Raises:
        BadInput: there is no such chapter.
    """
    words_of(f"{chapter}.")
    own = [one for one in all_exercises() if one.chapter == numbers()[chapter]]
    try:
        verdicts = tallies().get(chapter, Tally()).verdicts
    except LabsError:  # the notes can't be read: recap says so
        verdicts = {}
    return Exercises({one: _about(one, verdicts.get(one.id, [])) for one in own})


class Exercises:
    """Some exercises, and what stands beside the title of each."""

    def __init__(self, about: Mapping[Exercise, str]) -> None:
        self.about = about

    def _repr_html_(self) -> str:
        if not self.about:
            return f'{CSS}<div class="labs-card"><p>{escape(words("exercises.none"))}</p></div>'
        kind = f'<p class="labs-kind">{escape(words("exercises.kind"))}</p>'
        folded = "".join(_folded(exercise, about) for exercise, about in self.about.items())
        return f'{CSS}{STARTER}<div class="labs-card t-exercises">{kind}{folded}</div>'

    def __repr__(self) -> str:
        lines = [f"{one.id}  {one.title} ({about})" for one, about in self.about.items()]
        return "\n".join(lines) or words("exercises.none")


def _about(exercise: Exercise, verdicts: list[str]) -> str:
    said = [
        words(f"exercises.is.{exercise.kind}"),
        words("exercises.minutes", count=exercise.minutes),
    ]
    if exercise.breaks:
        said.append(words("exercises.breaks"))
    if "pass" in verdicts:
        said.append(words("exercises.passed"))
    elif verdicts:
        said.append(words("exercises.tried", count=len(verdicts)))
    return ", ".join(said)


def _folded(exercise: Exercise, about: str) -> str:
    begin = inline(words(f"exercises.begin.{exercise.kind}", id=exercise.id))
    return (
        f"<details><summary><b>{exercise.id} · {escape(exercise.title)}</b> · {escape(about)}"
        f"</summary>{task_of(exercise)}{contract_of(exercise)}<p>{begin}</p>"
        f"{_starter(exercise) if exercise.kind == PROGRAM else ''}</details>"
    )


def _starter(exercise: Exercise) -> str:
    """The cell to copy; and which other languages there are."""
    text = exercise.starter("python").read_text("utf-8").rstrip()
    cell = f'%%writefile {{task("{exercise.id}").program}}\n{text}'
    others = [name for name in LANGUAGES if name != "python" and exercise.file("starter", name)]
    more = [words("exercises.other", id=exercise.id, language=name) for name in others]
    return f"<pre>{escape(cell)}</pre>" + "".join(f"<p>{inline(one)}</p>" for one in more)
