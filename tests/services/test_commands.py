"""`labs services` and what else the command line knows of the servers beside Kafka."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labs.services.known import known
from labs.supervise.home import PROJECT
from tests.helpers import OFFLINE, Labs, wait_until


@pytest.fixture
def labs(tmp_path: Path) -> Iterator[Labs]:
    """The command line on a home without a cluster."""
    tmp_path.chmod(0o755)
    labs = Labs(tmp_path / "home")
    yield labs
    labs.run("down")
    assert labs.leftovers() == []


def test_a_list_of_all_even_where_nothing_was_started(labs: Labs) -> None:
    told = json.loads(labs.run("services", "--json").out)
    assert [one["name"] for one in told] and {one["name"] for one in told} == set(known())
    assert {one["state"] for one in told} == {None}
    assert {one["name"]: one["size_mb"] for one in told} == {
        name: server.download_mb for name, server in known().items()
    }
    assert all(one["download_mb"] in (0, one["size_mb"]) and one["nodes"] == [] for one in told)
    assert all(one["licence"] for one in told)
    assert all(one["version"] for one in told if known()[one["name"]].pinned)
    lines = labs.run("services").out.splitlines()
    assert lines[0].split()[:3] == ["name", "what", "state"]
    assert max(map(len, lines)) <= 100
    assert len(lines) == len(told) + 1
    assert not (labs.home.path / "services").exists(), "looking makes nothing"


def test_started_broken_and_stopped_by_commands(labs: Labs) -> None:
    answer = labs.run("services", "start", "postgres")
    assert answer.code == 0, answer.err
    assert answer.out.startswith("PostgreSQL ")
    (one,) = [o for o in json.loads(labs.run("services", "--json").out) if o["name"] == "postgres"]
    assert one["state"] == "running" and one["memory_mb"] > 0 and len(one["ports"]) == 1
    assert one["download_mb"] == 0 < one["size_mb"]
    (node,) = one["nodes"]
    assert (node["node"], node["state"]) == (1, "running")
    assert node["ports"] == {"clients": one["ports"][0]}
    assert "ready to accept connections" in labs.run("logs", "postgres").out
    for action, state in (("pause", "paused"), ("resume", "running"), ("kill", "killed")):
        assert labs.run("services", action, "postgres").code == 0
        assert f": {state}; fetched ({one['size_mb']} MB)" in labs.run("doctor").out
    told = labs.run("services", "pause", "postgres").sentence()
    assert "PostgreSQL is killed, so there is nothing to pause" in told
    assert labs.run("services", "start", "postgres").code == 0
    assert "PostgreSQL is down" in labs.run("services", "stop", "postgres").out
    assert "PostgreSQL was not up" in labs.run("services", "stop", "postgres").out


def test_down_stops_them_all(labs: Labs) -> None:
    assert labs.run("services", "start", "postgres").code == 0
    answer = labs.run("down")
    assert "PostgreSQL is down." in answer.out
    (one,) = [o for o in json.loads(labs.run("services", "--json").out) if o["name"] == "postgres"]
    assert one["state"] == "stopped"


def test_what_somebody_who_was_killed_has_left_behind(labs: Labs) -> None:
    place = labs.home.path / "services" / "pulsar"
    place.mkdir(parents=True)
    mark = f"-Dlabs.service={place}"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", mark]) as stray:
        wait_until(lambda: mark in psutil.Process(stray.pid).cmdline(), "its command line")
        told = labs.run("doctor")
        assert "✗ pulsar: processes of Pulsar were left behind" in told.out
        assert "`labs down`" in told.out
        assert labs.run("down").code == 0
        assert stray.wait(10) != 0


@pytest.mark.parametrize("words", [("start",), ("stop",), ("kill",), ("pause",), ("resume",)])
def test_a_server_that_is_none(labs: Labs, words: tuple[str, ...]) -> None:
    answer = labs.run("services", *words, "postgras")
    assert answer.code == 2
    assert "there is no server 'postgras'" in answer.sentence()
    assert "there is no server 'x'" in labs.run("logs", "x").sentence()


def test_those_that_need_kafka_say_so(labs: Labs) -> None:
    needing = [name for name, server in known().items() if server.needs_kafka]
    for name in needing:
        answer = labs.run("services", "start", name)
        assert answer.code == 3
        assert "`labs up` starts the cluster" in answer.sentence()
        assert not (labs.home.path / "services" / name / "state.json").exists()


def test_no_network_is_told_in_one_sentence(labs: Labs, tmp_path: Path) -> None:
    nowhere = {"LABS_CACHE": str(tmp_path / "cache"), "UV_CACHE_DIR": str(tmp_path / "uv")}
    answer = labs.run("services", "start", "postgres", **nowhere, **OFFLINE, UV_HTTP_RETRIES="0")
    assert answer.code == 1
    assert "the Python packages for postgres could not be installed" in answer.sentence()
    assert not [path for path in (tmp_path / "cache").glob("python-*-*") if path.is_dir()]


def test_makes_word_for_all_servers() -> None:
    done = subprocess.run(
        ["make", "-n", "setup", "SERVICES=all"], cwd=PROJECT, capture_output=True, text=True
    )
    assert "labs setup --services" in done.stdout
    wrong = subprocess.run(
        ["make", "setup", "SERVICES=some"], cwd=PROJECT, capture_output=True, text=True
    )
    assert wrong.returncode != 0
    assert "SERVICES is all" in wrong.stderr
