"""Two minutes of random faults in three servers: no promise is broken, nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from labs.base.errors import LabsError
from labs.kafka.local import LocalCluster
from labs.services.known import service
from labs.services.service import Service
from labs.supervise.home import Home
from labs.supervise.identity import kill_all, marked
from labs.supervise.runner import State
from labs.supervise.watchdog import watchdog_pid
from tests.helpers import wait_until
from tests.run import FAULTS_VARIABLE
from tests.services.web import sent

NAMES = ("postgres", "connect", "registry")
SECONDS = 120.0
#: Between two faults, s, at most.
PAUSE_S = 3.0
SEED = int(os.environ.get(FAULTS_VARIABLE, "17"))


class Writer(threading.Thread):
    """Writes all the time to a server that is being broken, and notes what it was promised."""

    #: Between two tries, s.
    pause_s = 0.1

    def __init__(self, service: Service) -> None:
        super().__init__(daemon=True)
        self.service = service
        self.over = threading.Event()
        self.promised: list[int] = []
        self.tried = 0

    def run(self) -> None:
        while not self.over.is_set():
            with contextlib.suppress(OSError, LabsError, *self.failures()):
                self.write()
            time.sleep(self.pause_s)

    def failures(self) -> tuple[type[Exception], ...]:
        """What its client raises where nothing was promised."""
        return ()

    def write(self) -> None:
        """Write something, or for as long as it goes well."""
        raise NotImplementedError

    def there(self) -> set[int]:
        """What is there in the end."""
        raise NotImplementedError


class Rows(Writer):
    """Rows; a commit is acknowledged."""

    def failures(self) -> tuple[type[Exception], ...]:
        import psycopg

        return (psycopg.Error,)

    def write(self) -> None:
        server = self.service.server
        with server.handle(self.service.records(), self.service.facts) as connection:
            while not self.over.is_set():
                self.tried += 1
                connection.execute("INSERT INTO promised VALUES (%s)", (self.tried,))
                self.promised.append(self.tried)
                time.sleep(0.01)

    def there(self) -> set[int]:
        rows = self.service.handle().execute("SELECT number FROM promised").fetchall()
        return {number for (number,) in rows}


class Schemas(Writer):
    """Schemas, each under a subject of its own; the registry answers with an id."""

    pause_s = 0.2

    def _url(self) -> str:
        return str(self.service.server.handle(self.service.records(), self.service.facts))

    def write(self) -> None:
        self.tried += 1
        told = {"type": "record", "name": f"Plane{self.tried}", "fields": []}
        path = f"/subjects/{self.tried}/versions"
        sent("POST", self._url() + path, {"schema": json.dumps(told)}, timeout_s=5)
        self.promised.append(self.tried)

    def failures(self) -> tuple[type[Exception], ...]:
        return (AssertionError,)  # it answered, but did not do it

    def there(self) -> set[int]:
        subjects = sent("GET", f"{self._url()}/subjects")
        return {int(subject) for subject in subjects if subject.isdecimal()}  # others have theirs


class Lines(Writer):
    """Lines of a file, of which a connector makes records, if it was told to."""

    pause_s = 0.05

    def __init__(self, service: Service, cluster: LocalCluster, file: Path) -> None:
        super().__init__(service)
        self._cluster, self._file = cluster, file
        self._file.touch()
        sent("PUT", f"{service.handle()}/connectors/lines/config", lines_of(file))

    def write(self) -> None:
        self.tried += 1
        with self._file.open("a") as file:
            file.write(f"{self.tried}\n")
        self.promised.append(self.tried)

    def there(self) -> set[int]:
        """All records, once the last line has come."""
        consumer = KafkaConsumer(
            "lines",
            bootstrap_servers=self._cluster.bootstrap,
            auto_offset_reset="earliest",
            consumer_timeout_ms=30_000,
        )
        found = set()
        for record in consumer:
            found.add(int(record.value))
            if self.tried in found:
                break
        consumer.close()
        return found


def lines_of(file: Path) -> dict[str, str]:
    """Settings of a connector that makes a record of each line of a file."""
    return {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "tasks.max": "1",
        "file": str(file),
        "topic": "lines",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "topic.creation.default.replication.factor": "3",
        "topic.creation.default.partitions": "1",
    }


@pytest.fixture
def three(cluster: LocalCluster, place: Home) -> Iterator[list[Service]]:
    """They run, beside the tests' cluster, which is clean."""
    assert cluster.status().up
    found = [service(name, home=place) for name in NAMES]
    for one in found:
        one.start()
    yield found
    for one in found:
        one.stop()
        kill_all(marked(one.server.mark))


def fault(chance: random.Random, one: Service) -> str:
    """Do something to a server that can be done to it now; what."""
    state = one.status().state
    if state is State.RUNNING and chance.random() < 0.2:
        do: Callable[[], object] = one.stop
    elif state is State.RUNNING:
        do = chance.choice([one.kill, one.pause])
    elif state is State.PAUSED:
        do = chance.choice([one.resume, one.kill])
    else:
        do = one.start
    do()
    return do.__name__


def test_random_faults_in_three_servers(
    cluster: LocalCluster, three: list[Service], tmp_path: Path
) -> None:
    postgres, connect, registry = three
    postgres.handle().execute("CREATE TABLE promised (number bigint)")
    writers = [Rows(postgres), Schemas(registry), Lines(connect, cluster, tmp_path / "lines")]
    for writer in writers:
        writer.start()
    wait_until(lambda: all(writer.promised for writer in writers), "a first promise of each")
    chance = random.Random(SEED)
    ends = time.monotonic() + SECONDS
    done: dict[str, list[str]] = {name: [] for name in NAMES}
    # Each in its turn: so by chance alone none is spared.
    turns = chain.from_iterable(chance.sample(three, len(three)) for _ in count())
    while time.monotonic() < ends:
        one = next(turns)
        done[one.server.id].append(fault(chance, one))
        time.sleep(chance.uniform(0, PAUSE_S))
    for one in three:
        if "kill" not in done[one.server.id]:
            one.start()
            one.kill()
            done[one.server.id].append("kill")
    for one in three:
        assert one.start().state is State.RUNNING, one.server.product
    for writer in writers:
        writer.over.set()
        writer.join(30)
    assert all("kill" in faults for faults in done.values()), done
    for writer in writers:
        lost = set(writer.promised) - writer.there()
        assert not lost, (writer.service.server.product, lost)
    for one in three:
        one.stop()
        assert one.runner.processes() == [], one.server.product
        assert watchdog_pid(one.home) is None
