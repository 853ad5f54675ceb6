"""A plugin of `tests.run`: how long the tests of each folder and of each chapter took together.

All workers' seconds are added up: three of them run side by side.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from operator import itemgetter

import pytest

from tests.course import chapters

#: Where a test's name has its chapter's number: a notebook, claims, an exercise, a panel.
NUMBER = re.compile(r"(?:^notebooks/|/test_claims_|\[)(\d\d)(?=[_.\]])")
EXPERIMENTS = re.compile(r"^tests/experiments/test_(\w+)\.py")
#: The chapters' numbers by their names, as in `acks`.
NUMBERS = {text.chapter[3:]: text.chapter[:2] for text in chapters()}

_seconds: dict[str, float] = defaultdict(float)
_tests: dict[str, int] = defaultdict(int)
_chapters: dict[str, float] = defaultdict(float)


def folder_of(node: str) -> str:
    """`faults` for `tests/faults/test_taken.py::test_it`, `notebooks` for a notebook's cell."""
    return node.partition("::")[0].removeprefix("tests/").partition("/")[0]


def chapter_of(node: str) -> str:
    """`03` for a test of the third chapter alone; "" for one that belongs to no chapter."""
    if found := NUMBER.search(node):
        return found[1]
    of = EXPERIMENTS.match(node)
    names = [name for name in NUMBERS if of and of[1].startswith(name)]
    return NUMBERS[max(names, key=len)] if names else ""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add one phase of a test: making what it needs, the call, clearing away."""
    _seconds[folder_of(report.nodeid)] += report.duration
    _tests[folder_of(report.nodeid)] += report.when == "call"
    if chapter := chapter_of(report.nodeid):
        _chapters[chapter] += report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print it, the longest first."""
    terminalreporter.section("seconds of all workers together")
    for folder, seconds in _longest_first(_seconds):
        terminalreporter.write_line(f"{seconds:7.1f} s  {folder} ({_tests[folder]} tests)")
    if _chapters:
        told = (f"{chapter}: {seconds:.0f} s" for chapter, seconds in _longest_first(_chapters))
        terminalreporter.write_line(f"of these, for one chapter alone: {', '.join(told)}")


def _longest_first(seconds: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(seconds.items(), key=itemgetter(1), reverse=True)
