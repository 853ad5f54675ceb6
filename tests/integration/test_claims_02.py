"""What chapter 02 says of Kafka and of three clients, asked of the live ones."""

from __future__ import annotations

import time
from binascii import crc32
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from zipfile import ZipFile

import confluent_kafka
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    InvalidPartitionsError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
)
from kafka.partitioner.default import murmur2
from kafka.record.default_records import DefaultRecordBase

from labs.base.flights import flights
from labs.chapters.producers.keys import planes
from labs.kafka.installation import ensure_installation
from labs.kafka.local import LocalCluster
from tests.kafka_tools import java_defaults, kafka_tool

MIB = 1024 * 1024


@pytest.fixture
def topic(cluster: LocalCluster) -> Iterator[str]:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    client.create_topics({"flights": {"num_partitions": 3, "replication_factor": 3}})
    yield "flights"
    client.close()


def test_kafka_pythons_defaults() -> None:
    default = KafkaProducer.DEFAULT_CONFIG
    assert (default["linger_ms"], default["batch_size"]) == (0, 16 * 1024)
    assert default["compression_type"] is None
    assert (default["enable_idempotence"], default["acks"]) == (True, -1)
    assert default["retries"] == float("inf")
    assert default["max_in_flight_requests_per_connection"] == 5
    assert default["request_timeout_ms"] == 30_000
    assert default["delivery_timeout_ms"] == 120_000
    assert default["max_request_size"] == MIB
    assert default["metadata_max_age_ms"] == 5 * 60 * 1000
    assert "buffer_memory" not in default


def test_the_java_clients_defaults() -> None:
    told = java_defaults("producer")
    expected = {
        "linger.ms": "5",
        "batch.size": "16384",
        "compression.type": "none",
        "enable.idempotence": "true",
        "acks": "all",
        "retries": "2147483647",
        "max.in.flight.requests.per.connection": "5",
        "request.timeout.ms": "30000 (30 seconds)",
        "delivery.timeout.ms": "120000 (2 minutes)",
        "buffer.memory": str(32 * MIB),
        "max.block.ms": "60000 (1 minute)",
        "metadata.max.age.ms": "300000 (5 minutes)",
    }
    assert {name: told[name] for name in expected} == expected


def test_a_topics_defaults(cluster: LocalCluster, topic: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    told: dict[str, dict[str, str]] = {}
    while "max.message.bytes" not in told:
        told = client.describe_configs([resource], config_filter="all")["topic"][topic]
    client.close()
    assert MIB < int(told["max.message.bytes"]["value"]) < MIB + 100
    assert told["compression.type"]["value"] == "producer"


def test_a_batch_has_a_header_of_61_bytes() -> None:
    assert DefaultRecordBase.HEADER_STRUCT.size == 61


def test_kafka_python_with_idempotence_has_one_batch_a_partition_under_way(
    cluster: LocalCluster,
) -> None:
    for idempotence in (True, False):
        producer = KafkaProducer(
            bootstrap_servers=cluster.bootstrap, enable_idempotence=idempotence
        )
        assert producer._sender.config["guarantee_message_order"] is idempotence  # noqa: SLF001
        producer.close()


def test_kafka_python_knows_no_buffer_memory(cluster: LocalCluster) -> None:
    with pytest.raises(ValueError, match="buffer_memory"):
        KafkaProducer(bootstrap_servers=cluster.bootstrap, buffer_memory=32 * MIB)


def test_the_first_send_to_a_topic_blocks_until_max_block_ms(cluster: LocalCluster) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, max_block_ms=500)
    with pytest.raises(KafkaTimeoutError):
        producer.send("no-such-topic", b"x")
    producer.close()


def test_librdkafkas_queue_takes_100_000_records() -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    taken = 0
    with pytest.raises(BufferError):
        while True:
            producer.produce("flights", b"x")
            taken += 1
    assert taken == 100_000
    producer.purge()
    producer.flush(1)


def test_librdkafkas_default_partitioner_is_crc_32(cluster: LocalCluster, topic: str) -> None:
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": ",".join(cluster.bootstrap), "log_level": 0}
    )
    placed: dict[bytes, int | None] = {}

    def delivered(_: object, message: confluent_kafka.Message) -> None:
        key = message.key()
        assert isinstance(key, bytes)
        placed[key] = message.partition()

    for number in range(50):
        producer.produce(topic, b"x", b"plane %d" % number, on_delivery=delivered)
    producer.flush(10)
    assert placed == {key: crc32(key) % 3 for key in placed}
    assert len(placed) == 50


def test_what_the_flights_keys_come_to_is_the_same_in_every_run() -> None:
    def placed(key: bytes, partitions: int) -> int:
        return int(murmur2(key) & 0x7FFFFFFF) % partitions

    sent = [flight.carrier.encode() for flight in flights(3000)]
    filled = Counter(placed(key, 6) for key in sent)
    assert len(set(sent)) == 15
    assert len(filled) == 5
    fullest, most = filled.most_common(1)[0]
    assert (fullest, round(100 * most / len(sent))) == (3, 35)
    big = [key for key, _ in Counter(sent).most_common(7) if placed(key, 6) == 3]
    assert len(big) == 3
    keys = planes(500)
    assert round(100 * sum(placed(key, 3) != placed(key, 4) for key in keys) / 500) == 77
    assert sum(placed(key, 6) == crc32(key) % 6 for key in keys) == 84


def test_a_record_too_large_is_refused_by_the_client_or_by_the_broker(
    cluster: LocalCluster, topic: str
) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    with pytest.raises(MessageSizeTooLargeError):
        producer.send(topic, b"x" * 2_000_000)
    producer.close()
    generous = KafkaProducer(bootstrap_servers=cluster.bootstrap, max_request_size=5_000_000)
    future = generous.send(topic, b"x" * 2_000_000)
    generous.flush()
    assert isinstance(future.exception, MessageSizeTooLargeError)
    generous.close()


def test_without_a_key_kafka_python_takes_any_partition_for_each_record(
    cluster: LocalCluster, topic: str
) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    placed = [producer.send(topic, b"x").get(timeout=10).partition for _ in range(60)]
    producer.close()
    assert set(placed) == {0, 1, 2}
    assert len({a == b for a, b in pairwise(placed)}) == 2


def test_without_a_key_the_java_client_fills_a_batch_and_then_goes_on(
    cluster: LocalCluster, topic: str
) -> None:
    """It goes on when 16 KiB are full, or 32: after 30 to 70 records of 500 bytes."""
    count = 1800
    kafka_tool(
        "org.apache.kafka.tools.ConsoleProducer",
        *("--bootstrap-server", ",".join(cluster.bootstrap), "--topic", topic),
        given="".join(f"{number:0500}\n" for number in range(count)),
    )
    reader = KafkaConsumer(topic, bootstrap_servers=cluster.bootstrap, auto_offset_reset="earliest")
    placed: dict[int, int] = {}
    deadline = time.monotonic() + 60
    while len(placed) < count:
        assert time.monotonic() < deadline
        for records in reader.poll(timeout_ms=1000).values():
            placed |= {int(record.value): record.partition for record in records}
    reader.close()
    changes = sum(placed[number] != placed[number + 1] for number in range(count - 1))
    assert 1 <= changes < count / 10, (
        "round robin changes with each record, chance with two of three"
    )


def test_the_partitioner_of_old_is_gone_from_the_java_client() -> None:
    """`DefaultPartitioner`, which examples still set, went with Kafka 4.0."""
    jars = ensure_installation().class_path.split(":")
    (clients,) = (jar for jar in jars if "kafka-clients" in jar)
    classes = {name.rpartition("/")[2] for name in ZipFile(clients).namelist()}
    assert "RoundRobinPartitioner.class" in classes
    assert "DefaultPartitioner.class" not in classes


def test_partitions_can_not_be_taken_away(cluster: LocalCluster, topic: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    with pytest.raises(InvalidPartitionsError):
        client.create_partitions({topic: 2})
    client.close()


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "sticky": "test_without_a_key_the_java_client_fills_a_batch_and_then_goes_on",
    "linger.ms": "test_the_java_clients_defaults",
    "idempotence": "test_the_java_clients_defaults",
    "retries": "test_the_java_clients_defaults",
    "DefaultPartitioner": "test_the_partitioner_of_old_is_gone_from_the_java_client",
}
