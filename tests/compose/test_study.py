"""The service `study`: JupyterLab with its token, for an ordinary user who can break brokers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.supervise.engine import COMPOSE_FILE
from labs.supervise.home import PROJECT
from tests.compose.conftest import COMMAND_TIMEOUT_S, PROJECT_NAME, containers, docker
from tests.helpers import wait_until

PORT = 18888
IMAGE = "kafka-labs-study-test"
NAME = f"{PROJECT_NAME}-study-1"
BUILD_TIMEOUT_S = 1700


@pytest.fixture(scope="module")
def study(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All of `docker compose up`, with an image built of this very tree."""
    try:
        built = subprocess.run(
            [Path(__file__).with_name("study-image")],
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the image was not built in {BUILD_TIMEOUT_S} s")
    if "debootstrap is needed" in built.stderr:
        pytest.skip("the base of the image can't be pulled here, and debootstrap is not installed")
    assert built.returncode == 0, built.stderr[-3000:]
    ours = tmp_path_factory.mktemp("study") / "study.yml"
    ours.write_text(f"services: {{study: {{image: {IMAGE}}}}}\n")
    files = ("--file", str(COMPOSE_FILE), "--file", str(ours))
    up = docker(
        *("compose", *files, "--project-name", PROJECT_NAME, "up", "--detach", "--no-build"),
        cwd=PROJECT,
        env={**os.environ, "LABS_STUDY_PORT": str(PORT)},
        timeout=COMMAND_TIMEOUT_S,
    )
    assert up.returncode == 0, up.stderr
    wait_until(lambda: "token=" in log(), "JupyterLab to say its address", COMMAND_TIMEOUT_S)
    yield
    docker("rm", "--force", "--volumes", NAME)


def log() -> str:
    said = docker("logs", NAME)
    return said.stdout + said.stderr


def asked(path: str, token: str = "") -> int:
    """The status with which JupyterLab answers."""
    headers = {"Authorization": f"token {token}"} if token else {}
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def inside(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as JupyterLab's user would, in its container."""
    return docker(
        "exec", NAME, "/srv/kafka-labs/labs/app/as-learner", *command, timeout=COMMAND_TIMEOUT_S
    )


def test_jupyterlab_answers_only_with_its_token(study: None) -> None:
    token = re.findall(r"http://127\.0\.0\.1:8888/\S*token=(\w+)", log())[-1]
    assert asked("/api") == 200
    assert asked("/api/contents/notebooks") == 403
    assert asked("/api/contents/notebooks", "wrong") == 403
    assert asked("/api/contents/notebooks/00_start_here.ipynb", token) == 200


def test_it_listens_on_loopback_and_runs_as_an_ordinary_user(study: None) -> None:
    (container,) = [c for c in containers() if c["Name"] == f"/{NAME}"]
    (places,) = container["NetworkSettings"]["Ports"].values()
    assert [place["HostIp"] for place in places] == ["127.0.0.1"]
    assert not container["HostConfig"]["Privileged"]
    assert container["HostConfig"]["Memory"]
    users = docker("top", NAME, "-eo", "uid,pid,args").stdout.splitlines()[1:]
    jupyter = [line.split()[0] for line in users if "labs.app.jupyter_server" in line]
    assert jupyter and "0" not in jupyter
    assert inside("id", "-un").stdout.strip() == "learner"


def test_brokers_can_be_broken_from_inside(study: None) -> None:
    status = json.loads(inside("labs", "status", "--json").stdout)
    assert status["bootstrap"] == [f"broker-{n}:9092" for n in (1, 2, 3)]
    for words in (("kill", "2"), ("start", "2"), ("reset", "--hard"), ("pause", "3"), ("reset",)):
        done = inside("labs", *words)
        assert done.returncode == 0, done.stderr
    status = json.loads(inside("labs", "status", "--json").stdout)
    assert {node["state"] for node in status["nodes"]} == {"running"}


def test_the_name_of_a_dead_broker_is_unknown_at_once(study: None) -> None:
    assert inside("labs", "kill", "1").returncode == 0
    look = (
        "import socket, time; began = time.monotonic()\n"
        "try: socket.getaddrinfo('broker-1', 9092)\n"
        "except OSError: print(time.monotonic() - began)"
    )
    assert float(inside("python", "-c", look).stdout) < 1
    assert inside("labs", "start", "1").returncode == 0


def test_a_notebook_and_a_java_client_run_inside(study: None) -> None:
    done = inside("jupyter", "execute", "notebooks/00_start_here.ipynb")
    assert done.returncode == 0, done.stderr[-3000:]
    done = inside("labs", "run", "acks.java_error", "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["measurements"]["java_exception"] != "none"
