"""One home, seen from two machines: here, two pid namespaces, as two containers have them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from labs.supervise import machine
from labs.supervise.home import PROJECT
from tests.helpers import PATIENCE_S, Labs, wait_until

#: A container's view: no process but its own. Whatever began in it ends with it.
APART = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def can_unshare() -> str:
    """Why no pid namespace can be made here; empty where it can."""
    try:
        done = subprocess.run([*APART, "true"], capture_output=True, text=True)
    except FileNotFoundError:
        return "there is no `unshare` here"
    return done.stderr.strip()


pytestmark = pytest.mark.skipif(bool(why := can_unshare()), reason=why or "it can")


@pytest.fixture
def other(labs: Labs) -> Labs:
    """The same home, as another machine sees it."""
    found = Labs(labs.home.path)
    found.wrapper = APART
    return found


def kept(labs: Labs) -> dict[str, bytes]:
    """What the machines share and no other must touch; the watchdog alone touches the claim."""
    files = [labs.home.state_file, labs.home.faults_file, *labs.home.leases.iterdir()]
    return {file.name: file.read_bytes() for file in files if file.exists()}


def test_the_other_machine_is_told_whose_it_is_and_touches_nothing(labs: Labs, other: Labs) -> None:
    labs.up()
    assert labs.run("kill", "1").code == 0
    before = (labs.jvms(), labs.watchdogs(), kept(labs))
    commands = [
        *(("up",), ("down",), ("down", "--if-idle"), ("reset",), ("reset", "--hard"), ("status",)),
        *((fault, "1") for fault in ("kill", "pause", "resume", "stop", "start")),
        *(("logs",), ("run", "acks.latency"), ("study", "--no-browser")),
    ]
    for command in commands:
        answer = other.run(*command)
        assert answer.code == 1, command
        sentence = answer.sentence()
        assert "another machine runs the cluster of" in sentence, command
        assert socket.gethostname() in sentence and ", since " in sentence, command
    assert "another machine runs the cluster of" in other.run("doctor").out

    connect = [*APART, sys.executable, "-c", "import labs; labs.connect()"]
    environment = {**os.environ, "LABS_HOME": str(labs.home.path)}
    done = subprocess.run(
        connect, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert "Elsewhere: another machine runs the cluster of" in done.stderr

    assert (labs.jvms(), labs.watchdogs(), kept(labs)) == before
    labs.up()  # and here everything goes on


@contextmanager
def container(other: Labs) -> Iterator[subprocess.Popen[bytes]]:
    """`labs up` in a namespace of its own, which then stays."""
    command = f"{sys.executable} -m labs up --for 0.2 && echo up && exec sleep 600"
    environment = {**os.environ, "LABS_HOME": str(other.home.path)}
    with subprocess.Popen(
        [*APART, "sh", "-c", command], cwd=PROJECT, env=environment, stdout=subprocess.PIPE
    ) as running:
        try:
            assert running.stdout is not None
            assert b"up\n" in iter(running.stdout.readline, b""), "it did not start"
            yield running
        finally:
            running.kill()


def test_a_container_that_was_removed_is_followed_by_another(labs: Labs, other: Labs) -> None:
    with container(other) as first:
        assert "another machine runs the cluster of" in labs.run("up").sentence()
        bootstrap = labs.state().servers
        first.kill()
        first.wait()
        wait_until(lambda: not labs.leftovers(), "the end of all that ran in the container")
    answer = labs.run("up", "--json", "--for", "0.2")
    assert answer.code == 0, answer.err
    assert "looking whether" in answer.err  # it was heard of a moment ago
    assert {i: n.port for i, n in labs.state().servers.items()} == {
        i: n.port for i, n in bootstrap.items()
    }


def test_who_was_cut_off_ends_what_it_has(labs: Labs) -> None:
    """A laptop that slept, and whose cluster another machine has taken over meanwhile."""
    labs.up()
    claim = labs.home.path / "machine.json"
    claim.write_text('{"boot": "another", "pids": "pid:[1]", "host": "elsewhere", "since": 1}')
    wait_until(lambda: not labs.leftovers(), "the watchdog to end what is not ours any more")
    os.utime(claim, (1, 1))
    assert machine.elsewhere(labs.home.path) is None
