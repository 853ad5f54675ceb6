"""The small process that stops servers which nobody needs any more.

It is started before the first of them, apart from the terminal and from Jupyter, and ends with the
last: a start that is killed half way leaves nothing behind either. It imports little, to stay
small: whoever has an order in which to stop servers names the command that does it. Programs that
must not outlive their keeper (`wards`) are looked after as well, with servers or without.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from labs.base import python, variables
from labs.base.files import read_object, write_atomically
from labs.supervise import leases, machine, wards
from labs.supervise.home import Home
from labs.supervise.identity import birth, kill_all, living, marked, wait_over
from labs.supervise.ledger import Ledger
from labs.supervise.runner import State

#: How long servers outlive their last lease, s: time enough to restart a kernel.
GRACE_S = 180.0
LOOK_EVERY_S = 1.0
#: How long servers that are told to stop may take, s.
STOP_TIMEOUT_S = 10.0
MODULE = "labs.supervise.watchdog"
#: How long it sleeps before it imports anything, s. Servers are just being started: whatever else
#: computes makes them later. There is nothing to see before: who starts them holds the lock.
NAP_S = 3.0
#: The module's name is an argument, too: by it and the home a running watchdog is known.
_NAP_THEN_WATCH = f"""
import runpy, sys, time
time.sleep({NAP_S})
runpy.run_module(sys.argv[1], run_name="__main__")
"""


def ensure_watchdog(
    home: Home, mark: str, grace_s: float | None = None, stop: Sequence[str] = ()
) -> None:
    """Start the home's watchdog unless it runs (call with the home's lock held).

    Args:
        mark: the pattern that the servers' processes are known by (`identity.marked`).
        grace_s: how long they outlive their last lease, s; None: `LABS_GRACE_S` or `GRACE_S`.
        stop: the module and its words that stop them; without, each is told to stop by SIGTERM.
    """
    if grace_s is None:
        grace_s = chosen_grace_s()
    if _running(home) is None:
        with home.log_of("watchdog").open("ab") as out:
            dog = subprocess.Popen(
                python.code(_NAP_THEN_WATCH, MODULE, str(home.path), str(grace_s), mark, *stop),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
                # Whatever cluster the starter's own environment means, these are local processes.
                env={**os.environ, "LABS_HOME": str(home.path), "LABS_CLUSTER": "local"},
            )
        born = birth(psutil.Process(dog.pid))
        write_atomically(_record(home), json.dumps({"pid": dog.pid, "create_time": born}))


def chosen_grace_s() -> float:
    """How long servers outlive their last lease, s.

    Raises:
        BadInput: `LABS_GRACE_S` is no such time.
    """
    return variables.number("LABS_GRACE_S", GRACE_S, 0.0, 7 * 24 * 3600.0)


def dismiss(home: Home) -> None:
    """End the home's watchdog, unless it is we, or is needed: then it ends by itself, later."""
    dog = _running(home)
    if dog is not None and wards.any_kept(home.wards):
        return
    if dog is not None and dog.pid not in (os.getpid(), os.getppid()):
        with contextlib.suppress(psutil.Error):
            dog.terminate()
        if not wait_over([dog], 5):
            kill_all([dog])
    _record(home).unlink(missing_ok=True)


def watchdog_pid(home: Home) -> int | None:
    """The pid of the home's watchdog, None where none runs."""
    dog = _running(home)
    return dog.pid if dog else None


def _record(home: Home) -> Path:
    return home.path / "watchdog.json"


def _running(home: Home) -> psutil.Process | None:
    record = read_object(_record(home))
    return living(record.get("pid"), record.get("create_time"), (MODULE, str(home.path)))


def _is_over(home: Home, mark: str) -> bool:
    """Whether there is nothing left to watch; ends what a killed start or stop left behind.

    So it does where another machine has taken the home over, since this one seemed to be gone.
    Who starts or stops the servers holds the home's lock; so what we see while *we* hold it is
    nobody's work in progress.
    """
    if not home.path.exists() or not machine.still_ours(home.path):
        kill_all(marked(mark))
        return True
    try:
        with FileLock(home.path / "lock", timeout=0):
            if watchdog_pid(home) != os.getpid():
                return True  # dismissed, and perhaps replaced
            ledger = Ledger.load(home.state_file)
            if ledger is not None and ledger.is_whole():
                return False
            kill_all(marked(mark))
            if wards.any_kept(home.wards):
                return False
            _record(home).unlink(missing_ok=True)
            machine.give_up(home.path)
            return True
    except Timeout:
        return False


def watch(home: Home, grace_s: float, mark: str, stop: Sequence[str] = ()) -> None:
    """Return when the servers were stopped; stop them `grace_s` seconds after the last lease."""
    last_held = time.monotonic()
    while not _is_over(home, mark):
        wards.end_orphans(home.wards)
        if leases.holders(home.leases):
            last_held = time.monotonic()
        elif time.monotonic() - last_held > grace_s:
            if stop:
                subprocess.run(python.module(*stop), check=False)
            else:
                _stop(home)
            last_held = time.monotonic()
        time.sleep(LOOK_EVERY_S)


def _stop(home: Home) -> None:
    """Tell each server to stop, and write that down; what lives on is ended by the next look."""
    with contextlib.suppress(Timeout), FileLock(home.path / "lock", timeout=0):
        ledger = Ledger.load(home.state_file)
        if ledger is None or leases.holders(home.leases):
            return  # somebody has come meanwhile
        for server in ledger.servers.values():
            server.wanted = State.STOPPED
        ledger.save(home.state_file)
        found = [living(server.pid, server.create_time) for server in ledger.servers.values()]
        servers = [process for process in found if process]
        for process in servers:
            with contextlib.suppress(psutil.Error):
                process.terminate()
                process.resume()
        wait_over(servers, STOP_TIMEOUT_S)


if __name__ == "__main__":
    watch(Home(Path(sys.argv[2])), float(sys.argv[3]), sys.argv[4], sys.argv[5:])
