"""The state file, and how we recognise our own processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labs.base.errors import LabsError
from labs.base.files import write_atomically
from labs.kafka.cluster import NODE_IDS, Role, name_of, role_of
from labs.kafka.local import runner_of
from labs.supervise.home import Home
from labs.supervise.identity import birth, kill_all, living, wait_over
from labs.supervise.ledger import Ledger, Record
from labs.supervise.processes import ProcessRunner
from labs.supervise.runner import State
from tests.helpers import wait_until

SLEEP = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]


def runner_in(folder: Path) -> ProcessRunner:
    return runner_of(Home(folder))


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that bears the marks of broker 1 of the home `tmp_path`."""
    command = [*SLEEP, *runner_in(tmp_path).program.words(1)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


def node_of(process: subprocess.Popen[bytes], node_id: int = 1, later: float = 0.0) -> Record:
    born = birth(psutil.Process(process.pid))
    return Record(node_id, 19091, process.pid, born + later, State.RUNNING)


def test_saved_and_loaded(tmp_path: Path) -> None:
    node = Record(1, 19091, 4711, 12.5, State.PAUSED)
    state = Ledger(
        {"cluster_id": "id", "kafka_version": "4.3.1"}, 3.9, {1: node, 100: Record(100, 19090)}
    )
    state.save(tmp_path / "state.json")
    assert Ledger.load(tmp_path / "state.json") == state
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"nodes": [{"id": 1}]}', "null", '"x"'])
def test_file_that_makes_no_sense(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    assert Ledger.load(tmp_path / "state.json") is None


def test_file_that_is_not_there(tmp_path: Path) -> None:
    assert Ledger.load(tmp_path / "state.json") is None


def test_file_that_can_not_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    with pytest.raises(LabsError, match=r"can't be read \(Is a directory\)"):
        Ledger.load(tmp_path)


def test_roles_and_names() -> None:
    assert {node: (role_of(node), name_of(node)) for node in NODE_IDS} == {
        1: (Role.BROKER, "broker-1"),
        2: (Role.BROKER, "broker-2"),
        3: (Role.BROKER, "broker-3"),
        100: (Role.CONTROLLER, "controller"),
    }


@pytest.mark.parametrize(
    ("ready_s", "wanted", "whole"),
    [
        (3.9, State.RUNNING, True),
        (3.9, State.KILLED, True),  # a learner's doing: not the watchdog's business
        (None, State.RUNNING, False),  # a start that was cut short
        (3.9, State.STOPPED, False),
    ],
)
def test_whole(ready_s: float | None, wanted: State, whole: bool) -> None:
    state = Ledger({}, ready_s, {1: Record(1, 19091, wanted=wanted)})
    assert state.is_whole() == whole


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(target, "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_pid_birth_and_command_line_must_agree(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    found = runner_in(tmp_path).servers.first(node_of(process))
    assert found is not None
    assert found.pid == process.pid
    assert runner_in(tmp_path).servers.first(node_of(process, later=60.0)) is None
    assert runner_in(tmp_path).servers.first(node_of(process, node_id=2)) is None
    assert runner_in(tmp_path / "other").servers.first(node_of(process)) is None
    assert runner_in(tmp_path).processes() == [process.pid] == runner_in(tmp_path).strays()
    assert runner_in(tmp_path / "other").processes() == []
    assert runner_in(tmp_path / "oth").processes() == []


@pytest.mark.parametrize(
    ("pid", "create_time"), [(None, 1.0), (1, None), ("1", 1.0), (-1, 1.0), (10**30, 1.0), (1, "x")]
)
def test_no_process_for_a_record_that_makes_no_sense(pid: object, create_time: object) -> None:
    assert living(pid, create_time) is None


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere the system writes the time down once")
def test_a_clock_that_is_set_makes_nobody_a_stranger(
    tmp_path: Path, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = node_of(process)
    before = psutil.Process(process.pid).create_time()
    boot = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600)  # as Linux tells it then
    assert psutil.Process(process.pid).create_time() == pytest.approx(before + 3600, abs=2)
    assert runner_in(tmp_path).servers.first(node) is not None


def test_a_zombie_does_not_live(process: subprocess.Popen[bytes]) -> None:
    ours = psutil.Process(process.pid)
    born = birth(ours)
    assert living(process.pid, born) == ours
    assert living(process.pid, born, ("no such word",)) is None
    kill_all([ours])
    assert ours.status() == psutil.STATUS_ZOMBIE
    assert living(process.pid, born) is None


FIRST_THREAD_ENDS = """
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells of a zombie there")
def test_a_process_lives_until_its_last_thread_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", FIRST_THREAD_ENDS], stdin=subprocess.PIPE)
    assert child.stdin is not None
    ours = psutil.Process(child.pid)
    born = birth(ours)
    wait_until(lambda: ours.status() == psutil.STATUS_ZOMBIE, "its first thread to end")
    assert child.poll() is None
    assert living(child.pid, born) == ours
    assert not wait_over([ours], timeout_s=0.05)
    child.stdin.close()
    assert wait_over([ours], timeout_s=30)
    assert living(child.pid, born) is None
    child.wait()


def test_observed(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    runner, ledger = runner_in(tmp_path), Ledger({}, 1.0, {1: node_of(process)})

    def seen() -> tuple[State, int | None]:
        ledger.save(runner.home.state_file)
        server = runner.look()[1]
        return server.state, server.pid

    ours = psutil.Process(process.pid)
    assert seen() == (State.RUNNING, process.pid)
    ours.suspend()
    while ours.status() != psutil.STATUS_STOPPED:
        pass
    assert seen() == (State.PAUSED, process.pid)
    ledger.servers[1].wanted = State.STOPPED
    ours.resume()
    assert seen() == (State.STOPPING, process.pid)
    kill_all([ours])
    assert seen() == (State.STOPPED, None)
    ledger.servers[1].wanted = State.RUNNING
    assert seen() == (State.KILLED, None)


def test_a_zombie_is_not_waited_for(process: subprocess.Popen[bytes]) -> None:
    ours = psutil.Process(process.pid)
    assert not wait_over([ours], timeout_s=0.05)
    ours.kill()  # and nobody reaps it
    assert wait_over([ours], timeout_s=30)
    assert ours.status() == psutil.STATUS_ZOMBIE
