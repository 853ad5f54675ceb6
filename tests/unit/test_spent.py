"""How long the tests of a chapter took: whose a test is, its name says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spent import NONE, by_chapter, chapter_of


@pytest.mark.parametrize(
    ("node", "chapter"),
    [
        ("notebooks/11_connect.ipynb::Cell 3", "11"),
        ("tests/exercises/test_exercises.py::test_it_is_judged_rightly[05.1-Starter.java]", "05"),
        ("tests/exercises/test_exercises.py::test_a_chapter_has_three_of_them[03]", "03"),
        ("tests/integration/test_claims_12.py::test_it", "12"),
        ("tests/experiments/test_systems_load.py::test_it[10 records]", "10"),
        ("tests/browser/test_panels.py::test_panels_predict_run_tell_and_stop[02_producers]", "02"),
        ("tests/experiments/test_machinery.py::test_it", NONE),
        ("tests/faults/test_taken.py::test_it[100]", NONE),
    ],
)
def test_whose_a_test_is(node: str, chapter: str) -> None:
    assert chapter_of(node) == chapter


def test_parts_are_added_up(tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_text('{"03": 1.25, "none": 4}\n{"02": 0.5, "03": 1}\n', "utf-8")
    assert by_chapter(note) == "02: 0.5, 03: 2.2, none: 4.0"
