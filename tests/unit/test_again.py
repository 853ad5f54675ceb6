"""`tests.again` finds cells that can't be run twice, and cells that never end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from labs.supervise.home import PROJECT
from tests.run import NBVAL

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
