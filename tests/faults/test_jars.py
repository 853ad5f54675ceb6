"""Jars that are damaged, cut off or missing, with and without the network."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from jgo.constants import MAVEN_CENTRAL_URL

from labs.kafka.jars import KAFKA
from labs.supervise.ledger import Ledger
from tests.helpers import OFFLINE, Labs, finish, wait_until

MAVEN_CENTRAL = (urlsplit(MAVEN_CENTRAL_URL).hostname, 443)


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a private copy of all jars."""
    ours = KAFKA.folder
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / "cache"))
    shutil.copytree(ours, KAFKA.folder)
    return KAFKA.folder


def smallest(jars: Path) -> Path:
    return min(jars.iterdir(), key=lambda jar: jar.stat().st_size)


def flip_a_byte(jar: Path) -> None:
    content = bytearray(jar.read_bytes())
    content[len(content) // 2] ^= 1
    jar.write_bytes(content)


def cut_off(jar: Path) -> None:
    os.truncate(jar, jar.stat().st_size // 2)


@pytest.mark.parametrize("damage", [flip_a_byte, cut_off, Path.unlink])
def test_damage_is_told_when_there_is_no_network(
    labs: Labs, jars: Path, damage: Callable[[Path], None]
) -> None:
    jar = smallest(jars)
    damage(jar)
    assert [broken.file_name for broken in KAFKA.broken()] == [jar.name]
    answer = labs.run("up", **OFFLINE)
    assert answer.code == 1
    assert f"{jar.name} could not be had from Maven Central" in answer.sentence()
    assert "check the network" in answer.err
    assert labs.jvms() == []
    if damage is not Path.unlink:
        assert "1 damaged" in labs.run("doctor").out
    else:
        assert "1 missing" in labs.run("doctor").out


def test_damage_is_mended_from_the_network(jars: Path) -> None:
    try:
        socket.create_connection(MAVEN_CENTRAL, timeout=5).close()
    except OSError as error:
        if not {"HTTPS_PROXY", "https_proxy"} & set(os.environ):
            pytest.skip(f"Maven Central can't be reached ({error})")
    first, second, third = sorted(jars.iterdir(), key=lambda jar: jar.stat().st_size)[:3]
    flip_a_byte(first)
    cut_off(second)
    third.unlink()
    leftover = KAFKA.place / "staging-of-a-killed-download"
    leftover.mkdir()
    (leftover / "half.jar").write_bytes(b"half")

    assert len(KAFKA.broken()) == 3
    KAFKA.ensure()
    assert KAFKA.broken() == []
    assert not leftover.exists()
    assert len(list(jars.iterdir())) == len(KAFKA.jars)


def test_intact_jars_need_no_network(jars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    before = {jar: jar.stat().st_mtime_ns for jar in jars.iterdir()}
    KAFKA.ensure()
    assert {jar: jar.stat().st_mtime_ns for jar in jars.iterdir()} == before


def test_a_first_start_killed_while_it_learns_the_classes(labs: Labs, jars: Path) -> None:
    training = Labs(KAFKA.place / "training")

    def learning() -> bool:
        state = Ledger.load(training.home.state_file)
        return state is not None and state.is_whole()

    up = labs.begin("up")
    wait_until(learning, "the cluster that is only there to be learnt from")
    up.kill()
    finish(up)
    wait_until(lambda: not training.leftovers(), "the end of a cluster whose user was killed")
    assert list(KAFKA.place.glob("making-*")) != []  # what it had begun

    labs.up()
    made = {path.suffix or path.name for path in KAFKA.place.iterdir()}
    assert made == {"jars", ".checkpoint", ".jsa", ".lock"}
