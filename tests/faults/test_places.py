"""Folders that can't be written, are full, or are named in Korean; Java that is none."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labs.kafka.installation import ensure_installation
from labs.kafka.jars import KAFKA
from labs.supervise.home import PROJECT
from tests.faults.conftest import ODD_NAME
from tests.helpers import Labs


def own_mounts() -> tuple[str, ...]:
    """A wrapper that gives a command mounts of its own, which end with it."""
    for flags in (["-m"], ["-rm"]):  # root; anybody, where user namespaces are allowed
        wrapper = ("unshare", *flags)
        trial = [*wrapper, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]
        if shutil.which("unshare") and subprocess.run(trial, capture_output=True).returncode == 0:
            return wrapper
    pytest.skip("this machine lets nobody mount a small or read-only disk of his own")


def on_disk(home: Path, options: str) -> tuple[str, ...]:
    """A wrapper that runs a command with a disk of its own mounted at `home`."""
    home.mkdir(exist_ok=True)
    mount = f"mount -t tmpfs -o {options} tmpfs {shlex.quote(str(home))}"
    return (*own_mounts(), "sh", "-c", f'{mount} && exec "$@"', "sh")


def test_read_only_home(labs: Labs) -> None:
    labs.wrapper = on_disk(labs.home.path, "ro")
    answer = labs.run("up")
    assert answer.code == 1
    assert f"{labs.home.path} can't be written (Read-only file system)" in answer.sentence()
    assert "set LABS_HOME" in answer.err
    assert labs.run("status").code == 3
    told = labs.run("doctor")
    assert told.code == 1
    assert f"✗ home: {labs.home.path} can't be written" in told.out
    labs.wrapper = ()


def test_home_that_may_not_be_written(labs: Labs) -> None:
    labs.home.path.mkdir(mode=0o500)
    if os.access(labs.home.path, os.W_OK):
        pytest.skip("root may write everywhere")
    answer = labs.run("up")
    assert answer.code == 1
    assert "can't be written (Permission denied)" in answer.sentence()
    labs.home.path.chmod(0o700)


def test_home_that_is_a_file(labs: Labs) -> None:
    labs.home.path.touch()
    answer = labs.run("up")
    assert answer.code == 1
    assert "can't be written" in answer.sentence()
    labs.home.path.unlink()


def test_no_space(labs: Labs) -> None:
    labs.wrapper = on_disk(labs.home.path, "size=2m")
    answer = labs.run("up")
    assert answer.code == 1
    assert "2 MB are free" in answer.sentence()
    assert "300 MB are needed" in answer.err
    labs.wrapper = on_disk(labs.home.path, "nr_inodes=1")  # the system itself says ENOSPC
    answer = labs.run("up")
    assert answer.code == 1
    assert "is full" in answer.sentence()
    labs.wrapper = ()


def test_disk_that_is_full_by_now(labs: Labs) -> None:
    """A cluster that has filled its disk can still be looked at, broken, wiped and stopped."""
    labs.wrapper = on_disk(labs.home.path, "size=400m")
    command = shlex.join([sys.executable, "-m", "labs"])
    full = shlex.quote(str(labs.home.data / "broker-1" / "full"))
    script = f"""
        {command} up --json --for 0.2 && cat /dev/zero > {full}
        {command} status
        {command} kill 2
        {command} reset --hard && {command} status --json
        {command} down
    """
    done = subprocess.run(
        [*labs.wrapper, "sh", "-c", script],
        cwd=PROJECT,
        env={**os.environ, "LABS_HOME": str(labs.home.path)},
        capture_output=True,
        text=True,
    )
    labs.wrapper = ()
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "kill 2 was done, but can't be written down (No space left on device)" in done.stderr
    after = json.loads(done.stdout.splitlines()[-2])
    assert {node["state"] for node in after["nodes"]} == {"running"}
    assert done.stdout.endswith("The cluster is down.\n")
    assert labs.leftovers() == []


@pytest.mark.parametrize("name", [ODD_NAME, "a;b'c\"d%p*e$f\\g", "*"])
def test_oddly_named_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Java finds the jars there, and is told of its own files there (all homes here are odd)."""
    jars = KAFKA.folder
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / name))
    shutil.copytree(jars, KAFKA.folder)
    installation = ensure_installation()  # runs Kafka's storage tool
    assert str(tmp_path / name) in installation.class_path
    assert installation.checkpoint.stat().st_size > 0


@pytest.mark.parametrize("variable", ["LABS_CACHE", "XDG_CACHE_HOME", "HOME"])
def test_a_cache_that_java_could_not_find(labs: Labs, tmp_path: Path, variable: str) -> None:
    place = tmp_path / "2026-11-25 10:30"
    for name in ("LABS_CACHE", "XDG_CACHE_HOME"):
        labs.environment[name] = ""
    labs.environment[variable] = str(place)
    told = labs.run("up")
    assert told.code == 2
    assert "holds ':', with which Java separates one path from the next" in told.sentence()
    assert "set LABS_CACHE to a folder without that sign" in told.err
    assert "✗ cache: " in labs.run("doctor").out
    assert not place.exists()


@pytest.mark.parametrize("variable", ["LABS_HOME", "LABS_CACHE"])
@pytest.mark.parametrize("place", ["~no-such-user/labs", "two\nlines"])
def test_a_place_that_is_none(labs: Labs, variable: str, place: str) -> None:
    told = labs.run("up", **{variable: place})
    assert told.code == 2
    assert f"set {variable} to " in told.sentence()


def test_a_user_without_a_name_and_a_home(labs: Labs) -> None:
    """As `docker run --user 12345`, where no variable says where to write."""
    labs.wrapper = ("unshare", "--user", "--map-user=12345", "env", "-u", "HOME")
    labs.wrapper += ("-u", "LABS_CACHE", "-u", "XDG_CACHE_HOME")
    if subprocess.run([*labs.wrapper, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody be somebody without a name")
    told = labs.run("up")
    assert told.code == 2
    assert "this user has no home folder" in told.sentence()
    assert "set LABS_CACHE to a folder that you may write" in told.err
    assert labs.run("status").code == 3
    assert "✗ cache: this user has no home folder" in labs.run("doctor").out
    labs.wrapper = ()


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (None, 0, "there is no working Java at"),
        ("not a program", 0o644, "there is no working Java at"),
        ("not a program", 0o755, "there is no working Java at"),
        ("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n", 0o755, "is Java 11.0.2, and Kafka"),
        ("#!/bin/sh\necho 'java version \"1.8.0_402\"' >&2\n", 0o755, "is Java 8.0_402, and Kafka"),
    ],
    ids=["nothing", "no program", "no script", "Java 11", "Java 8"],
)
def test_java(labs: Labs, tmp_path: Path, content: str | None, mode: int, told: str) -> None:
    java = tmp_path / "java"
    if content is not None:
        java.write_text(content)
        java.chmod(mode)
    answer = labs.run("up", LABS_JAVA=str(java))
    assert answer.code == 1
    assert told in answer.sentence()
    assert "unset LABS_JAVA" in answer.err
    assert labs.jvms() == []
    if mode == 0:
        doctor = labs.run("doctor", LABS_JAVA=str(java))
        assert (doctor.code, f"✗ Java: {told}" in doctor.out) == (1, True)
