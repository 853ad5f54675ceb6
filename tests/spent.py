"""A plugin of `tests.run`: how long the tests of each folder and of each chapter took.

Several workers run side by side, so a minute here is a minute of the run: three workers spend three
of their own in it.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path

import pytest

from tests.course import chapters

#: Where a test's name has its chapter's number: a notebook, claims, an exercise, a panel.
NUMBER = re.compile(r"(?:^notebooks/|/test_claims_|\[)(\d\d)(?=[_.\]])")
EXPERIMENTS = re.compile(r"^tests/experiments/test_(\w+)\.py")
#: The chapters' numbers by their names, as in `acks`.
NUMBERS = {text.chapter[3:]: text.chapter[:2] for text in chapters()}
#: Whose a test is that belongs to no chapter.
NONE = "none"

_folders: defaultdict[str, float] = defaultdict(float)
_chapters: defaultdict[str, float] = defaultdict(float)
_tests: Counter[str] = Counter()


def folder_of(node: str) -> str:
    """`faults` for `tests/faults/test_taken.py::test_it`, `notebooks` for a notebook's cell."""
    return node.partition("::")[0].removeprefix("tests/").partition("/")[0]


def chapter_of(node: str) -> str:
    """`03` for a test of the third chapter alone; `none` for one that belongs to no chapter."""
    if (found := NUMBER.search(node)) and found[1] in NUMBERS.values():
        return found[1]
    of = EXPERIMENTS.match(node)
    names = [name for name in NUMBERS if of and of[1].startswith(name)]
    return NUMBERS[max(names, key=len)] if names else NONE


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add one phase of a test: making what it needs, the call, clearing away."""
    _folders[folder_of(report.nodeid)] += report.duration
    _chapters[chapter_of(report.nodeid)] += report.duration
    _tests[folder_of(report.nodeid)] += report.when == "call"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Tell each folder's minutes, the longest first; note the chapters' for the end of the run."""
    workers = config.getoption("numprocesses", None) or 1
    terminalreporter.section("minutes of the run")
    for folder, seconds in sorted(_folders.items(), key=itemgetter(1), reverse=True):
        line = f"{seconds / workers / 60:6.1f}  {folder} ({_tests[folder]} tests)"
        terminalreporter.write_line(line)
    note = {chapter: seconds / workers / 60 for chapter, seconds in _chapters.items()}
    if "LABS_TEST_HOMES" in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:
        with note_of(os.environ).open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(note)}\n")


def note_of(environment: Mapping[str, str]) -> Path:
    """The file that has the chapters' minutes, a line a part, beside this run's homes."""
    return Path(environment["LABS_TEST_HOMES"]).with_suffix(".spent")


def by_chapter(note: Path) -> str:
    """What each chapter's own tests took in all noted parts together, in minutes of the run."""
    minutes: defaultdict[str, float] = defaultdict(float)
    for line in note.read_text("utf-8").splitlines():
        for chapter, part in json.loads(line).items():
            minutes[chapter] += part
    return ", ".join(f"{chapter}: {minutes[chapter]:.1f}" for chapter in sorted(minutes))
