"""A plugin of `tests.run`: names the notebook that failed, where it alone did.

The cells of a notebook share a kernel, so none of them can be tried once more by itself, as other
tests are: all of it is, by `tests.run`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def note_of(environment: dict[str, str]) -> Path:
    """The file that holds its name, in the folder of this run's homes."""
    return Path(environment["LABS_TEST_HOMES"]).with_suffix(".failed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write its name down."""
    stats = terminalreporter.stats
    failed = {r.nodeid.partition("::")[0] for r in stats.get("failed", []) + stats.get("error", [])}
    if len(failed) == 1 and next(iter(failed)).endswith(".ipynb"):
        notebook = terminalreporter.config.rootpath / failed.pop()
        note_of(dict(os.environ)).write_text(str(notebook), "utf-8")
