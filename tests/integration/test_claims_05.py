"""What chapter 05 says of Kafka and its clients, asked of the live ones."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import confluent_kafka
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.coordinator.assignors.abstract import RebalanceProtocol
from kafka.structs import OffsetAndMetadata

from labs.cluster.config import LAB_SETTINGS
from labs.cluster.local import LocalCluster
from labs.workload.group import Group
from tests.kafka_tools import kafka_tool


@pytest.fixture(scope="module")
def java_defaults() -> dict[str, str]:
    """The consumer's defaults, as Kafka's own documentation generator prints them."""
    page = kafka_tool("org.apache.kafka.clients.consumer.ConsumerConfig")
    entries = re.findall(
        r'<h4><a id="([\w.]+)".*?Default:</th><td>(.*?)</td>', page, flags=re.DOTALL
    )
    return dict(entries)


@pytest.fixture
def admin(cluster: LocalCluster) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    client.create_topics({"flights": {"num_partitions": 3, "replication_factor": 3}})
    yield client
    client.close()


def broker_settings(client: KafkaAdminClient) -> dict[str, str]:
    """Broker 1's settings, those that we changed as Kafka has them by default."""
    broker = ConfigResource(ConfigResourceType.BROKER, "1")
    told = client.describe_configs([broker], config_filter="all")["broker"]["1"]
    ours = {setting.name: setting.default for setting in LAB_SETTINGS}
    return {name: ours.get(name, entry["value"]) for name, entry in told.items()}


def test_kafka_pythons_defaults() -> None:
    default = KafkaConsumer.DEFAULT_CONFIG
    assert default["auto_offset_reset"] == "latest"
    assert default["session_timeout_ms"] == 45_000
    assert default["max_poll_interval_ms"] == 300_000
    assert default["max_poll_records"] == 500
    assert (default["enable_auto_commit"], default["auto_commit_interval_ms"]) == (True, 5000)
    assert default["isolation_level"] == "read_uncommitted"
    assert KafkaProducer.DEFAULT_CONFIG["transaction_timeout_ms"] == 60_000
    first = default["partition_assignment_strategy"][0]()
    assert first.name == "range"
    assert list(first.supported_protocols()) == [RebalanceProtocol.EAGER]
    assert "group_protocol" not in default, "kafka-python has no KIP-848"


def test_the_java_clients_defaults(java_defaults: dict[str, str]) -> None:
    expected = {
        "group.protocol": "classic",
        "session.timeout.ms": "45000 (45 seconds)",
        "max.poll.interval.ms": "300000 (5 minutes)",
        "auto.offset.reset": "latest",
    }
    assert {name: java_defaults[name] for name in expected} == expected
    strategies = re.findall(r"\w+Assignor", java_defaults["partition.assignment.strategy"])
    assert strategies == ["RangeAssignor", "CooperativeStickyAssignor"]


def test_a_kip_848_groups_clocks_are_the_brokers(admin: KafkaAdminClient) -> None:
    told = broker_settings(admin)
    assert told["group.consumer.session.timeout.ms"] == "45000"
    assert told["group.consumer.heartbeat.interval.ms"] == "5000"
    assert told["group.consumer.min.session.timeout.ms"] == "45000"
    assert told["transaction.abort.timed.out.transaction.cleanup.interval.ms"] == "10000"
    with pytest.raises(confluent_kafka.KafkaException, match=r"session\.timeout\.ms"):
        confluent_kafka.Consumer(
            {"group.id": "g", "group.protocol": "consumer", "session.timeout.ms": 6000}
        )


def test_a_commit_may_go_backwards(cluster: LocalCluster, admin: KafkaAdminClient) -> None:
    partition = TopicPartition("flights", 0)
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap, group_id="back")
    consumer.assign([partition])
    for offset in (200, 100):
        consumer.commit({partition: OffsetAndMetadata(offset, "", -1)})
    assert consumer.committed(partition) == 100
    consumer.close()


def test_the_seek_of_the_prose(cluster: LocalCluster, admin: KafkaAdminClient) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    for number in range(100):
        producer.send("flights", b"%d" % number, partition=0)
    producer.flush()
    producer.close()
    reader = KafkaConsumer(bootstrap_servers=cluster.bootstrap)
    partition = TopicPartition("flights", 0)
    reader.assign([partition])
    reader.seek(partition, 95)
    found: dict[Any, Any] = {}
    deadline = time.monotonic() + 20
    while not found and time.monotonic() < deadline:
        found = reader.poll(timeout_ms=1000)
    reader.close()
    assert [record.offset for record in found[partition]] == [95, 96, 97, 98, 99]


def test_a_dead_member_is_given_up_after_its_session_only(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    group = Group(cluster.bootstrap, "flights")
    options = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 500}
    first, second = group.add("A", options=options), group.add("B", options=options)
    try:
        first.join()
        _until(lambda: len(group.owners()) == 3)
        killed = first.kill()
        second.join()
        _until(lambda: len(group.owners()) == 3)
        taken = second.first("assigned", killed)
        assert taken is not None
        assert taken.time - killed > 4, "heartbeats every 0.5 s, a session of 6 s"
    finally:
        group.close()


def _until(true: Any) -> None:
    deadline = time.monotonic() + 40
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
