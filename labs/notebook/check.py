"""Exercises in a notebook: the task, the file that the learner writes, and the verdict.

>>> task("05.1")                               # shows the task
>>> task("05.1").program                       # the file for a %%writefile cell
>>> check("05.1")                              # judges it
>>> check("01.3", "")                          # asks; with an answer between the quotes, judges it

*Run All* judges nothing, and asks nothing: each cell then says what is to be done, what was asked
last, and how the last try ended. A notebook that runs without a learner (`LABS_UNATTENDED=1`) does
neither. Judging takes up to 40 s and may break brokers, a new question takes the place of the last
one, and each try makes the next hint more specific: it is for who wants it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from IPython.display import HTML, display

from labs.base import variables
from labs.base.errors import BadInput, LabsError
from labs.base.words import Words
from labs.chapters import find_exercise
from labs.exercise import work
from labs.exercise.command import words_of
from labs.exercise.exercise import ANSWER, LANGUAGES, PROGRAM, STATE, Exercise
from labs.exercise.judge import judge, prepare
from labs.exercise.verdict import CANT_TELL, NOT_YET, PASS, Verdict
from labs.kafka.choose import chosen, connect
from labs.kafka.cluster import Cluster
from labs.learner.notes import JUDGED, notes
from labs.notebook.card import CSS, inline
from labs.notebook.together import together

#: What a verdict's card says first, and how its edge looks (see `labs.notebook.card`).
_LOOKS = {PASS: "labs-right", NOT_YET: "labs-wrong"}
#: Under which ids a verdict is said.
_SAID = {PASS: "passed", NOT_YET: "not_yet", CANT_TELL: "cant_tell"}

words = Words(__file__)

#: A saved notebook carries a verdict under this type, beside what a reader sees.
VERDICT = "application/vnd.labs.verdict+json"


def task(id: str) -> Task:
    """An exercise, to be shown by the last line of a cell.

    Raises:
        BadInput: there is no such exercise.
    """
    return Task(find_exercise(id))


class Task:
    """What is to be done, with the variables that a program is told."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise

    @property
    def program(self) -> str:
        """The path for `%%writefile`: the learner's program in Python.

        What stands there by now is kept beside it, so that a cell which runs again loses nothing.
        """
        file = work.program_of(self.exercise)
        if kept := work.keep(file):
            print(words("check.kept", file=file.name, kept=kept.name))
        return str(file)

    def _repr_html_(self) -> str:
        exercise = self.exercise
        told = contract_of(exercise) or _prepared(exercise)
        return card(exercise, f"{task_of(exercise)}{told}{_said(_not_here(exercise))}")

    def __repr__(self) -> str:
        exercise = self.exercise
        return f"{exercise.id}  {exercise.title}\n\n{exercise.task}"


def check(
    id: str,
    answer: object = None,
    *,
    program: str | None = None,
    cluster: Cluster | None = None,
    seed: int | None = None,
) -> Checked:
    """Have the cluster judge an exercise, and show what is being done meanwhile.

    Args:
        id: such as `05.1`.
        answer: what you have found out, where that is asked. Without it (None, or nothing between
            the quotes) the question is asked.
        program: a file or a command; None: the file in `work/`.
        cluster: where; None connects to the learner's own.
        seed: repeats the sequence of faults of an earlier try.

    Raises:
        BadInput: there is no such exercise, or no such program.
    """
    exercise = find_exercise(id)
    if not_here := _not_here(exercise, cluster):
        return Checked(exercise, said=not_here)
    if variables.number(variables.UNATTENDED, 0, 0, 1):
        return Checked(exercise, said=_begin(exercise))
    if exercise.kind == PROGRAM and program is None and (untouched := _untouched(exercise)):
        return Checked(exercise, said=untouched)
    asks = _asks(exercise, answer)
    if together():
        return Checked(exercise, asked=_asked(exercise), said=_alone(exercise, asks))
    where = connect() if cluster is None else cluster
    if asks:
        with _Progress() as tell:
            told = prepare(exercise, where, tell)
        return Checked(exercise, asked=told)
    with _Progress() as tell:
        verdict = judge(
            exercise,
            where,
            command=words_of(program) if program else (),
            answer="" if answer is None else str(answer),
            seed=seed,
            tell=tell,
        )
    return Checked(exercise, verdict, asked=_asked(exercise))


class Checked:
    """How a try ended, as a card; `verdict` None: nothing was judged, `said` may tell why.

    What was asked stands there until it has passed: the verdict takes the place of the question.
    """

    def __init__(
        self,
        exercise: Exercise,
        verdict: Verdict | None = None,
        *,
        asked: Mapping[str, str] | None = None,
        said: str = "",
    ) -> None:
        self.exercise, self.verdict, self.asked, self.said = exercise, verdict, asked, said

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        shown: dict[str, Any] = {"text/html": self._html(), "text/plain": repr(self)}
        if self.verdict:
            shown[VERDICT] = json.loads(json.dumps(self.verdict.as_dict()))
        return shown

    def _html(self) -> str:
        found = self.verdict
        if found is None:
            asks = "" if self.exercise.kind == PROGRAM else task_of(self.exercise)
            asked = _table(self.asked) if self.asked else ""
            return card(self.exercise, f"{asks}{asked}{_said(self.said)}")
        seen = "".join(f"<li>{inline(line)}</li>" for line in found.evidence)
        tip = f"<b>{words('check.hint')}</b> {inline(found.hint)}"
        verdict = escape(words(f"check.verdict.{_SAID[found.verdict]}"))
        tried = {"number": found.tries, "took_s": found.duration_s, "seed": found.seed}
        asked = _table(self.asked) if self.asked and found.verdict != PASS else ""
        return card(
            self.exercise,
            f'<p role="status"><b class="t-checked">{verdict}</b> {inline(found.why)}</p>'
            f"{f'<ul>{seen}</ul>' * bool(seen)}{f'<p>{tip}</p>' * bool(found.hint)}{asked}"
            f'<p class="labs-kind">{words("check.tried", **tried)}</p>',
            _LOOKS.get(found.verdict, ""),
        )

    def __repr__(self) -> str:
        exercise, found = self.exercise, self.verdict
        if found is None:
            asked = [f"  {name} = {value}" for name, value in (self.asked or {}).items()]
            said = [f"{exercise.id}: {self.said}"] if self.said else []
            return "\n".join([*([exercise.task] if asked else []), *asked, *said])
        seen = [f"  - {line}" for line in found.evidence]
        hint = [f"{words('check.hint')} {found.hint}"] if found.hint else []
        return "\n".join([f"{exercise.id}: {found.verdict}", found.why, *seen, *hint])


class _Progress:
    """A line below the cell, replaced by the next one, and gone at the end."""

    def __enter__(self) -> _Progress:
        self._shown = display(HTML(""), display_id=True)
        return self

    def __call__(self, text: str, _fraction: float | None = None) -> None:
        said = escape(f"{text[:1].upper()}{text[1:]} …")
        self._show(f'<p role="status" class="t-judging">{said}</p>')

    def __exit__(self, *_: object) -> None:
        self._show("")

    def _show(self, markup: str) -> None:
        if self._shown is not None:  # no notebook shows anything
            self._shown.update(HTML(markup))


def card(exercise: Exercise, markup: str, look: str = "") -> str:
    """An exercise's card."""
    about = words("check.exercise", id=exercise.id, minutes=exercise.minutes)
    if exercise.breaks:
        about = f"{about} · {words('exercises.breaks')}"
    return (
        f'{CSS}<div class="labs-card labs-reconcile {look} t-exercise">'
        f'<p class="labs-kind">{about}</p><p><b>{escape(exercise.title)}</b></p>{markup}</div>'
    )


def task_of(exercise: Exercise) -> str:
    """What is to be done, as HTML."""
    parts = exercise.task.split("\n\n")
    return "".join(_paragraph(part) for part in parts)


def _paragraph(text: str) -> str:
    lines = text.splitlines()
    if all(line.startswith(("- ", "  ")) for line in lines):
        items = " ".join(lines).removeprefix("- ").split(" - ")
        return "<ul>" + "".join(f"<li>{inline(item)}</li>" for item in items) + "</ul>"
    return f"<p>{inline(' '.join(lines))}</p>"


def contract_of(exercise: Exercise) -> str:
    """What a program is told by its environment, as HTML; nothing where there is no program."""
    return _table(exercise.variables) if exercise.kind == PROGRAM else ""


def _prepared(exercise: Exercise) -> str:
    """What was told when it was prepared, as HTML; else how one has it prepared."""
    if asked := _asked(exercise):
        return _table(asked)
    return f"<p>{inline(words(f'check.prepares.{exercise.kind}', id=exercise.id))}</p>"


#: JupyterLab sets what stands in a table to the right, as numbers are.
_LEFT = '<td style="text-align: left">'


def _table(told: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr>{_LEFT}<code>{escape(name)}</code></td>{_LEFT}{inline(value)}</td></tr>"
        for name, value in told.items()
    )
    return f"<table>{rows}</table>"


def _begin(exercise: Exercise) -> str:
    return words(f"check.begin.{'program' if exercise.kind == PROGRAM else 'asked'}")


def _untouched(exercise: Exercise) -> str:
    """Why a program need not be judged: it is not there, or is what everybody begins with."""
    try:
        file = work.written(exercise)
    except BadInput:
        return _begin(exercise)
    language = next(name for name, ending in LANGUAGES.items() if file.suffix == ending)
    starter = exercise.file("starter", language)
    if starter is None or not work.same(file, starter):
        return ""
    return words("check.untouched", name=file.name, id=exercise.id, file=file)


def _asks(exercise: Exercise, answer: object) -> bool:
    """Whether the question, or the state's name, is to be told, and nothing to be judged."""
    if exercise.kind == ANSWER:
        return answer in (None, "")
    return exercise.kind == STATE and not _asked(exercise)


def _asked(exercise: Exercise) -> dict[str, str]:
    """What was asked last; nothing, if nothing was."""
    try:
        return work.asked(exercise)
    except BadInput:
        return {}


def _not_here(exercise: Exercise, cluster: Cluster | None = None) -> str:
    """Why it can't be done on this cluster; nothing, if it can."""
    if not exercise.breaks or (chosen() if cluster is None else cluster).can_break:
        return ""
    return exercise.says("why", "cant_break")


def _alone(exercise: Exercise, asks: bool) -> str:
    """The last verdict, and that the cell must be run alone: to be asked, or to be judged."""
    what = "judge" if not asks else "answer" if _asked(exercise) else "ask"
    last = _last_verdict(exercise)
    said = [words(f"check.last.{_SAID[last]}")] if last else []
    return " ".join([*said, words(f"check.alone.{what}")])


def _last_verdict(exercise: Exercise) -> str:
    try:
        tries = [one for one in notes() if (one.kind, one.name) == (JUDGED, exercise.id)]
    except LabsError:  # the notes can't be read: recap says so
        return ""
    return str(tries[-1].told["verdict"]) if tries else ""


def _said(text: str) -> str:
    return f'<p role="status">{inline(text)}</p>' if text else ""
