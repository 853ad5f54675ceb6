"""Every test here has a home of its own, oddly named, and must leave no process behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import Labs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


#: A learner's folder: spaces, a comma and Korean letters.
ODD_NAME = "카프카 실험실, 1번"


@pytest.fixture
def labs(tmp_path: Path) -> Iterator[Labs]:
    labs = Labs(tmp_path / ODD_NAME)
    yield labs
    answer = labs.run("down")
    assert answer.code == 0, answer.err
    assert labs.leftovers() == []
