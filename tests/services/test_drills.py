"""Two minutes of random faults in three servers: no promise is broken, nothing is left."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterator

import pytest

from labs.base.errors import LabsError
from labs.kafka.cluster import Cluster
from labs.services.known import service
from labs.services.service import Service
from labs.supervise.home import Home
from labs.supervise.identity import kill_all, marked
from labs.supervise.runner import State
from labs.supervise.watchdog import watchdog_pid
from tests.run import FAULTS_VARIABLE

NAMES = ("postgres", "connect", "registry")
SECONDS = 120.0
#: Between two faults, s, at most.
PAUSE_S = 3.0
SEED = int(os.environ.get(FAULTS_VARIABLE, "17"))


class Writer(threading.Thread):
    """Writes rows all the time, and notes whose commit was acknowledged."""

    def __init__(self, postgres: Service) -> None:
        super().__init__(daemon=True)
        self._postgres = postgres
        self.over = threading.Event()
        self.acknowledged: list[int] = []
        self.tried = 0

    def run(self) -> None:
        import psycopg

        while not self.over.is_set():
            with contextlib.suppress(psycopg.Error, LabsError):
                self._write(self._connection())
            time.sleep(0.1)

    def _connection(self) -> psycopg.Connection:  # type: ignore[name-defined]  # noqa: F821
        server = self._postgres.server
        return server.handle(self._postgres.records(), self._postgres.facts)

    def _write(self, connection: psycopg.Connection) -> None:  # type: ignore[name-defined]  # noqa: F821
        with connection:
            while not self.over.is_set():
                self.tried += 1
                connection.execute("INSERT INTO promised VALUES (%s)", (self.tried,))
                self.acknowledged.append(self.tried)
                time.sleep(0.01)


@pytest.fixture
def three(kafka: Cluster, place: Home) -> Iterator[list[Service]]:
    """They run, beside the tests' cluster."""
    assert kafka.status().up
    found = [service(name, home=place) for name in NAMES]
    for one in found:
        one.start()
    yield found
    for one in found:
        one.stop()
        kill_all(marked(one.server.mark))


def fault(chance: random.Random, one: Service) -> None:
    """Do something to a server that can be done to it now."""
    state = one.status().state
    if state is State.RUNNING and chance.random() < 0.2:
        one.stop()
    elif state is State.RUNNING:
        chance.choice([one.kill, one.pause])()
    elif state is State.PAUSED:
        chance.choice([one.resume, one.kill])()
    else:
        one.start()


def test_random_faults_in_three_servers(three: list[Service]) -> None:
    postgres = three[0]
    postgres.handle().execute("CREATE TABLE promised (number bigint)")
    writer, chance = Writer(postgres), random.Random(SEED)
    writer.start()
    ends = time.monotonic() + SECONDS
    done = 0
    while time.monotonic() < ends:
        fault(chance, chance.choice(three))
        done += 1
        time.sleep(chance.uniform(0, PAUSE_S))
    for one in three:
        assert one.start().state is State.RUNNING, one.server.product
    writer.over.set()
    writer.join(30)
    rows = postgres.handle().execute("SELECT number FROM promised").fetchall()
    there = {number for (number,) in rows}
    assert done > 5 and len(writer.acknowledged) > 100
    assert set(writer.acknowledged) <= there, "a commit that was acknowledged holds"
    for one in three:
        one.stop()
        assert one.runner.processes() == [], one.server.product
        assert watchdog_pid(one.home) is None
