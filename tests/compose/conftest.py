"""A cluster in containers: a Compose project of the tests' own, on ports of its own.

Where there is no engine, or no image of Kafka, these tests are skipped and say why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labs.kafka.compose import ComposeCluster
from labs.kafka.jars import kafka_version
from labs.supervise.home import PROJECT
from tests.helpers import Answer

OFFICIAL = f"apache/kafka:{kafka_version()}"
MENDED = f"kafka-labs-test/kafka:{kafka_version()}"
PROJECT_NAME = "kafka-labs-test"
PORTS = "2919"

#: Long: containers start cold, and a busy machine has other things to do.
COMMAND_TIMEOUT_S = 420


def docker(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *words], capture_output=True, text=True, **options)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.compose)
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def engine() -> None:
    """An engine and Compose v2."""
    try:
        found = docker("info", "--format", "{{.ServerVersion}}")
        compose = docker("compose", "version")
    except FileNotFoundError:
        pytest.skip("there is no `docker` on this machine")
    if found.returncode:
        pytest.skip(f"no container engine answers: {found.stderr.strip()}")
    if compose.returncode:
        pytest.skip("this `docker` has no Compose v2")


@pytest.fixture(scope="session")
def image(engine: None) -> str:
    """Kafka's image. A stand-in that dies on its second start is mended as the official one is.

    The official image's `launch` passes over "already formatted"; a stand-in made without it could
    never start a broker again.
    """
    if docker("image", "inspect", OFFICIAL).returncode and docker("pull", OFFICIAL).returncode:
        pytest.skip(f"there is no image {OFFICIAL} here, and it can't be pulled")
    look = ("run", "--rm", "--entrypoint", "grep", OFFICIAL, "-rqi", "already formatted")
    if docker(*look, "/etc/kafka/docker").returncode == 0:
        return OFFICIAL
    setup = "--final-configs-dir /opt/kafka/config"
    tolerant = f's#{setup}$#& || test -e "$KAFKA_LOG_DIRS/meta.properties"#'
    recipe = f"FROM {OFFICIAL}\nRUN sed -i '{tolerant}' /etc/kafka/docker/run\n"
    built = docker("build", "-q", "-t", MENDED, "-", input=recipe)
    assert built.returncode == 0, built.stderr
    return MENDED


@pytest.fixture(scope="session")
def environment(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What chooses the tests' own project; nothing of it is left afterwards."""
    chosen = {
        "LABS_CLUSTER": "compose",
        "LABS_HOME": str(tmp_path_factory.mktemp("compose-home")),
        "LABS_KAFKA_IMAGE": image,
        "LABS_PORTS": PORTS,
        "COMPOSE_PROJECT_NAME": PROJECT_NAME,
    }
    before = dict(os.environ)
    os.environ.update(chosen)
    down()
    yield chosen
    down()
    os.environ.clear()
    os.environ.update(before)


def down() -> None:
    """Containers, network and volumes of the tests' project, and of no other."""
    words = ("compose", "--project-name", PROJECT_NAME, "down", "--volumes", "--remove-orphans")
    done = docker(*words, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    mark = f"label=com.docker.compose.project={PROJECT_NAME}"
    for volume in docker("volume", "ls", "--quiet", "--filter", mark).stdout.split():
        docker("volume", "rm", volume)


def labs(*words: str, **more: str) -> Answer:
    """The `labs` command on the tests' project."""
    done = subprocess.run(
        [sys.executable, "-m", "labs", *words],
        cwd=PROJECT,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def did(*words: str) -> str:
    answer = labs(*words)
    assert answer.code == 0, answer.err
    return answer.out


def states() -> dict[int, str]:
    found: dict[str, Any] = json.loads(labs("status", "--json").out)
    return {node["id"]: node["state"] for node in found["nodes"]}


def containers() -> list[dict[str, Any]]:
    """All that the engine knows of the project's containers."""
    mark = f"label=com.docker.compose.project={PROJECT_NAME}"
    names = docker("ps", "--all", "--quiet", "--filter", mark).stdout.split()
    found: list[dict[str, Any]] = json.loads(docker("inspect", *names).stdout) if names else []
    return found


@pytest.fixture(scope="session")
def shared(environment: dict[str, str]) -> ComposeCluster:
    """The running cluster of the whole session."""
    cluster = ComposeCluster()
    cluster.start()
    return cluster


@pytest.fixture
def cluster(shared: ComposeCluster) -> Iterator[ComposeCluster]:
    """The shared cluster, clean before the test."""
    shared.reset()
    yield shared
