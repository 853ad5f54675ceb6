"""What is told to a learner: errors as one sentence, progress as short lines, a doctor's advice."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from labs.app import doctor
from labs.app.doctor import examine
from labs.base.errors import BadInput, LabsError, NotUp
from labs.base.progress import progress
from labs.kafka.jars import KAFKA
from labs.services import erlang
from labs.services.kinds import postgres
from labs.services.known import known
from labs.supervise.home import Home, disk_error, require_space


def test_a_sentence() -> None:
    assert str(LabsError("the cluster is not up")) == "the cluster is not up."
    error = LabsError(
        "broker 1 died",
        because="Address already in use",
        log=Path("/x/broker-1.log"),
        hint="mend that",
    )
    assert str(error) == (
        "broker 1 died; its log says: Address already in use; the log is /x/broker-1.log;"
        " mend that."
    )


def test_exit_codes() -> None:
    assert [e.exit_code for e in (LabsError("x"), BadInput("x"), NotUp("x"))] == [1, 2, 3]


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "is full"), (errno.EROFS, "Read-only"), (errno.EACCES, "Permission denied")],
)
def test_what_the_disk_says(number: int, told: str) -> None:
    import os

    error = disk_error(OSError(number, os.strerror(number)), Path("/x"), "LABS_HOME")
    assert told in str(error)
    assert "/x" in str(error)
    assert "LABS_HOME" in error.hint


def test_too_little_space(tmp_path: Path) -> None:
    require_space(tmp_path, 0, "LABS_HOME")
    with pytest.raises(LabsError, match="MB are free on the disk of"):
        require_space(tmp_path, 10**9, "LABS_HOME")


def test_progress_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as tell:
        tell("downloading", 0.1)
        tell("downloading", 0.9)
        tell("starting", None)
    captured = capsys.readouterr()
    assert captured.err == "… downloading\n… starting\n"
    assert captured.out == ""


def test_how_far_a_long_step_is_without_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labs.base.progress.QUIET_S", 0.0)
    with progress() as tell:
        for part in range(9):
            tell("downloading", part / 8)
    told = capsys.readouterr().err.splitlines()
    assert told == ["… downloading", *(f"… downloading: {part} %" for part in (25, 50, 75, 100))]


def test_long_work_is_not_silent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labs.base.progress.SILENT_S", 0.1)
    told = ""
    with progress() as tell:
        tell("starting", None)
        deadline = time.monotonic() + 30
        while "… starting: 0 s so far\n" not in told:
            assert time.monotonic() < deadline
            told += capsys.readouterr().err


def test_no_command_shows_the_commands_and_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-m", "labs"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ") and "\n  doctor " in done.stderr
    assert done.stdout == ""


def test_home_of_a_learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "a b"))
    home = Home.current()
    assert home.path == tmp_path / "a b"
    assert not home.path.exists()  # naming it makes nothing
    told: list[str] = []
    with (
        home.lock(),
        pytest.raises(LabsError, match="another labs command has been"),
        home.lock(0.05, tell=lambda text, _: told.append(text)),
    ):
        pass
    assert told == ["waiting for another labs command to finish"]
    with home.lock(0):  # let go again
        pass


def findings() -> dict[str, doctor.Diagnosis]:
    return {finding.name: finding for finding in examine()}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, and no RabbitMQ on PATH."""
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr(erlang, "on_path", lambda: None)
    return tmp_path / "empty"


def test_doctor_finds_a_small_container(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for room, good in ((10, False), (0, False), (100_000, True)):
        monkeypatch.setattr(doctor, "memory_room_mb", lambda room=room: room)
        memory = findings()["memory"]
        assert f"{room} MB left in this container" in memory.found
        assert memory.good == good


def test_doctor_finds_what_is_missing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("LABS_JAVA", str(tmp_path / "nothing"))
    monkeypatch.setattr(doctor, "MIN_FREE_MB", 10**9)
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (99, 0))
    monkeypatch.setattr("labs.supervise.ports.LAST", 0)  # not a single port to choose from
    home.touch()  # a file where the folder should be
    found = findings()
    bad = {name for name, finding in found.items() if not finding.good}
    assert bad == {"Python", "Java", "jars", "home", "disk", "ports"}
    assert all(found[name].mend for name in bad)
    assert "missing and 0 damaged" in found["jars"].found
    assert found["Java"].mark == "✗"


def test_doctor_finds_no_room_for_the_download(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(KAFKA, "needed_mb", 10**9)
    cache = findings()["cache"]
    assert "MB are needed" in cache.found
    assert "set LABS_CACHE" in cache.mend
    KAFKA.folder.mkdir(parents=True)  # what was fetched once needs no more room
    assert findings()["cache"].good


def test_doctor_knows_each_server(home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here nothing is fetched, and no other system's package manager is asked."""
    for there in (True, False):
        monkeypatch.setattr(erlang, "is_here", lambda there=there: there)
        found = findings()
        for name, server in known().items():
            assert found[name].good
            assert f"{server.product}" in found[name].found
            assert "never started; " in found[name].found
            if name == "rabbitmq" and not there:
                assert "can't be had here: there is no `rabbitmq-server`" in found[name].found
            else:
                assert f"not fetched yet ({server.download_mb} MB" in found[name].found
    assert not home.exists() or not (home / "services").exists(), "looking makes nothing"


def test_doctor_finds_programs_that_do_not_run(cache: Path, home: Path) -> None:
    """To this check PostgreSQL's and RabbitMQ's own errors send whoever meets them."""
    program = postgres.PACKAGES.folder / postgres.BIN / "postgres"
    erlexec = erlang.packages_place() / "usr" / "lib" / "erlang" / "erts-1" / "bin" / "erlexec"
    for file in (program, erlexec):
        file.parent.mkdir(parents=True)
        file.write_text("#!/bin/sh\necho 'no such library' >&2; exit 127\n")
        file.chmod(0o755)
    (cache / "python-rabbitmq").mkdir()
    found = findings()
    assert "PostgreSQL's programs do not run here" in found["postgres"].found
    assert "no such library" in found["postgres"].found
    assert f"delete {postgres.PACKAGES.folder}" in found["postgres"].mend
    assert "what apt has fetched of RabbitMQ is not as we know it" in found["rabbitmq"].found
    plugin = erlang.packages_place() / "usr/lib/rabbitmq/lib/rabbitmq_server-3.1/plugins/rabbit-3.1"
    plugin.mkdir(parents=True)
    told = findings()["rabbitmq"]
    assert "the Erlang that came with RabbitMQ does not run (no such library)" in told.found
    assert f"delete {erlang.packages_place()}" in told.mend


def test_doctor_looks_at_the_backend_that_is_meant(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABS_CLUSTER", "compose")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    found = findings()
    assert not found["engine"].good
    assert found["engine"].found == "no container engine answers at unix:///nowhere/docker.sock"
    assert "Java" not in found
    monkeypatch.setenv("LABS_CLUSTER", "external")
    monkeypatch.setenv("LABS_BOOTSTRAP", "127.0.0.1:1")
    found = findings()
    assert not found["Kafka"].good
    assert "127.0.0.1:1" in found["Kafka"].found
    assert "engine" not in found


def test_doctor_never_crashes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError("no")

    monkeypatch.setattr(psutil, "process_iter", refuse)
    assert "could not be checked (no)" in findings()["processes"].found
