"""Terminals that can't show a sign; streams that are closed, full, or that nobody reads."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from labs.kafka.cluster import State
from labs.kafka.local import LocalCluster
from labs.supervise.home import PROJECT

LABS = shlex.quote(str(Path(sys.executable).with_name("labs")))
MODULE = f"{shlex.quote(sys.executable)} -m labs"


def shell(script: str, **environment: str) -> tuple[int, bytes, bytes]:
    """What a shell's script says, on a pipe each, and how it ended."""
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert b"Traceback" not in done.stderr, done.stderr
    assert b"Exception ignored" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("labs", [LABS, MODULE], ids=["labs", "python -m labs"])
@pytest.mark.parametrize("encoding", ["euc-kr", "cp949", "ascii", "latin-1"])
def test_signs_that_a_terminal_cannot_show(cluster: LocalCluster, labs: str, encoding: str) -> None:
    cluster.pause(1)
    cluster.kill(2)
    code, out, err = shell(f"{labs} status", PYTHONIOENCODING=encoding)
    assert (code, err) == (0, b"")
    lines = out.decode(encoding).splitlines()
    assert [line.split()[:4] for line in lines[2:4]] == [
        ["||", "1", "broker", "paused"],
        ["x", "2", "broker", "killed"],
    ]
    code, out, _ = shell(f"{labs} status --json", PYTHONIOENCODING=encoding)
    assert code == 0
    assert json.loads(out)["home"] == str(cluster.home.path)


@pytest.mark.parametrize("command", ["experiments", "--help", "nonsense", "experiments --json"])
@pytest.mark.parametrize("variable", [("PYTHONIOENCODING", "ascii"), ("LC_ALL", "C")])
def test_exit_codes_are_those_of_utf8(command: str, variable: tuple[str, str]) -> None:
    usual = shell(f"{LABS} {command}")
    plain = shell(f"{LABS} {command}", **dict([variable]))
    assert plain[0] == usual[0]
    if "--json" in command:
        assert json.loads(plain[1]) == json.loads(usual[1])


CLOSED = [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "> /dev/full", "2> /dev/full", "&> /dev/full"]


@pytest.mark.parametrize("streams", [*CLOSED, "| true", "2>&1 | true"])
def test_the_work_is_done(cluster: LocalCluster, streams: str) -> None:
    """By commands that tell little and by those that tell much on their way."""
    script = f"set -o pipefail; {LABS} pause 1 {streams} && {LABS} up {streams}"
    code, out, err = shell(f"{LABS} kill 2 {streams}; {script}")
    assert code == 0, (out, err)
    states = {node.id: node.state for node in cluster.status().nodes}
    assert set(states.values()) == {State.RUNNING}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("status >&-", 0),
        ("status --json >&-", 0),
        ("status > /dev/full", 1),  # what it is for is lost
        ("status --json > /dev/full", 1),
        ("experiments > /dev/full", 1),
        ("kill 77 2>&-", 2),
        ("kill 77 >&- 2>&-", 2),
        ("experiments | head -1", 0),
        ("logs 1 -n 1000 | head -1", 0),
        ("logs -f | head -1", 0),
        ("logs -f -n 0 | sleep 1", 0),
        ("--help | true", 0),
    ],
)
def test_exit_codes(cluster: LocalCluster, command: str, code: int) -> None:
    ended, out, err = shell(f"set -o pipefail; {LABS} {command}")
    assert ended == code, (out, err)
    if "/dev/full" in command:
        assert err == b"labs: the output can't be written (No space left on device).\n"


def test_only_json_is_on_standard_output(cluster: LocalCluster) -> None:
    cluster.kill(1)
    for command in ("up --json", "status --json", "experiments --json"):
        _, out, _ = shell(f"{LABS} {command} 2>&-")
        json.loads(out)
