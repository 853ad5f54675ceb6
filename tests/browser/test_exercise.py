"""An exercise as a learner does it: write the program in a cell, fail, read the hint, pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from labs.chapters import find_exercise
from labs.exercise import work
from tests.browser.conftest import RUN_ALL, Lab, notebook_of, shoot
from tests.course import Text, chapters
from tests.helpers import wait_until

pytestmark = pytest.mark.browser

#: It is judged within seconds, and luck has no part in it.
EXERCISE = "02.1"
#: Judging takes 40 s at most, and more on a busy machine.
JUDGED_MS = 120_000
#: From one key to the next a hand needs longer than this.
HAND_MS = 300


@pytest.fixture(autouse=True)
def _work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A learner who has done nothing yet."""
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "work"))


@pytest.mark.timeout(300)
def test_a_program_is_written_fails_and_passes(page: Page, lab: Lab) -> None:
    exercise = find_exercise(EXERCISE)
    starter = exercise.starter("python").read_text("utf-8")
    solution = exercise.file("solution", "python")
    assert solution
    with notebook_of(page, lab, "exercise", _cells()):
        write, check = (page.locator(".jp-Notebook .jp-CodeCell").nth(n) for n in (2, 3))
        card = check.locator(".t-exercise")
        expect(card).to_contain_text("still what everybody begins with")

        _write(page, write, f"{starter}# mine\n")
        page.keyboard.press("Shift+Enter")
        expect(card.locator(".t-checked")).to_have_text("Not yet.", timeout=JUDGED_MS)
        expect(card).to_contain_text("Hint:")
        card.scroll_into_view_if_needed()
        shoot(page, "exercise_not_yet")

        _write(page, write, solution.read_text("utf-8"))
        page.keyboard.press("Shift+Enter")
        expect(card.locator(".t-checked")).to_have_text("Pass.", timeout=JUDGED_MS)
        expect(card).not_to_contain_text("Hint:")
        card.scroll_into_view_if_needed()
        shoot(page, "exercise_passed")

        assert page.evaluate(RUN_ALL)
        expect(card).to_contain_text("Your last try passed.")
        expect(card).to_contain_text("Run this cell alone")
        shoot(page, "exercise_run_all")


def _cells() -> list[str]:
    """The chapter's first cell, and the three of the exercise."""
    first = f'task("{EXERCISE}")'
    code = next(found for found in map(_code, chapters()) if first in found)
    begin = code.index(first)
    return [code[0], *code[begin : begin + 3]]


def _code(text: Text) -> list[str]:
    return [cell.source for cell in text.code]


def _write(page: Page, cell: Locator, program: str) -> None:
    """Put the program into the cell that writes it, and run that; then the cell below is chosen."""
    first = f'%%writefile {{task("{EXERCISE}").program}}'
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text(f"{first}\n{program}")
    page.keyboard.press("Shift+Enter")
    file = work.program_of(find_exercise(EXERCISE))
    wait_until(lambda: file.read_text("utf-8").strip() == program.strip(), "the program is written")
    page.wait_for_timeout(HAND_MS)
