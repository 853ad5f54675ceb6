"""A server of a test's own, in a home of its own, beside the tests' cluster."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from labs.base import python
from labs.base.errors import LabsError
from labs.kafka.choose import chosen
from labs.kafka.cluster import Cluster
from labs.services.known import service
from labs.services.server import Server
from labs.services.service import Service
from labs.supervise.home import Home
from labs.supervise.identity import kill_all, marked
from labs.supervise.watchdog import watchdog_pid


@pytest.fixture(scope="session")
def kafka() -> Cluster:
    """The cluster of the tests, up."""
    cluster = chosen()
    cluster.start()
    return cluster


@pytest.fixture
def place() -> Iterator[Home]:
    """A home that an ordinary user may enter."""
    with tempfile.TemporaryDirectory(prefix="labs-services-") as folder:
        Path(folder).chmod(0o755)
        yield Home(Path(folder).resolve())


@pytest.fixture
def service_of(place: Home) -> Iterator[Callable[[type[Server]], Service]]:
    """A function that gives the service of a kind of server; nothing of it is left afterwards."""
    made: list[Service] = []

    def one(server: type[Server]) -> Service:
        made.append(service(server.id, home=place))
        return made[-1]

    yield one
    for each in made:
        each.stop()
        left = each.runner.processes()
        kill_all(marked(each.server.mark))
        assert left == [], "a stop leaves nothing"


def listening(service: Service) -> set[str]:
    """The addresses on which any process of a server listens; each port is one that it tells."""
    places = {
        connection.laddr
        for pid in service.runner.processes()
        for connection in psutil.Process(pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    told = {port for node in service.status().nodes for port in node.ports.values()}
    assert {place.port for place in places} == told
    # As a JVM's socket for both kinds of IP has it.
    return {place.ip.removeprefix("::ffff:") for place in places}


def by_another(place: Home, lines: str) -> list[str]:
    """The command of another process: it knows `service`, and the home as `place`."""
    return python.code(
        "from labs.services.known import service\n"
        "from labs.supervise.home import Home, Path\n"
        f"place = Home(Path({str(place.path)!r}))\n"
        f"{lines}\n"
    )


def told_by_another(place: Home, lines: str) -> str:
    """What another process prints, as `by_another` has it."""
    done = subprocess.run(
        by_another(place, lines),
        env=python.without_others(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def must_refuse(service: Service, settings: Mapping[str, str], sentence: str, said: bytes) -> None:
    """A bad setting is told in one sentence, its log names it, and nothing is left."""
    with pytest.raises(LabsError, match=sentence) as caught:
        service.start(settings)
    assert str(caught.value).count("\n") == 0
    assert service.runner.processes() == []
    assert watchdog_pid(service.home) is None
    assert any(said in service.runner.said(node) for node in service.server.ids)
