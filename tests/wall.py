"""A wall clock that is set for some programs alone, by `tests/wall.c`; the machine's stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD is Linux's")
both_ways = pytest.mark.parametrize("jump_s", [3600, -900])
#: No run whose clock is set takes so long, s; the smaller jump is longer.
LONG_S = 600


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
        self.jump(0)

    def jump(self, by_s: int) -> None:
        """Set the clock forwards or back, also of programs that run."""
        self.ahead_s += by_s
        self._file.write_text(str(self.ahead_s))
