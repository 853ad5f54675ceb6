"""Who still needs the cluster: one small file for each holder.

A holder is a live process (pid and creation time) or a promise until a time. A dead process's
lease counts no more, however it died; so a killed notebook never keeps the cluster up.
"""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import psutil

from labs.base import clock
from labs.base.files import read_object, write_atomically
from labs.supervise.identity import birth, living

PROMISE = "promise.json"


def hold(folder: Path) -> None:
    """Keep the cluster up for as long as this process lives."""
    own = psutil.Process()
    lease = {"pid": own.pid, "create_time": birth(own)}
    write_atomically(folder / f"{own.pid}.json", json.dumps(lease))


def promise(folder: Path, seconds: float) -> float:
    """Keep the cluster up for `seconds`, whoever lives; a longer promise made earlier stands.

    Returns the time until which it is kept, by `labs.base.clock`: a wall clock that is set ends no
    promise, and prolongs none.
    """
    until = max(clock.now() + seconds, _until(read_object(folder / PROMISE)))
    lease = {"until": clock.wall(until), **clock.written(until)}
    write_atomically(folder / PROMISE, json.dumps(lease))
    return until


def take_back(folder: Path, until: float | None) -> None:
    """A start failed, so a promise keeps nothing up; one that somebody else made since stands."""
    if until is not None and _until(read_object(folder / PROMISE)) == until:
        (folder / PROMISE).unlink(missing_ok=True)


def release(folder: Path) -> None:
    """Give up this process's lease."""
    (folder / f"{os.getpid()}.json").unlink(missing_ok=True)


def release_all(folder: Path) -> None:
    """Forget every lease: the cluster was stopped on purpose."""
    for path in folder.glob("*.json"):
        path.unlink(missing_ok=True)


def holders(folder: Path) -> list[str]:
    """Who holds a lease now (`process 123`, `a promise until 18:00`); drops those of the dead.

    A promise that is over stays: a new one may be put in its place at this very moment.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        holder = _holder(read_object(path))
        if holder:
            found.append(holder)
        elif path.name != PROMISE:
            path.unlink(missing_ok=True)
    return found


def _holder(lease: dict[str, Any]) -> str | None:
    until = _until(lease)
    if until > clock.now():
        return f"a promise until {time.strftime('%H:%M', time.localtime(clock.wall(until)))}"
    process = living(lease.get("pid"), lease.get("create_time"))
    return f"process {process.pid}" if process else None


def _until(lease: dict[str, Any]) -> float:
    until = lease.get("until")
    return clock.read(lease, float(until)) if isinstance(until, int | float) else -math.inf
