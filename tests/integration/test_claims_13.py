"""What chapter 13 says of brokers, groups and DuckDB, asked of the live ones."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from labs.base.flights import flights
from labs.chapters.architectures import batch
from labs.kafka.admin import admin
from labs.kafka.local import LocalCluster
from labs.services.packages import Packages
from tests.kafka_tools import end_offsets

TOPIC = "claims-13"


def test_the_retention_that_a_replay_meets_by_default(cluster: LocalCluster) -> None:
    with admin(cluster.bootstrap) as client:
        asked = ConfigResource(ConfigResourceType.BROKER, "1")
        told = client.describe_configs([asked], config_filter="all")["broker"]["1"]
    assert int(told["log.retention.hours"]["value"]) == 7 * 24
    assert int(told["log.retention.check.interval.ms"]["value"]) == 5 * 60 * 1000
    assert told["remote.log.storage.system.enable"]["value"] == "false"


def test_one_more_group_reads_all_and_writes_nothing_to_the_topic(cluster: LocalCluster) -> None:
    _fill(cluster, TOPIC, 30)
    before = end_offsets(cluster.bootstrap, TOPIC)
    for group in ("one", "one-more"):
        assert len(_read(cluster, TOPIC, group)) == 30
    assert end_offsets(cluster.bootstrap, TOPIC) == before


def test_a_replay_begins_where_the_log_does(cluster: LocalCluster) -> None:
    topic = f"{TOPIC}-deleted"
    _fill(cluster, topic, 30)
    with admin(cluster.bootstrap) as client:
        client.delete_records({TopicPartition(topic, 0): 10})
    assert _read(cluster, topic, "late") == list(range(10, 30))


def test_sql_leaves_out_what_has_no_delay(tmp_path: Path) -> None:
    duckdb = batch.database(lambda *_: None)
    sent = list(flights(2000))
    batch.append(duckdb, tmp_path, 0, (flight.value for flight in sent[:1200]))
    batch.append(duckdb, tmp_path, 1200, (flight.value for flight in sent[1200:]))
    assert [file.suffix for file in sorted(tmp_path.iterdir())] == [".parquet"] * 2
    found = batch.view(duckdb, tmp_path)
    assert sum(count for count, _ in found.values()) == sum(not one.cancelled for one in sent)
    assert sum(total for _, total in found.values()) == sum(one.dep_delay or 0 for one in sent)
    mean = duckdb.execute(f"SELECT avg(dep_delay) FROM '{tmp_path}/*.parquet'").fetchone()[0]
    left = [one.dep_delay for one in sent if one.dep_delay is not None]
    assert round(mean, 9) == round(sum(left) / len(left), 9) != sum(left) / len(sent)


def test_duckdb_is_the_locked_one() -> None:
    Packages("duckdb").use()
    assert import_module("duckdb").__version__ == Packages("duckdb").version("duckdb")


def _fill(cluster: LocalCluster, topic: str, count: int) -> None:
    with admin(cluster.bootstrap) as client:
        client.create_topics({topic: {"num_partitions": 1, "replication_factor": 3}})
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    for number in range(count):
        producer.send(topic, json.dumps(number).encode()).get(timeout=20)
    producer.close()


def _read(cluster: LocalCluster, topic: str, group: str) -> list[int]:
    """All that a new group finds from the beginning; it commits."""
    reader = KafkaConsumer(
        bootstrap_servers=cluster.bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )
    place = TopicPartition(topic, 0)
    reader.assign([place])
    end = reader.end_offsets([place])[place]
    found: list[int] = []
    while not found or reader.position(place) < end:
        found.append(json.loads(next(reader).value))
    reader.commit()
    reader.close()
    return found


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "remote.log.storage.system.enable": "test_the_retention_that_a_replay_meets_by_default",
    "share groups": (
        "experiments/test_groups.py::test_in_a_share_group_more_members_than_partitions_work"
    ),
}
