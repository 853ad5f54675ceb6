"""`tests.again` finds cells that can't be run twice, and cells that never end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from labs.supervise.home import PROJECT
from tests.deflake import note_of
from tests.run import AGAIN, NBVAL, ONCE_MORE, PYTEST, run_part

SWALLOWS_THE_INTERRUPT = """
import time
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize(
    ("cells", "timeout_s", "problem"),
    [
        (["places = {}", "import os; places[1] = os.environ['LABS_UNATTENDED']"], 100, "9 passed"),
        (["made = [2]  # cluster.reset()", "print(made.pop())"], 100, "IndexError"),
        (["import sys; said = []  # cluster.reset()",
          "sys.stderr.write(''.join(said)); said.append('!')"], 100,
         "it wrote to stderr"),
        (["ready = True", SWALLOWS_THE_INTERRUPT], 5, "its time was up"),
    ],
    ids=["fine", "only once", "a warning the second time", "never ends"],
)  # fmt: skip
def test_what_it_finds(tmp_path: Path, cells: list[str], timeout_s: int, problem: str) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(book, tmp_path / "book.ipynb")
    command = [sys.executable, "-m", "pytest", "-qx", "-p", "tests.again", *NBVAL, "--rootdir"]
    command += [str(tmp_path), f"--nbval-cell-timeout={timeout_s}", str(tmp_path / "book.ipynb")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert problem in done.stdout
    assert done.returncode == int("passed" not in problem)


#: Whether it has run before is in `seen`.
FAILS = "import pathlib; tried = pathlib.Path('tried'); seen = tried.exists(); tried.touch()"


@pytest.mark.parametrize(
    ("then", "beside", "tries", "passes"),
    [
        ("assert seen", "", 2, True),
        ("assert False", "", 2, False),
        ("assert seen", "def test_it(): assert False", 1, False),
    ],
    ids=["the first time", "each time", "another test, too"],
)
def test_a_notebook_that_alone_fails_is_tried_once_more(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    then: str,
    beside: str,
    tries: int,
    passes: bool,
) -> None:
    """With `tests.run`'s own options, but for the clusters that this notebook does not need."""
    cells = [nbformat.v4.new_code_cell(source) for source in (FAILS, then)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "book.ipynb")
    (tmp_path / "test_beside.py").write_text(beside or "def test_it(): pass")
    homes = tmp_path / "homes"
    environment = {**os.environ, "LABS_TEST_HOMES": str(homes)}
    command = [*PYTEST, *ONCE_MORE, *NBVAL, *AGAIN, str(tmp_path)]
    _, passed, _ = run_part("tried", [command], environment)
    said = capfd.readouterr().out
    assert passed == passes
    assert said.count("once more: nothing else failed") == tries - 1
    assert not note_of(environment).exists()
