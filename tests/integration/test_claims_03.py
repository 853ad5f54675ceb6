"""What chapter 03 says of Kafka, kafka-python and the Java client, asked of the live ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.protocol.producer import ProduceRequest
from kafka.record.default_records import DefaultRecordBatchBuilder

from labs.kafka.admin import admin
from labs.kafka.local import LocalCluster
from tests.helpers import wait_until
from tests.kafka_tools import java_defaults, leader_of, refusal, value_and_default


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("acks", "all"),
        ("enable.idempotence", "true"),
        ("retries", "2147483647"),
        ("delivery.timeout.ms", "120000 (2 minutes)"),
        ("request.timeout.ms", "30000 (30 seconds)"),
    ],
)
def test_the_java_producers_defaults(name: str, value: str) -> None:
    assert java_defaults("producer")[name] == value


def test_kafka_pythons_defaults() -> None:
    config = KafkaProducer.DEFAULT_CONFIG
    assert config["acks"] == -1  # all
    assert config["enable_idempotence"] is True
    assert config["retries"] == float("inf")
    assert config["delivery_timeout_ms"] == 120_000
    assert config["request_timeout_ms"] == 30_000


def test_kafka_python_refuses_idempotence_with_acks_1(shared_cluster: LocalCluster) -> None:
    with pytest.raises(Exception, match="enable_idempotence"):
        KafkaProducer(bootstrap_servers=shared_cluster.bootstrap, acks=1, enable_idempotence=True)


@pytest.mark.parametrize(
    ("name", "value", "read_only"),
    [
        ("min.insync.replicas", "1", False),
        ("replica.lag.time.max.ms", "30000", True),
        ("broker.session.timeout.ms", "3000", True),
        ("unclean.leader.election.enable", "false", False),
        ("log.flush.interval.messages", "9223372036854775807", False),
        ("log.flush.interval.ms", None, False),
    ],
)
def test_the_brokers_settings(
    cluster: LocalCluster, name: str, value: str | None, read_only: bool
) -> None:
    broker = ConfigResource(ConfigResourceType.BROKER, "1")
    with admin(cluster.bootstrap) as client:
        told = client.describe_configs([broker], config_filter="all")["broker"]["1"]
    assert told[name]["value"] == value
    assert told[name]["read_only"] is read_only


def test_the_session_timeout_of_the_lab_and_of_kafka(cluster: LocalCluster) -> None:
    told = value_and_default(cluster.bootstrap, "broker.session.timeout.ms")
    assert told == ("3000", "9000")


def test_a_segment_is_flushed_when_the_next_one_begins_and_nobody_waits_for_it(
    cluster: LocalCluster,
) -> None:
    """A log's recovery point is how far it is flushed (Kafka's `UnifiedLog.flush`)."""
    cluster.stop_broker(1)
    cluster.start_broker(1, {"log.flush.offset.checkpoint.interval.ms": "200"})
    settings = {"num_partitions": 1, "replication_factor": 3}
    with admin(cluster.bootstrap) as client:
        client.create_topics({"long": {**settings, "configs": {"segment.bytes": "1048576"}}})
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    futures = [producer.send("long", b"x" * 10_000) for _ in range(150)]
    acknowledged = max(future.get(timeout=60).offset for future in futures)
    producer.close()
    wait_until(lambda: flushed_to(cluster, 1, "long"), "a segment was flushed")
    newest = max(int(Path(path).stem) for path in cluster.files(1, "long-0/*.log"))
    assert flushed_to(cluster, 1, "long") == newest <= acknowledged
    cluster.stop_broker(1)
    cluster.start_broker(1)


def flushed_to(cluster: LocalCluster, broker: int, topic: str) -> int:
    """The recovery point of partition 0 as the broker last wrote it down."""
    path = "recovery-point-offset-checkpoint"
    text = cluster.files(broker, path).get(path, b"").decode()
    found = re.search(rf"^{topic} 0 (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 0


def test_a_new_topic_has_a_minimum_of_one(cluster: LocalCluster) -> None:
    topic = ConfigResource(ConfigResourceType.TOPIC, "plain")
    with admin(cluster.bootstrap) as client:
        client.create_topics({"plain": {"num_partitions": 1, "replication_factor": 3}})
        told: dict[str, dict[str, str]] = {}
        while "min.insync.replicas" not in told:  # the broker asked may not have heard of it yet
            told = client.describe_configs([topic], config_filter="all")["topic"]["plain"]
    assert told["min.insync.replicas"]["value"] == "1"


def test_with_acks_0_the_client_makes_the_answer_up(cluster: LocalCluster) -> None:
    with admin(cluster.bootstrap) as client:
        client.create_topics({"orders": {"num_partitions": 1, "replication_factor": 3}})
    told = {}
    for acks in ("all", 1, 0):
        producer = KafkaProducer(
            bootstrap_servers=cluster.bootstrap, acks=acks, enable_idempotence=False
        )
        told[acks] = producer.send("orders", b"one order").get(timeout=10).offset
        producer.close()
    assert told == {"all": 0, 1: 1, 0: 0}, "the third record can't be at offset 0"


@pytest.mark.parametrize(
    ("size", "what"), [(100, TimeoutError), (2_000_000, ConnectionResetError)], ids=["ok", "error"]
)
def test_with_acks_0_a_broker_says_nothing_and_hangs_up_on_an_error(
    cluster: LocalCluster, size: int, what: type[Exception]
) -> None:
    with admin(cluster.bootstrap) as client:
        client.create_topics({"orders": {"num_partitions": 1, "replication_factor": 3}})
    leads = leader_of(cluster, "orders")
    batch = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, size + 100)
    batch.append(0, None, None, b"x" * size, [])
    part = ProduceRequest.TopicProduceData.PartitionProduceData
    data = ProduceRequest.TopicProduceData(
        name="orders", partition_data=[part(index=0, records=bytes(batch.build()))]
    )
    request = ProduceRequest[9](transactional_id=None, acks=0, timeout_ms=1000, topic_data=[data])
    with cluster.line(leads, timeout_s=5) as leader, pytest.raises(what):
        leader.ask(request)


def test_java_refuses_idempotence_only_if_acks_1_is_said() -> None:
    """The book's step "forget acks, and see a ConfigException" needs both settings now."""
    said = refusal(
        "org.apache.kafka.tools.ConsoleProducer",
        *("--bootstrap-server", "127.0.0.1:1", "--topic", "orders"),
        *("--request-required-acks", "1", "--command-property", "enable.idempotence=true"),
    )
    assert "ConfigException" in said
    assert "acks" in said


def test_the_console_producers_options_since_the_book() -> None:
    said = " ".join(refusal("org.apache.kafka.tools.ConsoleProducer", "--help").split())
    assert "--command-property" in said
    assert re.search(r"--producer-property <[^(]*\(DEPRECATED\)", said)


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "`acks=1` is the default": "test_the_java_producers_defaults",
    "ConfigException": "test_java_refuses_idempotence_only_if_acks_1_is_said",
    "retries": "test_the_java_producers_defaults",
    "replica.lag.time.max.ms": "test_the_brokers_settings",
    "KIP-966": "experiments/test_acks.py::test_below_the_minimum_acks_1_records_are_hidden",
    "--command-property": "test_the_console_producers_options_since_the_book",
}
