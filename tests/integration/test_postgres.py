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
from labs.services.service import Service
from labs.supervise import leases
from labs.supervise.home import PROJECT, Home
from labs.supervise.identity import kill_all, marked
from labs.supervise.ledger import Ledger
from labs.supervise.runner import State
from labs.supervise.watchdog import watchdog_pid
from tests import postgres
from tests.helpers import wait_until
from tests.postgres import SERVER, asked

HOLDS = "select count(*) from planes"


@pytest.fixture
def fresh() -> Iterator[Service]:
    """The one of a home that an ordinary user may enter."""
    with tempfile.TemporaryDirectory(prefix="labs-postgres-") as folder:
        Path(folder).chmod(0o755)
        home = Home(Path(folder).resolve() / "home")
        fresh = postgres.service_of(home)
        yield fresh
        with home.lock():
            fresh.runner.kill([SERVER])
            fresh.runner.let_go()
            left = fresh.runner.processes()
            kill_all(marked(fresh.runner.program.mark))
        assert left == []


@pytest.fixture
def filled(fresh: Service) -> Service:
    """It runs, and holds a table of three rows."""
    fresh.start()
    assert asked(fresh, "create table planes (tail text)") is not None
    assert asked(fresh, "insert into planes values ('N1'), ('N2'), ('N3')") is not None
    return fresh


def state(fresh: Service) -> State:
    return fresh.runner.look()[SERVER].state


def postmaster(fresh: Service) -> int:
    pid = fresh.runner.look()[SERVER].pid
    assert pid is not None
    return pid


def log_of(fresh: Service) -> str:
    return b"".join(fresh.runner.log_lines(SERVER, 1000, follow=False)).decode()


def test_it_is_listed_asked_and_stopped(filled: Service) -> None:
    server = filled.runner.look()[SERVER]
    assert (server.state, server.host) == (State.RUNNING, "127.0.0.1")
    assert psutil.Process(postmaster(filled)).username() != "root"
    assert len(filled.runner.processes()) > 3, "its children are seen as its own"
    assert filled.runner.strays() == []
    listening = {
        connection.laddr
        for connection in psutil.Process(postmaster(filled)).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", server.port)}
    assert filled.runner.files(SERVER, "PG_VERSION") == {"PG_VERSION": b"18\n"}
    assert list(filled.runner.files(SERVER, "global/pg_con*")) == ["global/pg_control"]
    assert b"ready to accept connections" in filled.runner.said(SERVER)
    assert filled.runner.is_up
    assert filled.runner.in_use

    filled.stop()
    assert state(filled) is State.STOPPED
    assert filled.runner.processes() == []
    assert watchdog_pid(filled.home) is None
    assert not filled.runner.is_up
    assert "database system is shut down" in log_of(filled)

    filled.start()
    assert asked(filled, HOLDS) == "3"


def test_frozen_it_answers_nobody_and_then_goes_on(filled: Service) -> None:
    filled.runner.freeze(SERVER)
    assert state(filled) is State.PAUSED
    states = {psutil.Process(pid).status() for pid in filled.runner.processes()}
    assert states == {psutil.STATUS_STOPPED}, "each of its processes"
    assert asked(filled, HOLDS) is None
    filled.runner.thaw([SERVER])
    assert state(filled) is State.RUNNING
    assert asked(filled, HOLDS) == "3"


def killed_by_the_runner(fresh: Service) -> None:
    assert fresh.runner.kill([SERVER]) == []
    assert fresh.runner.processes() == []


def killed_by_somebody(fresh: Service) -> None:
    os.kill(postmaster(fresh), signal.SIGKILL)


def killed_while_it_is_frozen(fresh: Service) -> None:
    """Its children can't notice: they are left, frozen, with its shared memory."""
    fresh.runner.freeze(SERVER)
    os.kill(postmaster(fresh), signal.SIGKILL)
    wait_until(lambda: state(fresh) is State.KILLED, "its death")
    assert fresh.runner.strays() != []


def one_child_killed(fresh: Service) -> None:
    """A crash of a backend has it begin anew (PostgreSQL documentation, `restart_after_crash`)."""
    child = psutil.Process(postmaster(fresh)).children()[0]
    child.kill()
    wait_until(lambda: "terminated by signal 9" in log_of(fresh), "it to notice")
    os.kill(postmaster(fresh), signal.SIGKILL)


@pytest.mark.parametrize(
    "fault",
    [
        killed_by_the_runner,
        killed_by_somebody,
        killed_while_it_is_frozen,
        one_child_killed,
    ],
)
def test_killed_and_started_again_on_the_old_data(filled: Service, fault: object) -> None:
    assert callable(fault)
    first = postmaster(filled)
    fault(filled)
    wait_until(lambda: state(filled) is State.KILLED, "its death")
    assert asked(filled, "select 1") is None
    filled.start()
    assert postmaster(filled) != first
    assert filled.runner.strays() == []
    assert asked(filled, HOLDS) == "3"
    assert b"automatic recovery in progress" in filled.runner.said(SERVER)


def begun(fresh: Service, grace_s: float) -> subprocess.Popen[str]:
    """Another process that starts it, and holds a lease."""
    command = [sys.executable, "-m", "tests.postgres", str(fresh.home.path), str(grace_s)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def test_the_watchdog_stops_it_when_its_holder_is_killed(fresh: Service) -> None:
    holder = begun(fresh, grace_s=0.5)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    assert asked(fresh, "create table planes (tail text)") is not None
    assert leases.holders(fresh.home.leases) == [f"process {holder.pid}"]
    time.sleep(5)  # the watchdog naps for 3 s, and looks every second
    assert state(fresh) is State.RUNNING
    holder.kill()
    holder.communicate()
    wait_until(lambda: not fresh.runner.processes(), "the end of what nobody needs")
    wait_until(lambda: watchdog_pid(fresh.home) is None, "the watchdog's own end")
    assert state(fresh) is State.STOPPED
    assert "database system is shut down" in log_of(fresh), "in good order"
    fresh.start()
    assert asked(fresh, HOLDS) == "0"


def test_the_watchdog_ends_a_start_that_was_killed(fresh: Service) -> None:
    starter = begun(fresh, grace_s=600)
    wait_until(fresh.runner.processes, "a start that is half way")
    starter.kill()
    starter.communicate()
    ledger = Ledger.load(fresh.home.state_file)
    if ledger is not None and ledger.ready_s is not None:
        pytest.skip("this machine was faster than we are")
    wait_until(lambda: not fresh.runner.processes(), "the watchdog to end it")
    wait_until(lambda: watchdog_pid(fresh.home) is None, "the watchdog's own end")
    fresh.start()
    assert asked(fresh, "select 1") == "1"


def test_a_start_that_fails_leaves_nothing_and_says_why(fresh: Service) -> None:
    with pytest.raises(LabsError, match=r"PostgreSQL died .*exit code 1"):
        fresh.start({"max_connections": "many"})
    assert fresh.runner.processes() == []
    assert b"max_connections" in fresh.runner.said(SERVER)


def test_wiped_it_is_a_new_one_at_the_old_port(filled: Service) -> None:
    place = filled.runner.place(SERVER)
    with filled.home.lock():
        filled.runner.wipe()
    assert filled.runner.processes() == []
    assert filled.runner.files(SERVER, "PG_VERSION") == {}
    filled.start()
    assert filled.runner.place(SERVER) == place
    assert asked(filled, HOLDS) is None, "there is no such table"
