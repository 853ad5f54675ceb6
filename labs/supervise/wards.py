"""Programs that must not outlive whoever started them, and that may start what they like.

All that such a program starts inherits its mark, a variable of its environment, and most of it
stays in its session: by these it is known wherever it goes. Whoever starts one ends it, too. Should
he be killed himself, the home's watchdog does: for as long as it takes, a small file names the mark
and him.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from labs.base.files import read_object, write_atomically
from labs.supervise.identity import birth, kill_all, living

#: The variable that holds the mark.
VARIABLE = "LABS_JUDGED"


@contextmanager
def kept(folder: Path, scratch: Path) -> Iterator[str]:
    """Have what carries a new mark, or one that begins with it and a point, end with us; the mark.

    Args:
        folder: where the file lies (`Home.wards`).
        scratch: a folder of ours that is to go as well.

    Raises:
        OSError: the file can't be written.
    """
    mark, own = uuid.uuid4().hex, psutil.Process()
    file = folder / f"{mark}.json"
    folder.mkdir(parents=True, exist_ok=True)
    keeper = {"pid": own.pid, "create_time": birth(own)}
    write_atomically(file, json.dumps({**keeper, "mark": mark, "scratch": str(scratch)}))
    try:
        yield mark
    finally:
        file.unlink(missing_ok=True)


def carriers(mark: str, session: int | None = None) -> list[psutil.Process]:
    """What carries the mark and lives; and what has no mark, but is in the session of one that has.

    Args:
        mark: the mark, or what stands before a point in it.
        session: one whose first process had the mark; it may be over by now.
    """
    found = {process: _session(process) for process in psutil.process_iter()}
    marked = {process for process, its in found.items() if its and _carries(process, mark)}
    sessions = {found[process] for process in marked} | {session}
    sessions -= {None, os.getsid(0)}
    return [process for process, its in found.items() if its in sessions or process in marked]


def any_kept(folder: Path) -> bool:
    """Whether there is anybody to look after."""
    return any(folder.glob("*.json"))


def end_orphans(folder: Path) -> None:
    """End those whose keeper is gone."""
    for file in folder.glob("*.json"):
        ward = read_object(file)
        if living(ward.get("pid"), ward.get("create_time")):
            continue
        if mark := ward.get("mark"):
            kill_all(carriers(mark))
            if carriers(mark):
                continue  # born meanwhile: the next look ends them
            shutil.rmtree(ward["scratch"], ignore_errors=True)
        file.unlink(missing_ok=True)


def _carries(process: psutil.Process, mark: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        carried = process.environ().get(VARIABLE, "")
        return carried == mark or carried.startswith(f"{mark}.")
    return False


def _session(process: psutil.Process) -> int | None:
    """Its session; None: it is over, or nobody tells us."""
    with contextlib.suppress(psutil.Error, OSError):
        if process.status() != psutil.STATUS_ZOMBIE:
            return os.getsid(process.pid)
    return None
