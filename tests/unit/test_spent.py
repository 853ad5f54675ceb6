"""How long the tests of a chapter took: whose a test is, its name says."""

from __future__ import annotations

import pytest

from tests.spent import chapter_of


@pytest.mark.parametrize(
    ("node", "chapter"),
    [
        ("notebooks/11_connect.ipynb::Cell 3", "11"),
        ("tests/exercises/test_exercises.py::test_it_is_judged_rightly[05.1-Starter.java]", "05"),
        ("tests/exercises/test_exercises.py::test_a_chapter_has_three_of_them[03]", "03"),
        ("tests/integration/test_claims_12.py::test_it", "12"),
        ("tests/experiments/test_systems_load.py::test_it[10 records]", "10"),
        ("tests/browser/test_panels.py::test_panels_predict_run_tell_and_stop[02_producers]", "02"),
        ("tests/experiments/test_machinery.py::test_it", ""),
        ("tests/faults/test_taken.py::test_it[100]", ""),
    ],
)
def test_whose_a_test_is(node: str, chapter: str) -> None:
    assert chapter_of(node) == chapter
