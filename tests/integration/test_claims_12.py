"""What chapter 12 says of registries and of Confluent's serializers, asked of the live ones."""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from labs.chapters.schemas import confluent
from labs.chapters.schemas.changes import FIRST, flight_of
from labs.kafka.admin import admin
from labs.kafka.local import LocalCluster
from labs.services.known import service
from tests.kafka_tools import end_offsets

TOPIC = "departures"
BARE = (*FIRST, {"name": "delay", "type": "int"})


@pytest.fixture(scope="module")
def url(own_cluster: LocalCluster) -> Iterator[str]:
    """One registry for all tests, on a clean cluster with one topic."""
    service("registry").stop()
    own_cluster.reset()
    address = service("registry").handle()
    with admin(own_cluster.bootstrap) as client:
        client.create_topics({TOPIC: {"num_partitions": 1, "replication_factor": 3}})
    yield address
    service("registry").stop()


def test_a_record_begins_with_a_zero_and_the_id_and_lies_so_in_the_segment(
    own_cluster: LocalCluster, url: str
) -> None:
    registry = confluent.client(url)
    value = confluent.serialized(TOPIC, confluent.writer(registry, FIRST), flight_of(FIRST))
    magic, id = struct.unpack(">bI", value[:5])
    assert magic == 0
    assert registry.get_schema(id).schema_type == "AVRO"
    assert b"carrier" not in value, "no name of a field"
    producer = KafkaProducer(bootstrap_servers=own_cluster.bootstrap)
    producer.send(TOPIC, value).get(timeout=20)
    producer.close()
    files = own_cluster.home.path.glob(f"data/*/records/{TOPIC}-0/*.log")
    assert any(value in file.read_bytes() for file in files)


def test_the_registrys_own_level_is_none_so_a_subject_needs_its_own(url: str) -> None:
    registry = confluent.client(url)
    assert registry.get_config().compatibility_level == "NONE"
    registry.register_schema("level-value", confluent.schema(FIRST))
    registry.set_compatibility("level-value", "BACKWARD")
    assert registry.get_compatibility("level-value") == "BACKWARD"


def test_a_serializer_fails_before_anything_is_sent(own_cluster: LocalCluster, url: str) -> None:
    registry = confluent.client(url)
    subject = f"{TOPIC}-value"
    registry.register_schema(subject, confluent.schema(FIRST))
    registry.set_compatibility(subject, "BACKWARD")
    before = end_offsets(own_cluster.bootstrap, TOPIC)
    with pytest.raises(confluent.of(".error").SchemaRegistryError) as refused:
        confluent.serialized(TOPIC, confluent.writer(registry, BARE), flight_of(BARE))
    assert refused.value.http_status_code == 409
    assert end_offsets(own_cluster.bootstrap, TOPIC) == before
    producer = KafkaProducer(bootstrap_servers=own_cluster.bootstrap)
    producer.send(TOPIC, b"any bytes").get(timeout=20)  # Kafka itself refuses nothing
    producer.close()


@pytest.mark.parametrize("format", ["JSON", "PROTOBUF"])
def test_the_other_formats_are_checked_as_well(url: str, format: str) -> None:
    registry, subject = confluent.client(url), f"checked-{format}"

    def of(kind: str) -> Any:
        told = {"type": "object", "properties": {"flight": {"type": kind}}}
        proto = {"integer": "int32", "string": "string"}[kind]
        text = f'syntax = "proto3"; message Flight {{ {proto} flight = 1; }}'
        return confluent.of("").Schema(json.dumps(told) if format == "JSON" else text, format)

    registry.register_schema(subject, of("integer"))
    registry.set_compatibility(subject, "BACKWARD")
    assert confluent.refuses(lambda: registry.register_schema(subject, of("string")))


def test_the_strategies_name_subjects_as_the_table_says(url: str) -> None:
    del url
    module, context = confluent.of(""), confluent.here(TOPIC)
    names = {
        "topic_subject_name_strategy": "departures-value",
        "record_subject_name_strategy": "labs.Flight",
        "topic_record_subject_name_strategy": "departures-labs.Flight",
    }
    for name, subject in names.items():
        assert getattr(module, name)(context, "labs.Flight") == subject


def test_a_schema_is_refused_under_one_subject_and_accepted_under_another(url: str) -> None:
    registry, topic = confluent.client(url), "strategies"
    registry.register_schema(f"{topic}-value", confluent.schema(FIRST))
    registry.set_compatibility(f"{topic}-value", "BACKWARD")

    def write(strategy: str) -> bytes:
        by = {"subject.name.strategy": getattr(confluent.of(""), strategy)}
        return confluent.serialized(topic, confluent.writer(registry, BARE, **by), flight_of(BARE))

    assert confluent.refuses(lambda: write("topic_subject_name_strategy"))
    assert "labs.Flight" not in registry.get_subjects()
    assert write("record_subject_name_strategy")[0] == 0
    assert len(registry.get_versions("labs.Flight")) == 1, "there was nothing to compare it with"
    assert len(registry.get_versions(f"{topic}-value")) == 1


def test_what_the_client_does_by_default(url: str) -> None:
    registry = confluent.of("").SchemaRegistryClient({"url": url})
    rest = registry._rest_client  # noqa: SLF001
    assert rest.timeout is None, "it waits for ever"
    assert rest.max_retries == 3
    schema = confluent.schema(FIRST)
    serializer = confluent.of(".avro").AvroSerializer(registry, schema)
    strategy = serializer._subject_name_func  # noqa: SLF001
    assert "ssociated" in repr(strategy)
    prefix = confluent.of("").prefix_schema_id_serializer
    assert serializer._schema_id_serializer is prefix  # noqa: SLF001
    assert callable(confluent.of("").header_schema_id_serializer)


def test_avro_producer_and_consumer_are_deprecated(url: str) -> None:
    del url
    avro = import_module("confluent_kafka.avro")
    for name in ("AvroProducer", "AvroConsumer"):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            with pytest.raises(Exception):  # noqa: B017 - it gets no settings
                getattr(avro, name)({})
        assert any(issubclass(one.category, DeprecationWarning) for one in told), name


def test_the_journal_is_kept_for_ever_and_not_compacted(
    own_cluster: LocalCluster, url: str
) -> None:
    registry = confluent.client(url)
    registry.register_schema("journal-value", confluent.schema(FIRST))
    place = TopicPartition("kafkasql-journal", 0)
    reader = KafkaConsumer(bootstrap_servers=own_cluster.bootstrap, consumer_timeout_ms=20_000)
    reader.assign([place])
    reader.seek_to_beginning(place)
    end = reader.end_offsets([place])[place]
    records = [next(reader) for _ in range(end)]
    reader.close()
    assert len({record.key for record in records}) == len(records) > 1, "each has its own key"
    assert all(dict(record.headers)["mt"] for record in records)
    from kafka.admin import ConfigResource, ConfigResourceType

    with admin(own_cluster.bootstrap) as client:
        asked = ConfigResource(ConfigResourceType.TOPIC, place.topic)
        told = client.describe_configs([asked])["topic"][place.topic]
    assert told["cleanup.policy"]["value"] == "delete"
    assert told["retention.ms"]["value"] == told["retention.bytes"]["value"] == "-1"


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "AvroProducer": "test_avro_producer_and_consumer_are_deprecated",
    "header_schema_id_serializer": "test_what_the_client_does_by_default",
    "associated subject": "test_what_the_client_does_by_default",
}
