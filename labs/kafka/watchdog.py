"""The small process that stops a cluster which nobody needs any more.

It is started before the first broker, apart from the terminal and from Jupyter, and ends with the
last: a start that is killed half way leaves nothing behind either. It imports little, to stay
small; the stopping of a whole cluster is `labs down`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from labs.base import python, variables
from labs.base.files import write_atomically
from labs.kafka.state import ClusterState, our_processes
from labs.supervise import leases, machine
from labs.supervise.home import Home
from labs.supervise.identity import birth, kill_all, living, wait_over

#: How long a cluster outlives its last lease, s: time enough to restart a kernel.
GRACE_S = 180.0
LOOK_EVERY_S = 1.0
MODULE = "labs.kafka.watchdog"
#: How long it sleeps before it imports anything, s. Four JVMs are just being started: whatever else
#: computes makes them later. There is nothing to see before: who starts them holds the lock.
NAP_S = 3.0
#: The module's name is an argument, too: by it and the home a running watchdog is known.
_NAP_THEN_WATCH = f"""
import runpy, sys, time
time.sleep({NAP_S})
runpy.run_module(sys.argv[1], run_name="__main__")
"""


def ensure_watchdog(home: Home, grace_s: float | None = None) -> None:
    """Start the home's watchdog unless it runs (call with the home's lock held).

    Args:
        grace_s: how long the cluster outlives its last lease, s; None: `LABS_GRACE_S` or `GRACE_S`.
    """
    if grace_s is None:
        grace_s = chosen_grace_s()
    if _running(home) is None:
        with home.log_of("watchdog").open("ab") as out:
            dog = subprocess.Popen(
                python.code(_NAP_THEN_WATCH, MODULE, str(home.path), str(grace_s)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
                env=_environment(home),
            )
        born = birth(psutil.Process(dog.pid))
        write_atomically(_record(home), json.dumps({"pid": dog.pid, "create_time": born}))


def chosen_grace_s() -> float:
    """How long a cluster outlives its last lease, s.

    Raises:
        BadInput: `LABS_GRACE_S` is no such time.
    """
    return variables.number("LABS_GRACE_S", GRACE_S, 0.0, 7 * 24 * 3600.0)


def dismiss(home: Home) -> None:
    """End the home's watchdog, unless it is we."""
    dog = _running(home)
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
    try:
        record = json.loads(_record(home).read_text("utf-8"))
        return living(record["pid"], record["create_time"], (MODULE, str(home.path)))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _environment(home: Home) -> dict[str, str]:
    # Whatever cluster the starter's own environment means, this home's is a local one.
    return {**os.environ, "LABS_HOME": str(home.path), "LABS_CLUSTER": "local"}


def _is_over(home: Home) -> bool:
    """Whether there is nothing left to watch; ends what a killed `labs up` or `down` left behind.

    So it does where another machine has taken the home over, since this one seemed to be gone.
    Who starts or stops the cluster holds the home's lock; so what we see while *we* hold it is
    nobody's work in progress.
    """
    if not home.path.exists() or not machine.still_ours(home.path):
        kill_all(our_processes(home.path))
        return True
    try:
        with FileLock(home.path / "lock", timeout=0):
            if watchdog_pid(home) != os.getpid():
                return True  # dismissed, and perhaps replaced
            cluster = ClusterState.load(home.state_file)
            if cluster is not None and cluster.is_whole():
                return False
            kill_all(our_processes(home.path))
            _record(home).unlink(missing_ok=True)
            machine.give_up(home.path)
            return True
    except Timeout:
        return False


def watch(home: Home, grace_s: float) -> None:
    """Return when the cluster was stopped; stop it `grace_s` seconds after the last lease ended."""
    last_held = time.monotonic()
    while not _is_over(home):
        if leases.holders(home.leases):
            last_held = time.monotonic()
        elif time.monotonic() - last_held > grace_s:
            subprocess.run(python.module("labs", "down", "--if-idle"), check=False)
            last_held = time.monotonic()
        time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    watch(Home(Path(sys.argv[2])), float(sys.argv[3]))
