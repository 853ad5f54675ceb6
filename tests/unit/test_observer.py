"""The observer: answers in time whoever is killed or paused, and asks the right broker."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from labs.kafka.cluster import CONTROLLER_ID
from labs.observe.observer import Observer, snapshot
from labs.observe.snapshot import Partition
from tests import model_cluster
from tests.model_cluster import K, P, R

ModelCluster: Any = model_cluster.ModelCluster  # any: it has only a part of the protocol


class Wires:
    """Stands in for `BrokerConnection`: records who is asked, and lets some not answer."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.dead: set[int] = set()
        self.opened: list[int] = []
        self.open = 0
        self.old = False  # Kafka 3.7, which can't be asked for the ELR
        self.topics = [topic("flights", leader=2), topic("__consumer_offsets", leader=1)]

    def __call__(self, port: int, host: str, timeout_s: float) -> Wires.Wire:
        self.opened.append(port)
        self.open += 1
        return self.Wire(self, port)

    class Wire:
        def __init__(self, wires: Wires, port: int) -> None:
            self.wires, self.port = wires, port

        def understands(self, request: Any) -> bool:
            return not self.wires.old

        def metadata(self, topics: list[str] | None = None) -> Any:
            told = [t for t in self.wires.topics if topics is None or t.name in topics]
            for partition in (p for t in told for p in t.partitions):
                del partition.eligible_leader_replicas  # metadata has no such field
            return SimpleNamespace(topics=told)

        def ask(self, request: Any) -> Any:
            if self.port in self.wires.dead:
                raise TimeoutError
            if hasattr(request, "include_fenced_brokers"):
                self.wires.asked.append(self.port)
                return SimpleNamespace(brokers=[SimpleNamespace(broker_id=3, is_fenced=True)])
            pages = [self.wires.topics[:1], self.wires.topics[1:]]
            second = request.cursor is not None
            cursor = SimpleNamespace(topic_name="__consumer_offsets", partition_index=0)
            return SimpleNamespace(topics=pages[second], next_cursor=None if second else cursor)

        def close(self) -> None:
            self.wires.open -= 1


def topic(name: str, leader: int) -> SimpleNamespace:
    told = SimpleNamespace(
        partition_index=0,
        leader_id=leader,
        leader_epoch=5,
        replica_nodes=[1, 2, 3],
        isr_nodes=[2],
        eligible_leader_replicas=[3],
    )
    return SimpleNamespace(name=name, partitions=[told])


@pytest.fixture
def wires(monkeypatch: pytest.MonkeyPatch) -> Wires:
    wires = Wires()
    monkeypatch.setattr(model_cluster, "BrokerConnection", wires)
    return wires


def test_it_tells_partitions_nodes_and_who_is_fenced(wires: Wires) -> None:
    seen = snapshot(ModelCluster(R, R, K))
    assert seen.reachable
    assert seen.partitions == (Partition("flights", 0, 2, 5, (1, 2, 3), (2,), (3,)),)
    assert seen.partitions[0].out_of_sync == (1, 3)
    assert seen.fenced == {3}
    assert [n.id for n in seen.brokers] == [1, 2, 3]
    assert [n.id for n in seen.controllers] == [CONTROLLER_ID]
    assert wires.open == 0  # hung up


def test_internal_topics_come_on_request_and_from_every_page(wires: Wires) -> None:
    seen = Observer(ModelCluster(R)).snapshot().of(None, internal=True)
    assert seen.topics == ("__consumer_offsets", "flights")


def test_an_older_broker_is_asked_for_its_metadata(wires: Wires) -> None:
    wires.old = True
    seen = snapshot(ModelCluster(R, R, K))
    assert seen.partitions == (Partition("flights", 0, 2, 5, (1, 2, 3), (2,)),)
    assert seen.fenced == frozenset()
    assert wires.asked == []


def test_no_leader_is_none(wires: Wires) -> None:
    wires.topics[0] = topic("flights", leader=-1)
    assert snapshot(ModelCluster(R)).partitions[0].leader is None


def test_only_running_brokers_are_asked(wires: Wires) -> None:
    seen = snapshot(ModelCluster(K, P, R))
    assert wires.opened == [19093]
    assert seen.answered_by == 3


def test_the_next_broker_is_asked_when_one_is_silent(wires: Wires) -> None:
    wires.dead = {19091, 19092}
    assert snapshot(ModelCluster(R, R, R)).answered_by == 3


def test_the_one_that_answered_stays_the_one_asked(wires: Wires) -> None:
    cluster = ModelCluster(R, R, R)
    observer = Observer(cluster)
    wires.dead = {19091}
    observer.snapshot()
    wires.dead = set()
    observer.snapshot()
    assert wires.asked == [19092, 19092]
    assert wires.opened == [19091, 19092]  # and its connection is reused


def test_nobody_to_ask_is_no_error(wires: Wires) -> None:
    seen = snapshot(ModelCluster(K, P, K))
    assert not seen.reachable
    assert seen.partitions == ()
    assert [n.state for n in seen.brokers] == [K, P, K]


def test_after_an_outage_it_finds_the_cluster_again(wires: Wires) -> None:
    observer = Observer(ModelCluster(R, R, R))
    observer.snapshot()
    wires.dead = {19091, 19092, 19093}
    assert not observer.snapshot().reachable
    assert wires.open == 0
    wires.dead = set()
    assert observer.snapshot().reachable


@pytest.fixture
def mute_ports() -> Iterator[list[int]]:
    """Two listeners that accept (in the kernel) and never answer, as a paused broker does."""
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as one,
        closing(socket.create_server(("127.0.0.1", 0))) as other,
    ):
        yield [one.getsockname()[1], other.getsockname()[1]]


def test_brokers_that_hang_unseen_cost_a_second_at_most(mute_ports: list[int]) -> None:
    cluster = ModelCluster(R, R, ports=mute_ports)
    began = time.monotonic()
    assert not snapshot(cluster).reachable
    assert 0.8 < time.monotonic() - began < 2.0


def test_a_refused_connection_costs_nothing(mute_ports: list[int]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    began = time.monotonic()
    assert not snapshot(ModelCluster(R, ports=[port])).reachable
    assert time.monotonic() - began < 0.3


def test_a_lookup_by_name(wires: Wires) -> None:
    seen = snapshot(ModelCluster(R, K, R))
    assert seen.partition("flights") is seen.partitions[0]
    assert seen.partition("flights", 9) is None
    assert seen.running(1)
    assert not seen.running(2)
    assert not seen.running(99)
