"""Which process is it? A pid alone proves nothing: the system hands it out again.

A process is the one that a file recorded only if its pid and its creation time agree, and its
command line holds the words by which we know it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable

import psutil

#: What the system tells of the boot may differ a little between two looks.
CREATE_TIME_TOLERANCE_S = 2.0


def birth(process: psutil.Process) -> float:
    """When a process was created, s, on a scale that does not move when the clock is set.

    Clocks are set: a laptop that slept, WSL 2 that catches up. Linux counts from the boot; macOS
    writes the time of day down once. `create_time` moves both with the present clock, so this asks
    for what psutil itself knows processes by.
    """
    return float(process._proc.create_time(monotonic=True))  # type: ignore[attr-defined]  # noqa: SLF001


def living(pid: object, create_time: object, words: Collection[str] = ()) -> psutil.Process | None:
    """The process that a file recorded, or None: it is over, or its pid is another program's now.

    A zombie is over: it waits for its parent only. What a file holds may make no sense at all.

    Args:
        pid: of the process.
        create_time: its `birth`, s.
        words: what its command line must hold to be ours.
    """
    if not isinstance(pid, int) or not isinstance(create_time, int | float):
        return None
    with contextlib.suppress(psutil.Error, ValueError, OverflowError):
        process = psutil.Process(pid)
        same_birth = abs(birth(process) - create_time) < CREATE_TIME_TOLERANCE_S
        over = process.status() == psutil.STATUS_ZOMBIE
        if same_birth and not over and (not words or set(words) <= set(process.cmdline())):
            return process
    return None


def kill_all(processes: Iterable[psutil.Process], timeout_s: float = 5.0) -> None:
    """SIGKILL them and wait until they are over."""
    killed = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
            killed.append(process)
    wait_over(killed, timeout_s)


def wait_over(processes: Iterable[psutil.Process], timeout_s: float) -> bool:
    """Wait until none of them lives; whether that came true in time.

    A zombie counts as over: it waits for its parent, a notebook perhaps, which we are not.
    """
    deadline = time.monotonic() + timeout_s
    while any(_lives(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
