"""A sentence can be exchanged, and no test changes: they find what they look for by its id."""

from __future__ import annotations

import subprocess
import sys

from labs.supervise.home import PROJECT

#: Whose tests read what a learner reads.
ABOUT = ("cells", "exercise_cells", "judging", "learner", "panel", "quiz", "recap", "settings")


def test_no_test_takes_a_sentence_for_an_id() -> None:
    files = [f"tests/unit/test_{about}.py" for about in ABOUT]
    exchanged = ["-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "tests.exchanged"]
    command = [sys.executable, "-m", "pytest", *exchanged, *files]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
