"""A program of ours that a run starts in a process of its own, and kills."""

from __future__ import annotations

import subprocess
import threading
from abc import ABC, abstractmethod

from labs.base import python
from labs.base.errors import LabsError
from labs.base.words import Words
from labs.experiment.run import Run

words = Words(__file__)


class Life(ABC):
    """One life of a program. A thread calls `hear` for each line that it writes.

    It ends with the run at the latest.

    Args:
        run: the run that starts it.
        module: the program.
        arguments: those of its command line.
    """

    def __init__(self, run: Run, module: str, *arguments: str) -> None:
        self.run = run
        self._process = subprocess.Popen(
            python.module(module, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Jupyter interrupts its whole process group
        )
        run.closing(self.kill)
        self._reader = threading.Thread(target=self._read, name=f"labs-{module}", daemon=True)
        self._reader.start()

    @abstractmethod
    def hear(self, what: str, *values: str) -> None:
        """Take a line that it has written: the first word, and the others."""

    def write(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """SIGKILL, as in a crash; its output until then is kept."""
        self._process.kill()
        self._process.wait()
        self._reader.join(timeout=5)

    @property
    def alive(self) -> bool:
        """Whether it still runs, or its output is not yet read."""
        return self._reader.is_alive()

    def code(self) -> int:
        """Wait for its end; its exit code."""
        return self._process.wait()

    def must_not_have_died(self) -> None:
        """Make sure that it has not ended by itself with an error.

        Raises:
            LabsError: it did.
        """
        if self._process.poll() not in (None, 0):
            raise LabsError(words("died"), hint=words("run_again"))

    @property
    def over(self) -> bool:
        """Whether it has ended, and all its output is read."""
        self.must_not_have_died()
        return not self.alive

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):  # a kill may cut a line short
                self.hear(*line.split())
