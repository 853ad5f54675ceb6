"""A server that is neither a JVM nor Kafka runs on the runner of processes as it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labs.base.errors import LabsError
from labs.supervise import leases
from labs.supervise.home import PROJECT, Home
from labs.supervise.identity import kill_all, marked
from labs.supervise.ledger import Ledger
from labs.supervise.processes import ProcessRunner
from labs.supervise.readiness import wait_ready
from labs.supervise.runner import State
from labs.supervise.watchdog import watchdog_pid
from tests import postgres
from tests.helpers import wait_until
from tests.postgres import SERVER, asked, lives, stop, up

HOLDS = "select count(*) from planes"


@pytest.fixture
def runner() -> Iterator[ProcessRunner]:
    """The runner of a home that an ordinary user may enter."""
    with tempfile.TemporaryDirectory(prefix="labs-postgres-") as folder:
        Path(folder).chmod(0o755)
        home = Home(Path(folder).resolve() / "home")
        runner = postgres.runner_of(home)
        yield runner
        with home.lock():
            runner.kill([SERVER])
            runner.let_go()
            left = runner.processes()
            kill_all(marked(runner.program.mark))
        assert left == []


@pytest.fixture
def filled(runner: ProcessRunner) -> ProcessRunner:
    """It runs, and holds a table of three rows."""
    up(runner)
    assert asked(runner, "create table planes (tail text)") is not None
    assert asked(runner, "insert into planes values ('N1'), ('N2'), ('N3')") is not None
    return runner


def state(runner: ProcessRunner) -> State:
    return runner.look()[SERVER].state


def postmaster(runner: ProcessRunner) -> int:
    pid = runner.look()[SERVER].pid
    assert pid is not None
    return pid


def log_of(runner: ProcessRunner) -> str:
    return b"".join(runner.log_lines(SERVER, 1000, follow=False)).decode()


def test_it_is_listed_asked_and_stopped(filled: ProcessRunner) -> None:
    server = filled.look()[SERVER]
    assert (server.state, server.host) == (State.RUNNING, "127.0.0.1")
    assert psutil.Process(postmaster(filled)).username() != "root"
    assert len(filled.processes()) > 3, "its children are seen as its own"
    assert filled.strays() == []
    listening = {
        connection.laddr
        for connection in psutil.Process(postmaster(filled)).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", server.port)}
    assert filled.files(SERVER, "PG_VERSION") == {"PG_VERSION": b"18\n"}
    assert list(filled.files(SERVER, "global/pg_con*")) == ["global/pg_control"]
    assert b"ready to accept connections" in filled.said(SERVER)
    assert filled.is_up
    assert filled.in_use

    stop(filled)
    assert state(filled) is State.STOPPED
    assert filled.processes() == []
    assert watchdog_pid(filled.home) is None
    assert not filled.is_up
    assert "database system is shut down" in log_of(filled)

    up(filled)
    assert asked(filled, HOLDS) == "3"


def test_frozen_it_answers_nobody_and_then_goes_on(filled: ProcessRunner) -> None:
    filled.freeze(SERVER)
    assert state(filled) is State.PAUSED
    states = {psutil.Process(pid).status() for pid in filled.processes()}
    assert states == {psutil.STATUS_STOPPED}, "each of its processes"
    assert asked(filled, HOLDS) is None
    filled.thaw([SERVER])
    assert state(filled) is State.RUNNING
    assert asked(filled, HOLDS) == "3"


def killed_by_the_runner(runner: ProcessRunner) -> None:
    assert runner.kill([SERVER]) == []
    assert runner.processes() == []


def killed_by_somebody(runner: ProcessRunner) -> None:
    os.kill(postmaster(runner), signal.SIGKILL)


def killed_while_it_is_frozen(runner: ProcessRunner) -> None:
    """Its children can't notice: they are left, frozen, with its shared memory."""
    runner.freeze(SERVER)
    os.kill(postmaster(runner), signal.SIGKILL)
    wait_until(lambda: state(runner) is State.KILLED, "its death")
    assert runner.strays() != []


def one_child_killed(runner: ProcessRunner) -> None:
    """A crash of a backend has it begin anew (PostgreSQL documentation, `restart_after_crash`)."""
    child = psutil.Process(postmaster(runner)).children()[0]
    child.kill()
    wait_until(lambda: "terminated by signal 9" in log_of(runner), "it to notice")
    os.kill(postmaster(runner), signal.SIGKILL)


@pytest.mark.parametrize(
    "fault",
    [
        killed_by_the_runner,
        killed_by_somebody,
        killed_while_it_is_frozen,
        one_child_killed,
    ],
)
def test_killed_and_started_again_on_the_old_data(filled: ProcessRunner, fault: object) -> None:
    assert callable(fault)
    first = postmaster(filled)
    fault(filled)
    wait_until(lambda: state(filled) is State.KILLED, "its death")
    assert asked(filled, "select 1") is None
    up(filled)
    assert postmaster(filled) != first
    assert filled.strays() == []
    assert asked(filled, HOLDS) == "3"
    assert b"automatic recovery in progress" in filled.said(SERVER)


def begun(runner: ProcessRunner, grace_s: float) -> subprocess.Popen[str]:
    """Another process that starts it, and holds a lease."""
    command = [sys.executable, "-m", "tests.postgres", str(runner.home.path), str(grace_s)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def test_the_watchdog_stops_it_when_its_holder_is_killed(runner: ProcessRunner) -> None:
    holder = begun(runner, grace_s=0.5)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    assert asked(runner, "create table planes (tail text)") is not None
    assert leases.holders(runner.home.leases) == [f"process {holder.pid}"]
    time.sleep(5)  # the watchdog naps for 3 s, and looks every second
    assert state(runner) is State.RUNNING
    holder.kill()
    holder.communicate()
    wait_until(lambda: not runner.processes(), "the end of what nobody needs")
    wait_until(lambda: watchdog_pid(runner.home) is None, "the watchdog's own end")
    assert state(runner) is State.STOPPED
    assert "database system is shut down" in log_of(runner), "in good order"
    up(runner)
    assert asked(runner, HOLDS) == "0"


def test_the_watchdog_ends_a_start_that_was_killed(runner: ProcessRunner) -> None:
    starter = begun(runner, grace_s=600)
    wait_until(runner.processes, "a start that is half way")
    starter.kill()
    starter.communicate()
    ledger = Ledger.load(runner.home.state_file)
    if ledger is not None and ledger.ready_s is not None:
        pytest.skip("this machine was faster than we are")
    wait_until(lambda: not runner.processes(), "the watchdog to end it")
    wait_until(lambda: watchdog_pid(runner.home) is None, "the watchdog's own end")
    up(runner)
    assert asked(runner, "select 1") == "1"


def test_a_start_that_fails_leaves_nothing_and_says_why(runner: ProcessRunner) -> None:
    runner.home.prepare()
    with runner.home.lock(), pytest.raises(LabsError, match=r"PostgreSQL died .*exit code 1"):
        runner.hold()
        runner.provide(lambda *_: None)
        with runner.starting(0, lambda *_: None):
            runner.start(SERVER, {"max_connections": "many"})
            wait_ready(lambda: False, lives(runner), timeout_s=30)
    assert runner.processes() == []
    assert b"max_connections" in runner.said(SERVER)


def test_wiped_it_is_a_new_one_at_the_old_port(filled: ProcessRunner) -> None:
    place = filled.place(SERVER)
    with filled.home.lock():
        filled.wipe()
    assert filled.processes() == []
    assert filled.files(SERVER, "PG_VERSION") == {}
    up(filled)
    assert filled.place(SERVER) == place
    assert asked(filled, HOLDS) is None, "there is no such table"
