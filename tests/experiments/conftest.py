"""Every run in these tests is looked at: does its result name all that was set in it?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labs.experiment.experiment import Experiment
from tests.spied import spied


@pytest.fixture(autouse=True)
def settings_are_told() -> Iterator[None]:
    """Spy on whatever sets something in a run, and compare after it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Experiment, "run", spied(Experiment.run))
        yield
