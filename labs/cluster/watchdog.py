"""The small process that stops a cluster which nobody needs any more.

It is started with every cluster, apart from the terminal and from Jupyter, and ends with it. It
imports little, to stay small; the stopping itself is `labs down`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from labs.cluster import leases
from labs.cluster.home import Home
from labs.cluster.protocol import State
from labs.cluster.state import CREATE_TIME_TOLERANCE_S, ClusterState, write_atomically

#: How long a cluster outlives its last lease, s: time enough to restart a kernel.
GRACE_S = 180.0
LOOK_EVERY_S = 1.0
MODULE = "labs.cluster.watchdog"


def ensure_watchdog(home: Home) -> None:
    """Start the home's watchdog unless it runs (call with the home's lock held)."""
    if _running(home) is None:
        with home.log_of("watchdog").open("ab") as out:
            dog = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(home.path)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
                env=_environment(home),
            )
        born = psutil.Process(dog.pid).create_time()
        write_atomically(_record(home), json.dumps({"pid": dog.pid, "create_time": born}))


def dismiss(home: Home) -> None:
    """End the home's watchdog, unless it is we."""
    dog = _running(home)
    if dog is not None and dog.pid not in (os.getpid(), os.getppid()):
        dog.send_signal(signal.SIGTERM)
        try:
            dog.wait(5)
        except psutil.TimeoutExpired:
            dog.kill()
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
        dog = psutil.Process(record["pid"])
        same = abs(dog.create_time() - record["create_time"]) < CREATE_TIME_TOLERANCE_S
        ours = MODULE in dog.cmdline() and str(home.path) in dog.cmdline()
        alive = dog.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, KeyError, psutil.Error):
        return None
    return dog if same and ours and alive else None


def _environment(home: Home) -> dict[str, str]:
    # The package may be found through the current folder; the watchdog leaves that folder.
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "LABS_HOME": str(home.path), "PYTHONPATH": path}


def _wanted(home: Home) -> bool:
    cluster = ClusterState.load(home.state_file)
    return cluster is not None and any(
        node.wanted is not State.STOPPED for node in cluster.nodes.values()
    )


def watch(home: Home, grace_s: float) -> None:
    """Return when the cluster was stopped; stop it `grace_s` seconds after the last lease ended."""
    last_held = time.monotonic()
    while _wanted(home):
        if leases.holders(home.leases):
            last_held = time.monotonic()
        elif time.monotonic() - last_held > grace_s:
            subprocess.run([sys.executable, "-m", "labs", "down", "--if-idle"], check=False)
            last_held = time.monotonic()
        time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    watch(Home(Path(sys.argv[1])), float(os.environ.get("LABS_GRACE_S", GRACE_S)))
