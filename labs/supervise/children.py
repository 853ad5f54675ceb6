"""Start a server's process apart from us, and learn from it what only its parent can."""

from __future__ import annotations

import pwd
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labs.supervise.runner import Ending

LOG_LIMIT_BYTES = 5_000_000

Child = subprocess.Popen[bytes]

#: The processes that this very process started, by pid: only a parent learns how its child ended.
_children: dict[int, Child] = {}


@dataclass(frozen=True)
class Launch:
    """What one process is started by. `user`: as whom, a name; None: as we are."""

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    user: str | None = None


def spawn(launch: Launch, log: Path, note: Callable[[Child], None]) -> int:
    """Start a process, and have its birth noted before anything may interrupt us.

    Returns where in the log its words begin, bytes.
    """
    rotate(log)
    group = pwd.getpwnam(launch.user).pw_gid if launch.user else None
    with log.open("ab") as out, _uninterrupted():
        begins = out.tell()
        child = subprocess.Popen(
            launch.command,
            cwd=launch.folder,
            env=launch.environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            # Jupyter interrupts the kernel's whole process group; servers must not be in it.
            start_new_session=True,
            user=launch.user,
            group=group,
            extra_groups=[] if launch.user else None,
        )
        _children[child.pid] = child
        note(child)
    return begins


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C and its like wait until the end of the block.

    One that came while a process is being born would end us before we know whom to end in turn.
    """
    caught: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():  # only there do they arrive
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if callable(handler := signal.getsignal(number)):
                before[number] = handler
                signal.signal(number, lambda number, _frame: caught.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])


def rotate(log: Path) -> None:
    """Put a long log aside, so that a new one begins."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        shutil.move(log, log.with_suffix(".log.1"))


def living_child(pid: int | None, words: Sequence[str]) -> Child | None:
    """The process of that pid, if it lives, we are its parent, and it was started with these words.

    A parent knows whom it started. Others must read a command line, and that is empty in the moment
    in which a process becomes another program.
    """
    child = _children.get(pid or 0)
    if child is None or child.poll() is not None or not isinstance(child.args, list):
        return None
    return child if set(words) <= set(child.args) else None


#: A signal ends a process with minus its number; a JVM catches some, and ends with 128 more.
_SIGNALLED = {
    code
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)
    for code in (-number, 128 + number)
}


def ending_of(pid: int | None) -> Ending | None:
    """How a child of ours ended; None if it lives, or is no child of ours."""
    child = _children.get(pid or 0)
    code = child.poll() if child else None
    if code is None:
        return None
    how = f"it ended with exit code {code}"
    if code < 0:
        name = signal.Signals(-code).name
        memory = " (the system does that when memory runs out)" if name == "SIGKILL" else ""
        how = f"it was ended by {name}{memory}"
    return Ending(how, code in _SIGNALLED)
