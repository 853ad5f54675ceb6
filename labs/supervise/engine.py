"""The container engine: reach it, have Compose make what the file says, tell refusals in words.

What Compose made is looked at and broken through the engine's API. Compose itself is a command, not
a library: only it knows how to make containers, networks and volumes of `docker-compose.yml`.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import requests
from docker.context import ContextAPI
from docker.errors import APIError, DockerException

from labs.base import variables
from labs.base.errors import BadInput, LabsError
from labs.base.programs import run
from labs.supervise.home import PROJECT

COMPOSE_FILE = PROJECT / "docker-compose.yml"

#: How long an answer of the engine is waited for, s: a busy one takes its time to make a container.
ANSWER_TIMEOUT_S = 60
#: How long Compose may take, s: the first time it pulls the image (600 MB).
COMPOSE_TIMEOUT_S = 1800

ELSE = "or study without it: LABS_CLUSTER=local"

#: What an engine, Compose or a registry says, and what we say. The first that is found counts.
_WORDS = (
    (
        r"(?:port is already allocated|address already in use|ports are not available)",
        "a port of the cluster is taken by another program",
        "close that program, or choose other ports: LABS_PORTS=3909 makes them 39090 to 39093",
    ),
    (
        r"no space left on device",
        "the engine's disk is full",
        "free some space (`docker system df` shows what takes it), then try again",
    ),
    (
        r"permission denied.*(?:docker.*sock|docker daemon|docker API)",
        "you may not speak to the container engine",
        "on Linux, join the group docker (`sudo usermod -aG docker $USER`) and log in again, "
        + ELSE,
    ),
    (
        r"cannot connect to the docker daemon|is the docker daemon running"
        r"|failed to connect to the docker API",
        "the container engine does not answer",
        "start Docker and try again, " + ELSE,
    ),
    (
        r"'compose' is not a docker command|unknown command: docker compose"
        r"|unknown (?:shorthand )?flag",
        "this `docker` has no Compose v2",
        "install its plug-in (docker-compose-plugin, or docker-compose-v2 on Ubuntu), " + ELSE,
    ),
    (
        r"pull access denied|manifest unknown|failed to resolve reference|failed to do request"
        r"|no such host|i/o timeout|no such image|Get \"https?://[^\"]+/v2/",
        "the image of Kafka could not be fetched",
        "look at the network and the proxy of Docker, then try again, " + ELSE,
    ),
)


def foreseen(said: str) -> LabsError | None:
    """The sentence for what an engine or Compose said; None if it is none that we know."""
    for pattern, what, hint in _WORDS:
        found = re.search(pattern, said, re.IGNORECASE | re.DOTALL)
        if found:
            return LabsError(what, hint=hint)
    return None


@contextmanager
def told() -> Iterator[None]:
    """The engine's failures become sentences.

    Raises:
        LabsError: it refused, or answers no more.
    """
    try:
        yield
    except APIError as error:
        said = str(error.explanation or error).strip().rstrip(".")
        raise foreseen(said) or LabsError(
            f"the container engine refused ({said})", hint="`labs status` shows the nodes"
        ) from None
    except (DockerException, requests.RequestException):
        raise LabsError(
            "the container engine does not answer any more",
            hint="start Docker again and then the cluster: `labs up`",
        ) from None


def connect() -> docker.DockerClient:
    """A client of the engine that the `docker` command uses.

    Raises:
        BadInput: `DOCKER_HOST` is no address.
        LabsError: it does not answer, or not to us.
    """
    named = os.environ.get("DOCKER_HOST", "").strip()
    address = named or _address()
    try:
        docker.utils.parse_host(address)
    except (DockerException, ValueError):
        whose = "DOCKER_HOST" if named else "the address in Docker's context"
        raise BadInput(
            f"{whose} is {address!r}, which is no address of a container engine",
            hint="write it as unix:///var/run/docker.sock or tcp://host:2375"
            + (", or unset it" if named else ""),
        ) from None
    try:
        client = docker.from_env(
            environment={**os.environ, "DOCKER_HOST": address}, timeout=ANSWER_TIMEOUT_S
        )
        client.ping()
    except (DockerException, requests.RequestException) as error:
        said = str(error)
        if "Permission denied" in said:
            raise foreseen("permission denied: docker.sock") or error from None
        raise LabsError(
            f"no container engine answers at {address}", hint="start Docker and try again, " + ELSE
        ) from None
    return client


def _address() -> str:
    """Where the engine listens: Docker Desktop and rootless engines say it in a context."""
    with contextlib.suppress(Exception):  # a broken file of the learner's: then the usual place
        return str(ContextAPI.get_current_context().Host)
    return "unix:///var/run/docker.sock"


def compose_up(project: str, services: list[str]) -> None:
    """Have Compose make and start these services of our file.

    Raises:
        LabsError: there is no Compose, or it failed.
    """
    file = str(COMPOSE_FILE)
    _compose("--project-name", project, "--file", file, "up", "--detach", "--no-build", *services)


def compose_version() -> str:
    """Which Compose there is.

    Raises:
        LabsError: there is none.
    """
    return _compose("version", "--short")


def _compose(*words: str) -> str:
    try:
        env = variables.for_others()
        done = run(["docker", "compose", *words], timeout=COMPOSE_TIMEOUT_S, cwd=PROJECT, env=env)
    except FileNotFoundError:
        raise LabsError(
            "there is no command `docker` here",
            hint="install Docker with Compose v2 (docs.docker.com/get-docker), " + ELSE,
        ) from None
    except subprocess.TimeoutExpired:
        raise LabsError(
            f"docker compose was not done after {COMPOSE_TIMEOUT_S // 60} minutes",
            hint="look at the network, then try again",
        ) from None
    if done.returncode:
        said = done.stderr.strip()
        raise foreseen(said) or LabsError(
            f"docker compose failed ({_last_line(said)})",
            hint=f"`docker compose --file {shown(COMPOSE_FILE)} up` tells more",
        )
    return done.stdout.strip()


def shown(path: Path) -> str:
    """The path as a command line takes it from here."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _last_line(text: str) -> str:
    return text.splitlines()[-1].strip().rstrip(".") if text else "it said nothing"
