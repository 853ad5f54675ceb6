"""Long work says what it is doing and how far it is."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from labs.base.words import Words

words = Words(__file__)

#: `tell(text, fraction)`: what is going on, and the part of it that is done (0–1) where known.
Tell = Callable[[str, float | None], None]

#: Where progress is written line by line: for how long only the name of each step is written, s.
QUIET_S = 2.0
#: After so long without a line, s, one says that the step still goes on.
SILENT_S = 8.0


def silent(text: str, fraction: float | None = None) -> None:
    """Say nothing."""


@contextmanager
def progress() -> Iterator[Tell]:
    """A live line on the terminal; elsewhere one line for each step, and a few for long ones.

    All on stderr, so that a command's answer stands alone on stdout. In a notebook on stdout: there
    stderr is red, and would look like an error below a cell that does what it should.
    """
    if sys.stderr.isatty():
        with _live_line() as tell:
            yield tell
    else:
        with _plain_lines() as tell:
            yield tell


def _heard() -> TextIO:
    """The stream to which progress is written."""
    return sys.stdout if type(sys.stderr).__module__.startswith("ipykernel") else sys.stderr


@contextmanager
def _live_line() -> Iterator[Tell]:
    # Here: a start that nobody looks at need not wait until rich is imported.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24))
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bars:
        task = bars.add_task("", total=None)

        def tell(text: str, fraction: float | None = None) -> None:
            total = None if fraction is None else 1.0
            bars.update(task, description=text, total=total, completed=fraction or 0.0)

        yield tell


@contextmanager
def _plain_lines() -> Iterator[Tell]:
    last, quarters, told_at = "", 0, time.monotonic()
    began, over = told_at, threading.Event()

    def tell(text: str, fraction: float | None = None) -> None:
        nonlocal last, quarters, told_at
        reached, now = int((fraction or 0.0) * 4), time.monotonic()
        if text != last:
            print(f"… {text}", file=_heard(), flush=True)
        elif reached > quarters and now - told_at >= QUIET_S:
            print(f"… {text}: {reached * 25} %", file=_heard(), flush=True)
        else:
            return
        last, quarters, told_at = text, reached, now

    def break_the_silence() -> None:
        nonlocal told_at
        while not over.wait(SILENT_S / 4):
            now = time.monotonic()
            if now - told_at >= SILENT_S:
                told_at = now
                told = words("silent", last=last or words("working"), seconds=now - began)
                print(f"… {told}", file=_heard(), flush=True)

    thread = threading.Thread(target=break_the_silence, name="labs-progress", daemon=True)
    thread.start()
    try:
        yield tell
    finally:
        over.set()
