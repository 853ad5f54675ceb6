"""Many starts at once; pids and ports that belong to others."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from labs.kafka.cluster import State
from labs.supervise.identity import birth
from tests.helpers import Labs, finish, listen, wait_until


@pytest.fixture
def stranger() -> Iterator[psutil.Popen]:
    """A program that is not ours."""
    with psutil.Popen(["sleep", "600"]) as sleep:
        yield sleep
        sleep.kill()


def test_recorded_pids_and_ports_that_others_have_now(labs: Labs, stranger: psutil.Popen) -> None:
    first = labs.up()
    assert labs.run("down").code == 0
    # The state as an unclean end of the machine leaves it, each pid with another program by now.
    state = labs.state()
    for node in state.servers.values():
        node.pid, node.wanted = stranger.pid, State.RUNNING
        node.create_time = birth(stranger) if node.id == 3 else node.create_time
    state.save(labs.home.state_file)
    (labs.home.path / "watchdog.json").write_text(
        json.dumps({"pid": stranger.pid, "create_time": birth(stranger)})
    )

    assert {node["state"] for node in labs.status()["nodes"]} == {"killed"}
    assert labs.run("kill", "3").code == 1
    assert labs.run("down").code == 0
    assert stranger.is_running()

    with ExitStack() as taken:
        for node in first["nodes"]:
            taken.enter_context(listen(node["port"]))
        second = labs.up()
    assert stranger.is_running()
    assert second["cluster_id"] == first["cluster_id"]
    assert not {n["port"] for n in first["nodes"]} & {n["port"] for n in second["nodes"]}

    # The port of a killed broker goes to somebody else: `start` refuses, `up` finds new ones.
    assert labs.run("kill", "1").code == 0
    with listen(second["nodes"][0]["port"]):
        assert "is taken by another program" in labs.run("start", "1").sentence()
        third = labs.up()
    assert third["nodes"][0]["port"] != second["nodes"][0]["port"]


def test_port_taken_between_choice_and_start(labs: Labs) -> None:
    up = labs.begin("up", "--json")
    wait_until(labs.home.state_file.exists, "the choice of ports")
    port = labs.state().servers[1].port
    # A JVM needs a second until it listens: we are first. And this one answers, but not as Kafka.
    with HTTPServer(("127.0.0.1", port), BaseHTTPRequestHandler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        answer = finish(up)
        web.shutdown()
    assert answer.code == 0, answer.err
    assert port not in [node["port"] for node in json.loads(answer.out)["nodes"]]
    assert len(labs.jvms()) == 4


def test_process_that_nobody_remembers(labs: Labs) -> None:
    """One of ours by its command line, but in no state file."""
    labs.home.prepare()
    mark = f"-Dlabs.home={labs.home.path}"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", mark]) as stray:
        time.sleep(0.2)
        told = labs.run("doctor")
        assert f"{stray.pid} were left behind" in told.out
        assert "`labs down`" in told.out
        assert told.code == 1
        assert labs.run("down").code == 0
        assert stray.wait(10) != 0


def test_a_state_file_that_is_lost_while_the_cluster_runs(labs: Labs) -> None:
    first = labs.up()
    labs.home.state_file.unlink()
    second = labs.up()  # nobody knows the old one's ids any more: it made way
    assert second["cluster_id"] != first["cluster_id"]


def test_many_starts_at_once_in_two_homes(labs: Labs, tmp_path: Path) -> None:
    other = Labs(tmp_path / "other")
    ups = [home.begin("up", "--json") for home in (labs, other, labs, labs, labs)]
    answers = [finish(up) for up in ups]
    try:
        assert [answer.code for answer in answers] == [0] * 5, [answer.err for answer in answers]
        mine, theirs, *same = (json.loads(answer.out) for answer in answers)
        assert same == [mine] * 3
        assert mine == labs.up()  # one cluster, though four started it
        assert theirs == other.up()
        assert mine["cluster_id"] != theirs["cluster_id"]
        assert not {n["port"] for n in mine["nodes"]} & {n["port"] for n in theirs["nodes"]}

        assert labs.run("down").code == 0
        assert labs.leftovers() == []
        assert other.status() == theirs
    finally:
        assert other.run("down").code == 0
    assert other.leftovers() == []
