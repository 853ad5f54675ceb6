"""Pulsar: started, asked, broken and stopped as a learner does."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from labs.services.kinds.pulsar import BOOKIES, SERVER, admin_url
from labs.services.server import Server
from labs.services.service import Service
from labs.supervise.home import Home
from labs.supervise.ledger import Record
from labs.supervise.ports import HOST
from labs.supervise.runner import State
from labs.supervise.watchdog import watchdog_pid
from tests.services.conftest import listening, must_refuse, told_by_another

Make = Callable[[type[Server]], Service]
TOPIC = "persistent://public/default/planes"
TAILS = [b"N1", b"N2", b"N3"]
PATIENCE_S = 30


@pytest.fixture
def pulsar(service_of: Make) -> Service:
    """It is not started yet."""
    return service_of(SERVER)


def client_of(pulsar: Service) -> Any:
    """A client of it; it is started unless it runs."""
    address = pulsar.handle()
    import pulsar as package

    quiet = package.ConsoleLogger(package.LoggerLevel.Error)
    return package.Client(address, operation_timeout_seconds=PATIENCE_S, logger=quiet)


def send(pulsar: Service, tails: list[bytes], topic: str = TOPIC) -> None:
    """Write messages; each is acknowledged."""
    client = client_of(pulsar)
    producer = client.create_producer(topic)
    for tail in tails:
        producer.send(tail)
    client.close()


def read(pulsar: Service, topic: str = TOPIC) -> list[bytes]:
    """All that a topic holds."""
    import pulsar as package

    client = client_of(pulsar)
    reader = client.create_reader(topic, package.MessageId.earliest)
    found = []
    while reader.has_message_available():
        found.append(reader.read_next(1000 * PATIENCE_S).data())
    client.close()
    return found


def asked(pulsar: Service, method: str, path: str, body: object = None) -> Any:
    """What its admin API answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{admin_url(pulsar.handle())}/{path}",
        data,
        {"Content-Type": "application/json"},
        method=method,
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=PATIENCE_S) as answer:
        return json.loads(answer.read() or "null")


def test_it_answers_on_loopback_alone(pulsar: Service) -> None:
    send(pulsar, TAILS)
    assert read(pulsar) == TAILS
    assert listening(pulsar) == {HOST}
    status = pulsar.status()
    assert status.state is State.RUNNING
    assert status.memory_mb > 0
    assert asked(pulsar, "GET", "persistent/public/default") == [TOPIC]


def test_a_namespace_may_have_three_copies(pulsar: Service) -> None:
    bookies = {one["bookieId"] for one in asked(pulsar, "GET", "bookies/all")["bookies"]}
    assert len(bookies) == BOOKIES
    asked(pulsar, "PUT", "namespaces/public/copies")
    copies = {
        "bookkeeperEnsemble": 3,
        "bookkeeperWriteQuorum": 3,
        "bookkeeperAckQuorum": 2,
        "managedLedgerMaxMarkDeleteRate": 0,
    }
    asked(pulsar, "POST", "namespaces/public/copies/persistence", copies)
    topic = TOPIC.replace("default", "copies")
    send(pulsar, TAILS, topic)
    send(pulsar, TAILS)
    assert _bookies_of(pulsar, "persistent/public/copies/planes") == bookies
    assert len(_bookies_of(pulsar, "persistent/public/default/planes")) == 1
    pulsar.kill()
    assert read(pulsar, topic) == TAILS


def _bookies_of(pulsar: Service, topic: str) -> set[str]:
    """The bookies that hold a topic's current ledger."""
    stats = asked(pulsar, "GET", f"{topic}/internalStats?metadata=true")
    told = stats["ledgers"][-1]["metadata"]
    bookies = asked(pulsar, "GET", "bookies/all")["bookies"]
    return {one["bookieId"] for one in bookies if one["bookieId"] in told}


def test_another_process_adopts_it(pulsar: Service, place: Home) -> None:
    send(pulsar, TAILS)
    pids = pulsar.runner.processes()
    lines = "one = service('pulsar', home=place)\nprint(one.handle(), one.runner.processes())"
    assert told_by_another(place, lines) == f"{pulsar.handle()} {pids}"
    assert read(pulsar) == TAILS


def test_killed_it_keeps_what_it_acknowledged(pulsar: Service) -> None:
    send(pulsar, TAILS)
    pulsar.kill()
    assert pulsar.status().state is State.KILLED
    assert pulsar.runner.processes() == []
    assert read(pulsar) == TAILS
    send(pulsar, [b"N4"])
    pulsar.kill()
    assert read(pulsar) == [*TAILS, b"N4"]


def test_what_is_large_is_read_from_the_bookies_too(pulsar: Service) -> None:
    """Nothing is in the broker's cache after a kill."""
    large = [tail * 20_000 for tail in TAILS]
    send(pulsar, large)
    pulsar.kill()
    assert read(pulsar) == large


def test_paused_it_answers_nobody_and_then_goes_on(pulsar: Service) -> None:
    send(pulsar, TAILS)
    pulsar.pause()
    assert pulsar.status().state is State.PAUSED
    (port,) = pulsar.status().ports
    assert not pulsar.server.ready(Record(1, port), pulsar.facts)
    pulsar.resume()
    assert read(pulsar) == TAILS


def test_stopped_it_keeps_its_messages_and_wiped_it_is_empty(pulsar: Service) -> None:
    send(pulsar, TAILS)
    assert pulsar.stop()
    assert pulsar.runner.processes() == []
    assert watchdog_pid(pulsar.home) is None
    assert read(pulsar) == TAILS
    pulsar.wipe()
    assert asked(pulsar, "GET", "persistent/public/default") == []


def test_a_bad_setting_is_told_in_one_sentence_and_leaves_nothing(pulsar: Service) -> None:
    name = "managedLedgerDefaultAckQuorum"
    must_refuse(pulsar, {name: "many"}, r"Pulsar died .*the log is .*pulsar\.log", name.encode())


@pytest.mark.parametrize("beside", [0, 1])
def test_a_taken_port_is_left_to_whoever_has_it(pulsar: Service, beside: int) -> None:
    """Its messages are there at other ports as well, after a kill too."""
    send(pulsar, TAILS)
    (port,) = pulsar.status().ports
    pulsar.kill()
    with socket.create_server((HOST, port + beside)):
        assert read(pulsar) == TAILS
        assert pulsar.status().ports != [port]
