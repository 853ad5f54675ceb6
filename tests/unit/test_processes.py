"""A server is started and signalled; whoever is interrupted meanwhile knows what was begun."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from labs.base.errors import LabsError
from labs.base.progress import Tell
from labs.kafka.installation import Installation
from labs.kafka.local import Nodes
from labs.supervise import server_processes
from labs.supervise.children import Launch
from labs.supervise.home import Home
from labs.supervise.java import Java
from labs.supervise.ledger import Ledger, Record
from labs.supervise.processes import ProcessRunner
from labs.supervise.program import Program
from labs.supervise.runner import PortTaken, State
from tests.helpers import free_ports, listen, wait_until


@pytest.fixture
def sleeper(tmp_path: Path) -> Installation:
    """A installation whose Java understands every flag and sleeps; a child of it does, too."""
    java = tmp_path / "java"
    java.write_text(
        f"#!{sys.executable}\nimport os, time\nos.fork()\nprint('here', flush=True)\n"
        "time.sleep(600)\n"
    )
    java.chmod(0o755)
    (tmp_path / "checkpoint").touch()
    return Installation(Java(java, "17"), "", tmp_path / "checkpoint")


@pytest.fixture
def runner(tmp_path: Path, sleeper: Installation) -> Iterator[ProcessRunner]:
    """The runner of a home with two servers that are dead."""
    home = Home(tmp_path / "home")
    home.prepare()
    runner = ProcessRunner(home, Nodes(home.path, sleeper))
    servers = {i: Record(i, port) for i, port in zip((1, 100), free_ports(2), strict=True)}
    Ledger(runner.program.new_facts(), 1.0, servers).save(home.state_file)
    runner.hold()
    yield runner
    runner.kill([1, 100])
    runner.let_go()
    assert runner.processes() == []


def alive(runner: ProcessRunner) -> list[State]:
    """What each process of its servers does, children too."""
    words = {psutil.STATUS_STOPPED: State.PAUSED}
    states = [psutil.Process(pid).status() for pid in runner.processes()]
    return [words.get(state, State.RUNNING) for state in states]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_until_we_know_whom_we_started(
    runner: ProcessRunner,
    sleeper: Installation,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    java = str(sleeper.java.path)

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            if args[0][0] == java:  # and not a watchdog, which a busy machine may need first
                signal.raise_signal(number)

    monkeypatch.setattr("labs.supervise.children.subprocess.Popen", Interrupted)
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            runner.start(1)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert runner.look()[1].pid is not None
    assert runner.look()[1].state is State.RUNNING
    assert runner.kill([1]) == []  # at once, whether it is Java yet or not
    assert runner.processes() == []


def test_a_child_is_no_server_of_another_home(
    tmp_path: Path, sleeper: Installation, runner: ProcessRunner
) -> None:
    runner.start(1)
    other = ProcessRunner(Home(tmp_path / "other"), Nodes(tmp_path / "other", sleeper))
    other.home.prepare()
    Ledger.load(runner.home.state_file).save(other.home.state_file)  # type: ignore[union-attr]
    assert other.look()[1].state is State.KILLED
    other.kill([1])
    assert runner.look()[1].state is State.RUNNING
    assert runner.kill([1]) == []


def test_a_server_is_all_of_its_processes(runner: ProcessRunner) -> None:
    runner.log_file(1).write_text("of an older start\n")
    runner.start(1)
    wait_until(lambda: runner.said(1) == b"here\nhere\n", "it and its child")
    assert alive(runner) == [State.RUNNING, State.RUNNING]
    assert runner.strays() == []
    runner.freeze(1)
    wait_until(lambda: alive(runner) == [State.PAUSED, State.PAUSED], "both to be frozen")
    assert runner.look()[1].state is State.PAUSED
    runner.thaw([1])
    assert alive(runner) == [State.RUNNING, State.RUNNING]
    assert runner.kill([1]) == []
    assert runner.processes() == []
    ending = runner.ending(1)
    assert ending is not None
    assert ending.signalled
    assert "SIGKILL" in ending.how


def test_a_child_whose_parent_was_killed_by_others_is_reaped(runner: ProcessRunner) -> None:
    runner.start(1)
    wait_until(lambda: runner.said(1) == b"here\nhere\n", "it and its child")
    pid = runner.look()[1].pid
    assert pid is not None
    psutil.Process(pid).kill()
    wait_until(lambda: runner.look()[1].state is State.KILLED, "its death")
    assert len(runner.strays()) == 1
    runner.reap()
    assert runner.processes() == []


def test_a_port_of_somebody_else(runner: ProcessRunner) -> None:
    port = runner.look()[1].port
    taken = rf"port {port}, which broker 1 had, is taken .*`labs down` and `labs up`"
    with listen(port), pytest.raises(PortTaken, match=taken):
        runner.start(1)
    assert runner.look()[1].state is State.STOPPED


# -- a server that is not Kafka is told of in words of its own -------------------------------------


class Sleeper(Program):
    """One process that sleeps, and knows no command of ours."""

    ids = (1,)
    disk = "data"

    def __init__(self, home: Path) -> None:
        self.mark = self._word = f"sleeper={home}"

    def name(self, server: int) -> str:
        return "sleeper"

    def label(self, server: int) -> str:
        return "the sleeper"

    def words(self, server: int) -> tuple[str, ...]:
        return (self._word,)

    def provide(self, tell: Tell) -> None:
        pass

    def new_facts(self) -> dict[str, str]:
        return {}

    def misfit(self, facts: Mapping[str, str]) -> str:
        return ""

    def launch(
        self, server: Record, ledger: Ledger, folder: Path, settings: Mapping[str, str]
    ) -> Launch:
        sleep = [sys.executable, "-c", "import time; time.sleep(600)", self._word]
        return Launch(sleep, folder, dict(os.environ))


@pytest.fixture
def sleeping(tmp_path: Path) -> Iterator[ProcessRunner]:
    """A runner of one server; nothing is written down of it, and its folder is not empty."""
    home = Home(tmp_path / "sleeping")
    home.prepare()
    runner = ProcessRunner(home, Sleeper(home.path))
    (home.data / "something").touch()
    runner.hold()
    yield runner
    runner.kill([1])
    runner.let_go()


def test_nothing_that_another_server_is_told_of_is_kafkas(
    sleeping: ProcessRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    with sleeping.starting(0, lambda text, _: told.append(text)):
        port = sleeping.look()[1].port
        with listen(port), pytest.raises(PortTaken, match="the sleeper had, is taken") as taken:
            sleeping.start(1)
        sleeping.start(1)
    monkeypatch.setattr(server_processes, "FREEZE_TIMEOUT_S", 0.0)
    monkeypatch.setattr(psutil.Process, "status", lambda _: psutil.STATUS_RUNNING)
    with pytest.raises(LabsError, match="the sleeper did not stop running within") as running:
        sleeping.freeze(1)
    told += [str(taken.value), str(running.value)]
    assert told[0] == "wiping the disks: what is on them is of servers unknown here"
    assert not re.search(r"`labs (up|down|status)|cluster|broker|Kafka", " ".join(told))
