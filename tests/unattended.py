"""A plugin of `tests.run`: notebooks run without a learner, so each panel presses its own Run."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from nbval.plugin import IPyNbCell

from labs.base.variables import UNATTENDED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Tell a notebook's kernel, which starts with the first cell and inherits the variable."""
    with pytest.MonkeyPatch.context() as patch:
        if isinstance(item, IPyNbCell):
            patch.setenv(UNATTENDED, "1")
        yield
