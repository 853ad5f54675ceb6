"""A server of a test's own, in a home of its own, beside the tests' cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from labs.kafka.choose import chosen
from labs.kafka.cluster import Cluster
from labs.services.known import service
from labs.services.server import Server
from labs.services.service import Service
from labs.supervise.home import Home
from labs.supervise.identity import kill_all, marked


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
    """The addresses on which any process of a server listens."""
    return {
        connection.laddr.ip.removeprefix("::ffff:")  # as a JVM's socket for both kinds of IP has it
        for pid in service.runner.processes()
        for connection in psutil.Process(pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
