"""The exercises in the notebooks: one on each chapter's path, and all of them at its end."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import NoReturn

import pytest

from labs.base.errors import BadInput
from labs.base.variables import UNATTENDED
from labs.chapters import all_exercises, find_exercise, numbers
from labs.exercise import work
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.verdict import CANT_TELL, NOT_YET, PASS, Verdict
from labs.learner.notes import judged
from labs.notebook.check import VERDICT, check, task
from labs.notebook.exercises import exercises
from tests.course import WRITES, Text, chapters
from tests.minutes import EXERCISE
from tests.said import like, said

each_chapter = pytest.mark.parametrize("text", chapters(), ids=lambda text: text.chapter)


@pytest.fixture(autouse=True)
def _work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "work"))


@each_chapter
def test_one_exercise_of_the_chapter_stands_on_its_path(text: Text) -> None:
    number, _, name = text.chapter.partition("_")
    code = "\n".join(cell.source for cell in text.code)
    on_path = EXERCISE.findall(code)
    if any(one.chapter == number for one in all_exercises()):
        assert len(on_path) == 1
        assert f'exercises("{name}")' in code
    assert all(find_exercise(id).chapter == number for id in on_path)


#: What a cell imports from labs.
IMPORTED = re.compile(r"^from labs import (.+)$", re.MULTILINE)


@each_chapter
def test_the_cell_that_lists_them_imports_what_their_cells_need(text: Text) -> None:
    """Without `task`, `%%writefile {task("01.2").program}` makes a file of that very name.

    A learner who comes back begins at this cell, in a new kernel.
    """
    number, _, name = text.chapter.partition("_")
    if own := [one for one in all_exercises() if one.chapter == number]:
        listed = next(cell.source for cell in text.code if f'exercises("{name}")' in cell.source)
        needed = {"exercises", "check", *(["task"] if any(o.kind == PROGRAM for o in own) else [])}
        assert needed <= set(IMPORTED.search(listed)[1].split(", "))  # type: ignore[index]


@each_chapter
def test_a_program_is_told_begun_and_judged_in_this_order(text: Text) -> None:
    code = [cell.source for cell in text.code]
    for id in EXERCISE.findall("\n".join(code)):
        if find_exercise(id).kind == PROGRAM:
            begun = next(n for n, source in enumerate(code) if WRITES.match(source))
            assert code[begun - 1] == f'task("{id}")'
            assert code[begun + 1] == f'check("{id}")'
            first, _, program = code[begun].partition("\n")
            assert WRITES.fullmatch(first)[1] == id  # type: ignore[index]
            assert work.same(_written(program), find_exercise(id).starter("python"))


def _written(program: str) -> Path:
    file = work.program_of(find_exercise("05.1"))
    file.write_text(program, "utf-8")
    return file


@each_chapter
def test_the_prose_names_no_title_of_an_exercise(text: Text) -> None:
    """Titles stand with the exercises: what is written twice is not changed twice."""
    prose = [cell.source for cell in text.book().cells if cell.cell_type == "markdown"]
    assert not any(one.title in source for one in all_exercises() for source in prose)


@pytest.mark.parametrize("chapter", sorted(numbers()))
def test_all_exercises_of_a_chapter_are_listed(chapter: str) -> None:
    shown = exercises(chapter)
    own = [one for one in all_exercises() if one.chapter == numbers()[chapter]]
    html, text = shown._repr_html_(), repr(shown)
    assert html.count("<details>") == len(own)
    for one in own:
        assert one.id in html and one.id in text and one.title in text
        assert (f"%%writefile {{task(&quot;{one.id}&quot;).program}}" in html) == (
            one.kind == PROGRAM
        )
    assert own or said("notebook", "exercises.none") in html


def test_the_list_says_how_far_the_learner_is() -> None:
    def listed() -> str:
        return next(line for line in repr(exercises("consumers")).splitlines() if "05.1" in line)

    takes = said("notebook", "exercises.minutes", count=find_exercise("05.1").minutes)
    assert listed().endswith(f"{takes})")
    judged("05.1", "not yet")
    judged("05.1", "not yet")
    assert listed().endswith(f"{said('notebook', 'exercises.tried', count=2)})")
    judged("05.1", "pass")
    assert listed().endswith(f"{said('notebook', 'exercises.passed')})")


def test_there_must_be_such_a_chapter() -> None:
    with pytest.raises(BadInput, match=like("chapters", "no_chapter.what")):
        exercises("acts")


# -- cells that nobody has touched: nothing is judged, and no cluster is asked ---------------------


def test_a_starter_is_not_judged() -> None:
    exercise = find_exercise("05.1")
    program = Path(task("05.1").program)
    program.write_text(exercise.starter("python").read_text("utf-8"), "utf-8")
    assert re.search(like("notebook", "check.untouched"), repr(check("05.1")))


@pytest.mark.parametrize("id", [one.id for one in all_exercises()])
def test_without_a_learner_nothing_is_judged(id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UNATTENDED, "1")
    shown = check(id, "")._repr_mimebundle_()
    asks = find_exercise(id).kind != PROGRAM
    begin = said("notebook", f"check.begin.{'asked' if asks else 'program'}")
    assert begin in shown["text/plain"]
    first = re.split(r"[`\n]", find_exercise(id).task)[0]
    assert (escape(first) in shown["text/html"]) == asks, "a static page says what is asked"


def test_no_answer_between_the_quotes_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"TOPIC": "flights", "PARTITION": "1", "OFFSET": "812"}
    monkeypatch.setattr("labs.notebook.check.prepare", lambda *_: asked)
    shown = repr(check("01.3", "", cluster=object()))  # type: ignore[arg-type]
    assert "OFFSET = 812" in shown


@pytest.mark.parametrize("ended", [NOT_YET, CANT_TELL, PASS])
def test_what_was_asked_stays_in_sight_until_it_has_passed(
    ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = Verdict("01.3", ended, "elsewhere", "why", (), "", tries=1, duration_s=1.0, seed=1)
    monkeypatch.setattr("labs.notebook.check.judge", lambda *_, **__: verdict)
    work.note_asked(find_exercise("01.3"), {"TOPIC": "flights", "OFFSET": "812"})
    shown = check("01.3", "UA1", cluster=object())._repr_mimebundle_()  # type: ignore[arg-type]
    assert ("812" in shown["text/html"]) == (ended != PASS)


# -- cells that run together with others -----------------------------------------------------------


#: What a cell says that must be run alone.
ALONE = [said("notebook", f"check.alone.{what}") for what in ("judge", "answer", "ask")]


@pytest.fixture
def run_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labs.notebook.check.together", lambda: True)


def never(*_: object, **__: object) -> NoReturn:
    raise AssertionError("a cluster is asked for nothing")


@pytest.mark.parametrize("answer", ["", "UA1"])
@pytest.mark.parametrize("id", [one.id for one in all_exercises()])
def test_run_all_judges_and_asks_nothing(
    id: str, answer: str, run_all: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("connect", "prepare", "judge"):
        monkeypatch.setattr(f"labs.notebook.check.{name}", never)
    exercise = find_exercise(id)
    if exercise.kind == PROGRAM:
        Path(task(id).program).write_text("print('mine')")
    for asked in ({}, {"OFFSET": "812"}):
        if asked:
            work.note_asked(exercise, asked)
        shown = check(id, answer)._repr_mimebundle_()
        assert any(told in shown["text/plain"] for told in ALONE)
        assert VERDICT not in shown
        if exercise.kind != PROGRAM:
            first = re.split(r"[`\n]", exercise.task)[0]
            assert escape(first) in shown["text/html"]
            assert ("812" in shown["text/html"]) == bool(asked)


def test_run_all_says_how_the_last_try_ended(run_all: None) -> None:
    Path(task("05.1").program).write_text("print('mine')")
    not_yet, passed = (said("notebook", f"check.last.{how}") for how in ("not_yet", "passed"))
    shown = repr(check("05.1"))
    assert not_yet not in shown and passed not in shown
    judged("05.1", "not yet")
    judged("05.2", "pass")
    assert not_yet in repr(check("05.1"))
    judged("05.1", "pass")
    assert passed in repr(check("05.1"))


# -- what breaks brokers ---------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda one: one.id)
def test_what_breaks_brokers_says_so(exercise: Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where they can't be broken, it says that, and does nothing."""
    shown = [task(exercise.id)._repr_html_()]
    monkeypatch.setenv(UNATTENDED, "1")
    shown.append(check(exercise.id)._repr_mimebundle_()["text/html"])
    breaks = said("notebook", "exercises.breaks")
    assert all((breaks in html) == exercise.breaks for html in shown)
    if exercise.breaks:
        monkeypatch.delenv(UNATTENDED)
        monkeypatch.setenv("LABS_BOOTSTRAP", "nowhere.example:9092")
        refused = exercise.says("why", "cant_break")
        assert refused in repr(check(exercise.id, "UA1"))
        assert escape(refused) in task(exercise.id)._repr_html_()


@pytest.mark.parametrize("id", [one.id for one in all_exercises() if one.kind != PROGRAM])
def test_a_task_says_how_it_is_prepared_and_then_what_it_is_about(id: str) -> None:
    assert f'check("{id}")' in task(id)._repr_html_().replace("&quot;", '"')
    work.note_asked(find_exercise(id), {"TOPIC": "a-topic-of-mine"})
    assert "a-topic-of-mine" in task(id)._repr_html_()
