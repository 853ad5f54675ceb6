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
from kafka.errors import OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from labs.kafka.config import LAB_SETTINGS
from labs.kafka.local import LocalCluster
from labs.workload.group import Group
from tests.helpers import wait_until
from tests.kafka_tools import java_defaults, kafka_tool, leader_of


@pytest.fixture
def admin(cluster: LocalCluster) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    client.create_topics({"flights": {"num_partitions": 3, "replication_factor": 3}})
    leader_of(cluster, "flights")  # known everywhere from here on
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
    assert default["heartbeat_interval_ms"] == 3000
    assert default["isolation_level"] == "read_uncommitted"
    assert KafkaProducer.DEFAULT_CONFIG["transaction_timeout_ms"] == 60_000
    first = default["partition_assignment_strategy"][0]()
    assert first.name == "range"
    assert list(first.supported_protocols()) == [RebalanceProtocol.EAGER]
    assert "group_protocol" not in default, "kafka-python has no KIP-848"


def test_the_java_clients_defaults() -> None:
    told = java_defaults("consumer")
    expected = {
        "group.protocol": "classic",
        "session.timeout.ms": "45000 (45 seconds)",
        "heartbeat.interval.ms": "3000 (3 seconds)",
        "max.poll.interval.ms": "300000 (5 minutes)",
        "auto.offset.reset": "latest",
    }
    assert {name: told[name] for name in expected} == expected
    strategies = re.findall(r"\w+Assignor", told["partition.assignment.strategy"])
    assert strategies == ["RangeAssignor", "CooperativeStickyAssignor"]


def test_kafka_groups_lists_groups_of_every_type(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    at = {"bootstrap.servers": ",".join(cluster.bootstrap), "log_level": 0}
    classic = KafkaConsumer("flights", bootstrap_servers=cluster.bootstrap, group_id="classic")
    new = confluent_kafka.Consumer({**at, "group.id": "new", "group.protocol": "consumer"})
    share = confluent_kafka.ShareConsumer({**at, "group.id": "share"})
    for member in (new, share):
        member.subscribe(["flights"])

    def listed() -> set[str]:
        classic.poll(timeout_ms=100)
        new.poll(0.1)
        share.poll(timeout=0.1)
        return {group["group_id"] for group in admin.list_groups()}

    _until(lambda: listed() >= {"classic", "new", "share"})
    arguments = "--bootstrap-server", ",".join(cluster.bootstrap), "--list"
    said = kafka_tool("org.apache.kafka.tools.GroupsCommand", *arguments)
    for member in (classic, new, share):
        member.close()
    told = dict(re.findall(r"^(\w+) +(Classic|Consumer|Share) ", said, re.MULTILINE))
    assert told == {"classic": "Classic", "new": "Consumer", "share": "Share"}


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


def _write(cluster: LocalCluster, count: int) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    for number in range(count):
        producer.send("flights", b"%d" % number, partition=0)
    producer.flush()
    producer.close()


def _committed(cluster: LocalCluster, group: str) -> int | None:
    onlooker = KafkaConsumer(bootstrap_servers=cluster.bootstrap, group_id=group)
    place: int | None = onlooker.committed(TopicPartition("flights", 0))
    onlooker.close()
    return place


@pytest.mark.parametrize(("options", "place"), [({}, 40), ({"enable_auto_commit": False}, 100)])
def test_by_default_close_commits_the_place_that_was_sought(
    cluster: LocalCluster, admin: KafkaAdminClient, options: dict[str, bool], place: int
) -> None:
    _write(cluster, 100)
    partition = TopicPartition("flights", 0)
    consumer = KafkaConsumer(
        bootstrap_servers=cluster.bootstrap,
        group_id="seeks",
        auto_offset_reset="earliest",
        **options,
    )
    consumer.assign([partition])
    _until(lambda: consumer.poll(timeout_ms=500) and consumer.position(partition) == 100)
    consumer.commit()
    consumer.seek(partition, 40)
    consumer.close()
    assert _committed(cluster, "seeks") == place


def test_kafka_pythons_automatic_commit_waits_for_the_next_poll(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    _write(cluster, 50)
    consumer = KafkaConsumer(
        bootstrap_servers=cluster.bootstrap,
        group_id="polls",
        auto_offset_reset="earliest",
        auto_commit_interval_ms=200,
    )
    consumer.assign([TopicPartition("flights", 0)])
    _until(lambda: consumer.poll(timeout_ms=500))
    time.sleep(1)
    assert _committed(cluster, "polls") is None, "the work on these records may not be done"
    _until(lambda: consumer.poll(timeout_ms=100) is not None and _committed(cluster, "polls") == 50)
    consumer.close()


@pytest.mark.parametrize("stores_itself", [True, False])
def test_librdkafkas_automatic_commit_may_come_before_the_work(
    cluster: LocalCluster, admin: KafkaAdminClient, stores_itself: bool
) -> None:
    """It commits what it handed over, though the program never asks for more."""
    _write(cluster, 50)
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": ",".join(cluster.bootstrap),
            "group.id": "hands-over",
            "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": 200,
            "enable.auto.offset.store": stores_itself,
        }
    )
    consumer.assign([confluent_kafka.TopicPartition("flights", 0, 0)])
    found: list[Any] = []
    deadline = time.monotonic() + 40
    while len(found) < 50:
        assert time.monotonic() < deadline
        found += consumer.consume(50 - len(found), 1)
    if not stores_itself:
        time.sleep(1)
        assert _committed(cluster, "hands-over") is None
        consumer.store_offsets(found[-1])  # the work is done now
    _until(lambda: _committed(cluster, "hands-over") == 50)
    consumer.close()


def test_the_seek_of_the_prose(cluster: LocalCluster, admin: KafkaAdminClient) -> None:
    _write(cluster, 100)
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


def test_a_group_at_latest_skips_what_a_new_partition_has(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    old, new = (TopicPartition("flights", number) for number in (0, 3))
    before = KafkaConsumer(bootstrap_servers=cluster.bootstrap, group_id="dashboard")
    before.commit({old: OffsetAndMetadata(0, "", -1)})
    before.close()
    admin.create_partitions({"flights": 4})
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    wait_until(lambda: 3 in producer.partitions_for("flights"), "the producer knows of it")
    for _ in range(5):
        producer.send("flights", b"early", partition=3).get(timeout=60)
    producer.close()
    for reset, begins in (("latest", 5), ("earliest", 0)):
        after = KafkaConsumer(
            bootstrap_servers=cluster.bootstrap,
            group_id="dashboard",
            auto_offset_reset=reset,
            enable_auto_commit=False,
        )
        after.assign([old, new])
        assert (after.position(old), after.position(new)) == (0, begins)
        after.close()


def test_a_deleted_topics_offsets_go_with_it_and_one_kept_elsewhere_is_out_of_range(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    _write(cluster, 10)
    partition = TopicPartition("flights", 0)
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap, group_id="dashboard")
    consumer.commit({partition: OffsetAndMetadata(10, "", -1)})
    consumer.close()
    assert _committed(cluster, "dashboard") == 10
    admin.delete_topics(["flights"])
    wait_until(lambda: "flights" not in admin.list_topics(), "the topic is gone")
    wait_until(lambda: _committed(cluster, "dashboard") is None, "its offsets are gone")
    admin.create_topics({"flights": {"num_partitions": 1, "replication_factor": 3}})
    leader_of(cluster, "flights")
    _write(cluster, 1)
    reader = KafkaConsumer(bootstrap_servers=cluster.bootstrap, auto_offset_reset="none")
    reader.assign([partition])
    reader.seek(partition, 10)  # as a checkpoint of the old topic would have it
    with pytest.raises(OffsetOutOfRangeError):
        _until(lambda: reader.poll(timeout_ms=500))
    reader.close()


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "session.timeout.ms": "test_the_java_clients_defaults",
    "assignor": "test_the_java_clients_defaults",
    "group.protocol=consumer": "test_the_java_clients_defaults",
    "kafka-groups": "test_kafka_groups_lists_groups_of_every_type",
    "max.poll.interval.ms": (
        "experiments/test_groups.py::test_heartbeats_come_from_the_process_and_not_from_poll"
    ),
}
