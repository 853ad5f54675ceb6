"""Snapshots of a real cluster, while its brokers are killed and paused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from labs.kafka.cluster import Cluster, State
from labs.kafka.local import LocalCluster
from labs.observe.sampler import Watching, watch
from labs.observe.snapshot import ClusterSnapshot
from tests.kafka_tools import leader_of

ELECTION_S = 15.0  # broker.session.timeout.ms is 3 s; the rest is for a busy machine


@pytest.fixture
def topic(cluster: LocalCluster) -> str:
    """A topic with one partition, led by broker 1."""
    name = f"snapshot-{uuid4().hex[:6]}"
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    admin.create_topics([NewTopic(name, replica_assignments={0: [1, 2, 3]})])
    admin.close()
    assert leader_of(cluster, name) == 1
    return name


@pytest.fixture
def watching(cluster: Cluster, topic: str) -> Iterator[Watching]:
    subscribed = watch(cluster, topic)
    yield subscribed
    subscribed.close()


def wait(watching: Watching, until: Callable[[ClusterSnapshot], bool]) -> ClusterSnapshot:
    deadline = time.monotonic() + ELECTION_S
    while True:
        seen = watching.look()
        if until(seen):
            return seen
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)


def led_by(topic: str, broker: int) -> Callable[[ClusterSnapshot], bool]:
    def check(seen: ClusterSnapshot) -> bool:
        partition = seen.partition(topic)
        return partition is not None and partition.leader == broker

    return check


def test_a_whole_cluster(cluster: Cluster, watching: Watching, topic: str) -> None:
    seen = wait(watching, lambda s: bool(s.partitions) and not s.partitions[0].out_of_sync)
    assert seen.topics == (topic,)
    assert (seen.partitions[0].leader, seen.partitions[0].replicas) == (1, (1, 2, 3))
    assert seen.fenced == frozenset()
    assert {n.state for n in seen.nodes} == {State.RUNNING}


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_a_lost_leader_is_fenced_and_replaced(
    cluster: Cluster, watching: Watching, topic: str, fault: str
) -> None:
    before = wait(watching, led_by(topic, 1)).partitions[0].epoch
    getattr(cluster, fault)(1)
    slowest = 0.0
    deadline = time.monotonic() + ELECTION_S
    while (seen := watching.look()).fenced != {1}:
        assert time.monotonic() < deadline, seen
        began = time.monotonic()
        watching.look()
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.05)
    partition = wait(watching, lambda s: s.partitions[0].leader in (2, 3)).partitions[0]
    assert partition.epoch > before
    assert 1 in partition.out_of_sync
    assert slowest < 2.0


def test_nobody_answers(cluster: Cluster, watching: Watching) -> None:
    for broker in (1, 2, 3):
        cluster.pause(broker)
    began = time.monotonic()
    seen = watching.look()
    assert time.monotonic() - began < 2.0
    assert not seen.reachable
    assert {n.state for n in seen.brokers} == {State.PAUSED}
    for broker in (1, 2, 3):
        cluster.resume(broker)
    assert wait(watching, lambda s: s.reachable).reachable
