"""After any mess, `reset` gives back the cluster that a learner began with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from labs.kafka.cluster import State
from labs.kafka.local import LocalCluster
from tests.helpers import listen, wait_until


@contextmanager
def mess(cluster: LocalCluster) -> Iterator[None]:
    """Topics, records, settings, a group with a live member, an open transaction."""
    servers = cluster.bootstrap
    client = KafkaAdminClient(bootstrap_servers=servers)
    client.create_topics([NewTopic("mess", num_partitions=3, replication_factor=3)])
    client.close()
    cluster.set_topic_config("mess", {"retention.ms": "1000"})
    cluster.set_broker_config({"log.retention.ms": "60000", "min.insync.replicas": "2"})
    cluster.set_broker_config({"log.retention.ms": "70000"}, 2)
    producer = KafkaProducer(bootstrap_servers=servers, transactional_id="hung")
    producer.init_transactions()
    producer.begin_transaction()
    producer.send("mess", b"never committed").get(30)
    consumer = KafkaConsumer(
        "mess",
        group_id="live",
        bootstrap_servers=servers,
        heartbeat_interval_ms=15_000,  # until then it does not know that it was put out
    )
    consumer.partitions_for_topic("mess")  # kafka-python joins for nothing if it knows none
    wait_until(lambda: consumer.poll(1000) or consumer.assignment(), "the group to take it in")
    yield
    consumer.close(autocommit=False)
    producer.close(timeout=0)


def kill_and_pause(cluster: LocalCluster) -> None:
    cluster.kill(1)
    cluster.pause(2)


def kill_controller(cluster: LocalCluster) -> None:
    cluster.kill(100)


def add_broker(cluster: LocalCluster) -> None:
    beside = max(node.port for node in cluster.status().nodes) + 1
    with listen(beside):  # the port that a new broker would get belongs to somebody else
        assert cluster.add_broker() == 4
    assert cluster.status().nodes[-1].port != beside
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    assert {b["broker_id"] for b in client.describe_cluster()["brokers"]} == {1, 2, 3, 4}
    client.close()
    assert (cluster.faults()[-1].action, cluster.faults()[-1].node) == ("add", 4)


def kill_two(cluster: LocalCluster) -> None:
    cluster.kill(1)
    cluster.kill(3)


def kill_all_brokers(cluster: LocalCluster) -> None:
    for broker in (1, 2, 3):
        cluster.kill(broker)


def nothing(cluster: LocalCluster) -> None:
    """Only the mess itself."""


def assert_clean(cluster: LocalCluster) -> None:
    status = cluster.status()
    assert [(node.id, node.state) for node in status.nodes] == [
        (1, State.RUNNING),
        (2, State.RUNNING),
        (3, State.RUNNING),
        (100, State.RUNNING),
    ]
    client = KafkaAdminClient(bootstrap_servers=status.bootstrap)
    assert {b["broker_id"] for b in client.describe_cluster()["brokers"]} == {1, 2, 3}
    topics = client.describe_topics()
    assert [topic["name"] for topic in topics if not topic["is_internal"]] == []
    for partition in (p for topic in topics for p in topic["partitions"]):
        assert sorted(partition["isr_nodes"]) == [1, 2, 3]
        assert partition["leader_id"] == partition["replica_nodes"][0]
    assert client.list_groups() == []
    assert not any(client.list_transactions(state_filters=["Ongoing"]).values())
    brokers = [ConfigResource(ConfigResourceType.BROKER, str(i)) for i in (1, 2, 3)]
    told = client.describe_configs(brokers, config_filter="all")["broker"]
    for broker in ("1", "2", "3"):
        dynamic = {
            name: entry["value"]
            for name, entry in told[broker].items()
            if entry["config_source"].startswith("DYNAMIC")
        }
        assert dynamic == {"min.insync.replicas": "1"}  # the format's own
    client.close()
    write_and_read(status.bootstrap)


def write_and_read(servers: list[str]) -> None:
    """Every broker leads and follows, and a group reads: the coordinators work too."""
    client = KafkaAdminClient(bootstrap_servers=servers)
    client.create_topics([NewTopic("proof", num_partitions=3, replication_factor=3)])
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", transactional_id="proof")
    producer.init_transactions()
    producer.begin_transaction()
    for partition in range(3):
        producer.send("proof", b"there", partition=partition).get(30)
    producer.commit_transaction()
    producer.close()
    consumer = KafkaConsumer(
        "proof",
        group_id="proof",
        bootstrap_servers=servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        consumer_timeout_ms=20_000,
    )
    consumer.partitions_for_topic("proof")
    assert [next(consumer).value for _ in range(3)] == [b"there"] * 3
    consumer.close()
    client.delete_groups(["proof"])
    client.delete_topics(["proof"])
    client.close()


@pytest.mark.parametrize(
    "fault",
    [nothing, kill_and_pause, kill_two, kill_all_brokers, kill_controller, add_broker],
)
def test_reset_after(shared_cluster: LocalCluster, fault: Callable[[LocalCluster], None]) -> None:
    cluster = shared_cluster
    cluster.reset()
    before = cluster.status()
    with mess(cluster):
        fault(cluster)
        began = time.monotonic()
        cluster.reset()
        print(f"\nreset after {fault.__name__}: {time.monotonic() - began:.1f} s", end=" ")
        assert_clean(cluster)
    after = cluster.status()
    assert after.bootstrap == before.bootstrap
    assert after.cluster_id == before.cluster_id
    assert cluster.faults()[-1].action == "reset"


def test_hard_reset(shared_cluster: LocalCluster) -> None:
    cluster = shared_cluster
    cluster.start()
    before = cluster.status()
    cluster.reset(hard=True)
    assert_clean(cluster)
    after = cluster.status()
    assert after.cluster_id != before.cluster_id
    assert after.bootstrap == before.bootstrap
    assert [(f.action, f.detail) for f in cluster.faults()] == [("reset", "hard")]


def test_reset_where_an_added_broker_holds_offsets(shared_cluster: LocalCluster) -> None:
    cluster = shared_cluster
    cluster.reset(hard=True)
    before = cluster.status()
    cluster.add_broker()
    write_and_read(cluster.bootstrap)  # the internal topics are made now, on all four
    cluster.reset()
    assert_clean(cluster)
    after = cluster.status()
    assert after.cluster_id != before.cluster_id  # only fresh disks can undo that
    assert after.bootstrap == before.bootstrap
