"""What chapter 03 says of Kafka, kafka-python and the Java client, asked of the live ones."""

from __future__ import annotations

import re
from functools import cache

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from labs.cluster.config import LAB_SETTINGS
from labs.cluster.housekeeping import admin
from labs.cluster.local import LocalCluster
from tests.kafka_tools import kafka_tool


@cache
def java_defaults() -> dict[str, str]:
    """The Java producer's settings and defaults, as its own class prints them."""
    page = kafka_tool("org.apache.kafka.clients.producer.ProducerConfig")
    entry = r'<a id="([\w.]+)"></a>.*?<th>Default:</th><td>(.*?)</td>'
    return dict(re.findall(entry, page, re.DOTALL))


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
    assert java_defaults()[name] == value


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


def test_the_session_timeout_of_the_lab_and_of_kafka() -> None:
    session = next(s for s in LAB_SETTINGS if s.name == "broker.session.timeout.ms")
    assert (session.value, session.default) == ("3000", "9000")


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
