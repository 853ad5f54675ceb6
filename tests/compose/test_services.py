"""Servers that keep something in Kafka, beside the cluster in containers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from labs.kafka.compose import ComposeCluster
from labs.services.known import service
from labs.supervise.home import Home
from labs.supervise.runner import State
from tests.services.web import sent

LINES = ["N1", "N2"]


@pytest.fixture
def home() -> Iterator[Home]:
    """A short path: the tests' own is long enough to be cut in a process list."""
    with tempfile.TemporaryDirectory(prefix="labs-services-") as folder:
        yield Home(Path(folder).resolve())


def test_a_connector_makes_records_there(
    cluster: ComposeCluster, home: Home, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_text("".join(f"{line}\n" for line in LINES))
    connect = service("connect", home=home)
    try:
        url = connect.handle()
        told = {
            "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
            "tasks.max": "1",
            "file": str(source),
            "topic": "planes",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            "topic.creation.default.replication.factor": "3",
            "topic.creation.default.partitions": "1",
        }
        sent("PUT", f"{url}/connectors/planes/config", told)
        assert read(cluster, "planes", len(LINES)) == LINES
    finally:
        connect.stop()
    assert connect.runner.processes() == []


def read(cluster: ComposeCluster, topic: str, count: int) -> list[str]:
    """The first records of a topic."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=cluster.bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )
    found: list[str] = []
    for record in consumer:
        found.append(record.value.decode())
        if len(found) == count:
            break
    consumer.close()
    return found


def test_a_registry_keeps_schemas_there(cluster: ComposeCluster, home: Home) -> None:
    schema = {"schema": json.dumps({"type": "record", "name": "Plane", "fields": []})}
    registry = service("registry", home=home)
    try:
        number = sent("POST", f"{registry.handle()}/subjects/planes-value/versions", schema)["id"]
        registry.kill()
        url = registry.handle()
        assert registry.status().state is State.RUNNING
        assert sent("GET", f"{url}/subjects") == ["planes-value"]
        assert json.loads(sent("GET", f"{url}/schemas/ids/{number}")["schema"])["name"] == "Plane"
    finally:
        registry.stop()
    assert registry.runner.processes() == []
