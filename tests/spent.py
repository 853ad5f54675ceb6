"""A plugin of `tests.run`: how long each folder's tests took, all workers' seconds added up."""

from __future__ import annotations

from collections import defaultdict
from operator import itemgetter

import pytest

_seconds: dict[str, float] = defaultdict(float)
_tests: dict[str, int] = defaultdict(int)


def folder_of(node: str) -> str:
    """`faults` for `tests/faults/test_taken.py::test_it`, `notebooks` for a notebook's cell."""
    return node.partition("::")[0].removeprefix("tests/").partition("/")[0]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add one phase of a test: making what it needs, the call, clearing away."""
    _seconds[folder_of(report.nodeid)] += report.duration
    _tests[folder_of(report.nodeid)] += report.when == "call"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print it, the longest first."""
    terminalreporter.section("seconds of all workers together")
    for folder, seconds in sorted(_seconds.items(), key=itemgetter(1), reverse=True):
        terminalreporter.write_line(f"{seconds:7.1f} s  {folder} ({_tests[folder]} tests)")
