"""Which process is it? A pid alone proves nothing: the system hands it out again.

A process is the one that a file recorded only if its pid and its creation time agree, and its
command line holds the words by which we know it.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Collection, Iterable, Iterator

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

    What a file holds may make no sense at all.

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
        words_found = not words or set(words) <= set(process.cmdline())
        if same_birth and not _is_over(process) and words_found:
            return process
    return None


def marked(pattern: str) -> Iterator[psutil.Process]:
    """Every live process of whose command line one word matches, also those we lost track of.

    What descends from such a one counts as well: a server may start what it can't mark.
    """
    matches = re.compile(pattern).fullmatch
    heads = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = [word for word in process.cmdline() if word]
            if len(words) == 1:  # it has written a title over its command line
                words = words[0].split()
            if any(map(matches, words)):
                heads.append(process)
    yield from dict.fromkeys(process for head in heads for process in tree(head))


def tree(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that descend from it."""
    with contextlib.suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return [process]


def _is_over(process: psutil.Process) -> bool:
    """Whether a process has ended: what is left of it waits for its parent only (a zombie).

    Its first thread may end before the others (Linux tells of a zombie then, too). As long as one
    is left the process has its files and its ports, and its parent can't learn that it has ended.
    """
    return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1


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

    Its parent, a notebook perhaps, need not have heard of it.
    """
    deadline = time.monotonic() + timeout_s
    while any(_lives(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and not _is_over(process)
    except psutil.Error:
        return False
