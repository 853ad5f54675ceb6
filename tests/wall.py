"""A wall clock that is set for some programs alone, by `tests/wall.c`; the machine's stays."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


class Wall:
    """Programs that get `environment` read a wall clock that is `ahead` by so many seconds."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            why = "no C compiler here to make a wall clock that can be set"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
            raise AssertionError
        library, self._file = folder / "wall.so", folder / "ahead"
        source = Path(__file__).with_suffix(".c")
        command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source)]
        subprocess.run(command, check=True)
        self.ahead_s = 0
        self.environment = {"LD_PRELOAD": str(library), "WALL_AHEAD": str(self._file)}
        self.set(0)

    def set(self, ahead_s: int) -> None:
        """Set the clock, also of programs that run."""
        self.ahead_s = ahead_s
        self._file.write_text(str(ahead_s))
