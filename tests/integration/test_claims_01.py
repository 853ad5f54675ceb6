"""What chapters 00 and 01 say of Kafka and of kafka-python, asked of the live ones."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.partitioner.default import murmur2

from labs.base.flights import flights
from labs.charts.records import Ack, longest_wait_s
from labs.kafka.local import LocalCluster
from labs.observe.observer import snapshot
from tests.kafka_tools import (
    java_defaults,
    kafka_tool,
    leader_of,
    settings_page,
    value_and_default,
)

THREE = [TopicPartition("flights", number) for number in range(3)]


@pytest.fixture
def admin(cluster: LocalCluster) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    topic = {"num_partitions": 3, "replication_factor": 3, "configs": {"retention.ms": "-1"}}
    client.create_topics({"flights": topic})
    leader_of(cluster, "flights")  # known everywhere from here on
    yield client
    client.close()


def send(cluster: LocalCluster, count: int) -> dict[bytes, set[int]]:
    """Send flights; returns the partitions in which each airline's came to lie."""
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    pending = [
        (f.key, producer.send("flights", f.value, f.key, timestamp_ms=f.timestamp_ms))
        for f in flights(count)
    ]
    placed: dict[bytes, set[int]] = {}
    for key, future in pending:
        placed.setdefault(key, set()).add(future.get(timeout=60).partition)
    producer.close()
    return placed


def read_as(cluster: LocalCluster, group: str, **settings: str) -> int:
    """How many records a group gets until none has come for 5 s."""
    consumer = KafkaConsumer(
        "flights",
        bootstrap_servers=cluster.bootstrap,
        group_id=group,
        consumer_timeout_ms=5000,
        **settings,
    )
    consumer.partitions_for_topic("flights")  # kafka-python joins for nothing if it knows none
    count = sum(1 for _ in consumer)
    consumer.close()
    return count


def read_all(cluster: LocalCluster) -> list[Any]:
    """Every record of the topic, read without a group."""
    reader = KafkaConsumer(bootstrap_servers=cluster.bootstrap)
    reader.assign(THREE)
    reader.seek_to_beginning()
    ends, found = reader.end_offsets(THREE), []
    while any(reader.position(p) < ends[p] for p in THREE):
        for records in reader.poll(timeout_ms=1000).values():
            found += records
    reader.close()
    return found


def test_session_and_heartbeat_of_the_lab_and_of_kafka(shared_cluster: LocalCluster) -> None:
    told = partial(value_and_default, shared_cluster.bootstrap)
    assert told("broker.session.timeout.ms") == ("3000", "9000")
    assert told("broker.heartbeat.interval.ms") == ("1000", "2000")


def test_where_the_airlines_of_2000_flights_go() -> None:
    count = Counter(flight.key for flight in flights(2000))
    at = {key: (murmur2(key) & 0x7FFFFFFF) % 3 for key in count}  # the next tests prove that rule
    assert (len(at), Counter(at.values())[0]) == (14, 9)
    assert count.most_common(1)[0][0] == b"UA"
    assert [key for key, partition in at.items() if partition == 1] == [b"UA"]


def test_the_clients_defaults_named_in_the_prose() -> None:
    assert KafkaProducer.DEFAULT_CONFIG["request_timeout_ms"] == 30_000
    assert KafkaProducer.DEFAULT_CONFIG["acks"] == -1  # "all"
    assert KafkaConsumer.DEFAULT_CONFIG["auto_offset_reset"] == "latest"


def test_records_are_kept_seven_days_by_default(admin: KafkaAdminClient) -> None:
    admin.create_topics({"plain": {"num_partitions": 1, "replication_factor": 3}})
    topic = ConfigResource(ConfigResourceType.TOPIC, "plain")
    told: dict[str, dict[str, str]] = {}
    while "retention.ms" not in told:  # the broker that is asked may not have heard of it yet
        told = admin.describe_configs([topic], config_filter="all")["topic"]["plain"]
    assert told["retention.ms"]["value"] == str(7 * 24 * 3600 * 1000)
    assert told["retention.bytes"]["value"] == "-1"
    assert told["message.timestamp.type"]["value"] == "CreateTime"


def test_flights_of_2013_are_deleted_unless_they_are_kept_for_ever(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    on_broker_1 = {"assignments": {0: [1]}}
    admin.create_topics({"short": on_broker_1})
    admin.create_topics({"kept": {**on_broker_1, "configs": {"retention.ms": "-1"}}})
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    for f in flights(50):
        producer.send("short", f.value, timestamp_ms=f.timestamp_ms)
        producer.send("kept", f.value, timestamp_ms=f.timestamp_ms)
    producer.flush()
    producer.close()
    # Kafka looks for old segments every 5 min, and first 30 s after a broker's start.
    cluster.stop_broker(1)
    cluster.start_broker(1)
    short, kept = TopicPartition("short", 0), TopicPartition("kept", 0)
    deadline = time.monotonic() + 120
    while (first := _first_offsets(cluster, short, kept))[short] == 0:
        assert time.monotonic() < deadline, "records of 2013 were not deleted"
        time.sleep(2)
    assert first == {short: 50, kept: 0}


def _first_offsets(cluster: LocalCluster, *partitions: TopicPartition) -> dict[TopicPartition, int]:
    reader = KafkaConsumer(bootstrap_servers=cluster.bootstrap)
    found: dict[TopicPartition, int] = reader.beginning_offsets(partitions)
    reader.close()
    return found


def test_a_key_goes_to_the_partition_that_murmur2_says(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    for key, partitions in send(cluster, 500).items():
        assert partitions == {(murmur2(key) & 0x7FFFFFFF) % 3}


def test_the_java_client_takes_the_same_partition_for_a_key(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    ours = send(cluster, 200)
    kafka_tool(
        "org.apache.kafka.tools.ConsoleProducer",
        *("--bootstrap-server", ",".join(cluster.bootstrap), "--topic", "flights"),
        *("--reader-property", "parse.key=true", "--reader-property", "key.separator=:"),
        given="".join(f"{key.decode()}:by Java\n" for key in ours),
    )
    theirs = {
        record.key: {record.partition} for record in read_all(cluster) if record.value == b"by Java"
    }
    assert theirs == ours


def test_each_broker_leads_a_partition_and_is_read_from(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    assert {p.leader for p in snapshot(cluster, "flights").partitions} == {1, 2, 3}
    broker = ConfigResource(ConfigResourceType.BROKER, "1")
    told = admin.describe_configs([broker], config_filter="all")["broker"]["1"]
    assert told["replica.selector.class"]["value"] is None  # else followers might be, too (KIP-392)


def test_offsets_count_from_zero_and_reading_removes_nothing(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    send(cluster, 300)
    for _ in range(2):
        offsets: dict[int, list[int]] = {0: [], 1: [], 2: []}
        for record in read_all(cluster):
            offsets[record.partition].append(record.offset)
        assert sum(map(len, offsets.values())) == 300
        for found in offsets.values():
            assert found == list(range(len(found)))


def test_groups_read_independently_and_a_new_one_begins_at_the_end(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    send(cluster, 200)
    with ThreadPoolExecutor() as side_by_side:
        dashboard, billing = (
            side_by_side.submit(read_as, cluster, group, auto_offset_reset="earliest")
            for group in ("dashboard", "billing")
        )
        newcomers = side_by_side.submit(read_as, cluster, "newcomers")
    assert (dashboard.result(), billing.result(), newcomers.result()) == (200, 200, 0)
    assert read_as(cluster, "dashboard", auto_offset_reset="earliest") == 0


def test_a_new_group_at_latest_sees_what_comes_from_now_on(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    send(cluster, 200)
    late = KafkaConsumer("flights", bootstrap_servers=cluster.bootstrap, group_id="late")
    late.partitions_for_topic("flights")
    while len(late.assignment()) < 3:
        late.poll(timeout_ms=100)
    for partition in THREE:
        late.position(partition)  # asked for, the end is looked up now
    send(cluster, 50)
    seen, deadline = 0, time.monotonic() + 60
    while seen < 50 and time.monotonic() < deadline:
        seen += sum(map(len, late.poll(timeout_ms=500).values()))
    late.close()
    assert seen == 50


def test_a_pause_costs_a_client_more_than_a_kill_and_a_kill_more_than_a_stop(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    waits = {}
    for fault in ("stop_broker", "kill", "pause"):
        found = snapshot(cluster, "flights").partition("flights")
        assert found is not None and found.leader is not None
        producer = KafkaProducer(
            bootstrap_servers=cluster.bootstrap, acks="all", request_timeout_ms=10_000
        )
        acks: list[Ack] = []
        _send_one(producer, acks)
        getattr(cluster, fault)(found.leader)
        _send_one(producer, acks)
        producer.close()
        _mend(cluster, found.leader, fault)
        waits[fault] = longest_wait_s(acks[1:])
    assert waits["stop_broker"] < waits["kill"] < waits["pause"]


def test_a_consumer_outlives_its_leader_and_finds_every_record(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    send(cluster, 100)
    reader = KafkaConsumer(bootstrap_servers=cluster.bootstrap)
    reader.assign(THREE)
    before = _from_the_beginning(reader)
    led = snapshot(cluster, "flights").partition("flights")
    assert led is not None and led.leader is not None
    cluster.kill(led.leader)
    assert _from_the_beginning(reader) == before  # it waits for the new leader
    reader.close()
    assert len(before) == 100
    _mend(cluster, led.leader, "kill")


def _from_the_beginning(reader: KafkaConsumer) -> set[tuple[int, int, bytes]]:
    reader.seek_to_beginning()
    found: set[tuple[int, int, bytes]] = set()
    deadline = time.monotonic() + 90
    while len(found) < 100 and time.monotonic() < deadline:
        for records in reader.poll(timeout_ms=1000).values():
            found |= {(record.partition, record.offset, record.value) for record in records}
    return found


def _send_one(producer: KafkaProducer, acks: list[Ack]) -> None:
    sent = time.monotonic()
    producer.send("flights", b"one more", partition=0).get(timeout=120)
    acks.append((sent, time.monotonic()))


def _mend(cluster: LocalCluster, broker: int, fault: str) -> None:
    if fault == "pause":
        cluster.resume(broker)
    else:
        cluster.start_broker(broker)
    _wait_for_full_isr(cluster)


def test_leadership_does_not_come_back_at_once(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    before = snapshot(cluster, "flights").partition("flights")
    assert before is not None and before.leader is not None
    cluster.stop_broker(before.leader)
    moved = snapshot(cluster, "flights").partition("flights")
    assert moved is not None
    assert moved.leader not in (None, before.leader), "it had handed over before it went"
    cluster.start_broker(before.leader)
    _wait_for_full_isr(cluster)
    after = snapshot(cluster, "flights").partition("flights")
    assert after is not None
    assert after.leader != before.leader
    assert after.epoch > before.epoch


def _wait_for_full_isr(cluster: LocalCluster) -> None:
    deadline = time.monotonic() + 60
    while True:
        found = snapshot(cluster, "flights").partition("flights")
        if found and len(found.isr) == 3:
            return
        assert time.monotonic() < deadline, "the ISR did not fill up again"
        time.sleep(0.1)


def test_what_has_changed_since_the_book() -> None:
    """Followers may serve reads (KIP-392); a group may begin a while back (KIP-1106)."""
    assert "replica.selector.class" in java_defaults("broker")
    assert "client.rack" in java_defaults("consumer")
    assert "by_duration" in settings_page("consumer")
    assert java_defaults("producer")["acks"] == "all"
    assert java_defaults("broker")["default.replication.factor"] == "1"


def test_a_client_goes_on_with_the_advertised_addresses(
    shared_cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    asked_one = KafkaAdminClient(bootstrap_servers=shared_cluster.bootstrap[:1])
    told = {f"{b['host']}:{b['port']}" for b in asked_one.describe_cluster()["brokers"]}
    asked_one.close()
    assert told == set(shared_cluster.bootstrap), "all of them, though it was given one"
    brokers = [ConfigResource(ConfigResourceType.BROKER, id) for id in "123"]
    settings = admin.describe_configs(brokers, config_filter="all")["broker"]
    for each in settings.values():  # not set: as `listeners`
        listener = each["advertised.listeners"]["value"] or each["listeners"]["value"]
        assert listener.partition("://")[2] in told


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "client.rack": "test_what_has_changed_since_the_book",
    "acks=1": "test_what_has_changed_since_the_book",
    "by_duration": "test_what_has_changed_since_the_book",
    "broker.session.timeout.ms": "test_session_and_heartbeat_of_the_lab_and_of_kafka",
    "default.replication.factor": "test_what_has_changed_since_the_book",
}
