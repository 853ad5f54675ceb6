"""Which tests run on one worker, one after another."""

from __future__ import annotations

import pytest

from tests.homes import group_of

JUDGED = "tests/exercises/test_exercises.py::test_it_is_judged_rightly"


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (f"{JUDGED}[12.1-solution.py]", f"{JUDGED}[12.1-refused.py]", True),
        (f"{JUDGED}[12.1-solution.py]", f"{JUDGED}[12.3-solution.py]", False),
        ("notebooks/01_overview.ipynb::Cell 1", "notebooks/01_overview.ipynb::Cell 2", True),
        ("tests/external/test_files.py::test_a", "tests/external/test_working.py::test_b", True),
        ("tests/experiments/test_schemas.py::test_a", "tests/experiments/test_schemas.py::b", True),
        ("tests/experiments/test_connect.py::test_a", "tests/experiments/test_connect.py::b", True),
        ("tests/experiments/test_acks.py::test_a", "tests/experiments/test_acks.py::b", False),
    ],
)
def test_those_that_share_what_takes_long_to_make(one: str, other: str, together: bool) -> None:
    assert (group_of(one) == group_of(other)) is together
