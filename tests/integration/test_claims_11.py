"""What chapter 11 says of Connect, Debezium and PostgreSQL, asked of the live ones."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from labs.base.errors import LabsError
from labs.chapters.connect import connectors
from labs.kafka.admin import admin
from labs.kafka.installation import jvm_environment
from labs.kafka.local import LocalCluster
from labs.services.kinds.connect import HERE, TOPICS, WORKER
from labs.services.known import service
from labs.supervise.java import find_java
from tests.helpers import wait_until
from tests.outcomes import run_now

FILE_SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
DEBEZIUM = "io.debezium.connector.postgresql.PostgresConnector"
JDBC = "io.debezium.connector.jdbc.JdbcSinkConnector"
#: A worker that fails waits for itself to end, twice: for these two, and for 15 s.
ENDS_SOONER = {"worker.sync.timeout.ms": "1", "task.shutdown.graceful.timeout.ms": "0"}


@pytest.fixture
def cluster(beside_servers: LocalCluster) -> LocalCluster:
    """Servers are started by the first test that needs them, and serve all."""
    return beside_servers


class _Connect:
    """Connect's REST interface."""

    def __init__(self) -> None:
        self.url = service("connect").handle()

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        """The answer; while the group rebalances (409), it is asked again."""
        for _ in range(60):
            answer = requests.request(method, self.url + path, json=body, timeout=20)
            if answer.status_code != requests.codes.conflict:
                return answer
            time.sleep(0.5)
        pytest.fail(f"{method} {path}: still 409")

    def task(self, name: str) -> str:
        told = self.ask("GET", f"/connectors/{name}/status").json()
        return next((task["state"] for task in told.get("tasks", ())), "")

    def defaults(self, config: dict[str, str]) -> dict[str, str]:
        """What a connector's settings are by default."""
        name = config["connector.class"].rpartition(".")[2]
        path = f"/connector-plugins/{name}/config/validate"
        told = self.ask("PUT", path, {"name": "any", **config}).json()
        found = (entry["definition"] for entry in told["configs"])
        return {one["name"]: one["default_value"] for one in found}


@pytest.fixture
def connect(cluster: LocalCluster) -> _Connect:
    del cluster
    return _Connect()


@pytest.fixture
def database() -> Iterator[Any]:
    with service("postgres").handle() as connection:
        yield connection


# -- the worker --------------------------------------------------------------------------------


def worker_page() -> str:
    """The worker's settings, as its class prints them for the documentation."""
    name = "org.apache.kafka.connect.runtime.distributed.DistributedConfig"
    done = subprocess.run(
        [str(find_java().path), "-cp", WORKER.class_path, name],
        env=jvm_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_the_workers_defaults() -> None:
    entry = r'<h4><a id="([\w.]+)".*?<th>Default:</th><td>(.*?)</td>'
    told = dict(re.findall(entry, worker_page(), re.DOTALL))
    assert told["offset.flush.interval.ms"].startswith("60000")
    assert told["plugin.discovery"] == "hybrid_warn"
    assert told["exactly.once.source.support"] == "disabled"


def test_the_connectors_for_files_must_be_asked_for() -> None:
    """The worker's own jars do not bring them."""
    wanted = (HERE / "connect.toml").read_text("utf-8")
    assert '"org.apache.kafka:connect-file:' in wanted


def test_a_worker_refuses_a_topic_that_is_not_compacted(cluster: LocalCluster) -> None:
    with admin(cluster.bootstrap) as client:
        client.create_topics({"made-by-hand": {"num_partitions": 1, "replication_factor": 3}})
    one = service("connect")
    one.stop()
    with pytest.raises(LabsError, match="died while it was starting"):
        one.start({"config.storage.topic": "made-by-hand", **ENDS_SOONER})
    said = b"".join(*one.logs(300, follow=False).values()).decode()
    assert re.search(r"made-by-hand.*cleanup\.policy.*compact", said)
    mended = ConfigResource(ConfigResourceType.TOPIC, "made-by-hand", {"cleanup.policy": "compact"})
    with admin(cluster.bootstrap) as client:
        client.alter_configs([mended])
    one.start({"config.storage.topic": "made-by-hand"})
    one.stop()
    one.start()


def test_what_it_knows_is_in_three_topics_that_are_compacted(
    cluster: LocalCluster, connect: _Connect
) -> None:
    del connect
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in TOPICS.values()]
    assert set(TOPICS.values()) == {"connect-configs", "connect-offsets", "connect-status"}
    with admin(cluster.bootstrap) as client:
        told = client.describe_configs(resources)["topic"]
    assert {told[name]["cleanup.policy"]["value"] for name in TOPICS.values()} == {"compact"}


# -- connectors --------------------------------------------------------------------------------


def test_connectors_defaults(connect: _Connect) -> None:
    file = connect.defaults({"connector.class": FILE_SINK, "topics": "any"})
    assert file["errors.tolerance"] == "none"
    assert file["errors.retry.timeout"] == "0"
    sink = connect.defaults({"connector.class": JDBC, "topics": "any"})
    assert (sink["insert.mode"], sink["schema.evolution"]) == ("insert", "none")
    source = connect.defaults({"connector.class": DEBEZIUM})
    name, _, default = connectors.RETRY_MS
    assert source[name] == str(default)
    assert source["provide.transaction.metadata"] == "false"
    assert source["slot.drop.on.stop"] == "false"
    assert source["heartbeat.interval.ms"] == "0"
    assert source["lsn.flush.mode"] is None, "the driver confirms nothing unless it is asked to"
    assert source["poll.interval.ms"] == "500"
    assert source["exactly.once.support"] == "requested"


def test_a_sink_is_a_group_and_a_failed_task_fails_again_until_its_place_is_altered(
    cluster: LocalCluster, connect: _Connect, tmp_path: Path
) -> None:
    with admin(cluster.bootstrap) as client:
        client.create_topics({"letters": {"num_partitions": 1, "replication_factor": 3}})
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    producer.send("letters", b'{"good": 1}')
    producer.flush()
    config = {
        "connector.class": FILE_SINK,
        "topics": "letters",
        "file": str(tmp_path / "letters.txt"),
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": connectors.JSON,
        "value.converter.schemas.enable": "false",
    }
    connect.ask("PUT", "/connectors/letters/config", config)

    def places() -> Any:
        return connect.ask("GET", "/connectors/letters/offsets").json()["offsets"]

    wait_until(places, "a committed offset")
    assert places()[0]["partition"] == {"kafka_topic": "letters", "kafka_partition": 0}
    with admin(cluster.bootstrap) as client:
        assert client.list_group_offsets({"connect-letters": None})["connect-letters"]
    producer.send("letters", b"bad").get(timeout=20)
    wait_until(lambda: connect.task("letters") == "FAILED", "its task to fail")
    told = connect.ask("GET", "/connectors/letters/status").json()
    assert told["connector"]["state"] == "RUNNING"
    connect.ask("POST", "/connectors/letters/restart?includeTasks=true")
    wait_until(lambda: connect.task("letters") != "FAILED", "its restart")
    wait_until(lambda: connect.task("letters") == "FAILED", "it to fail again")

    def alter(offset: int) -> requests.Response:
        place = {**places()[0], "offset": {"kafka_offset": offset}}
        return connect.ask("PATCH", "/connectors/letters/offsets", {"offsets": [place]})

    def written(text: str) -> bool:
        return (tmp_path / "letters.txt").read_text() == text

    assert alter(2).status_code == 400, "it has not been stopped"
    connect.ask("PUT", "/connectors/letters/stop")
    wait_until(lambda: connect.task("letters") == "", "the end of its task")
    assert alter(2).ok, "behind the bad record"
    connect.ask("PUT", "/connectors/letters/resume")
    producer.send("letters", b'{"good": 2}')
    producer.close()
    wait_until(lambda: written("{good=1}\n{good=2}\n"), "the record behind it")
    connect.ask("PUT", "/connectors/letters/stop")
    wait_until(lambda: connect.task("letters") == "", "the end of its task")
    assert alter(2).ok, "back there"
    connect.ask("PUT", "/connectors/letters/resume")
    wait_until(lambda: written("{good=1}\n{good=2}\n{good=2}\n"), "the same record again")
    connect.ask("DELETE", "/connectors/letters")


# -- Debezium and PostgreSQL -------------------------------------------------------------------


def test_a_debezium_connector_by_its_rest_interface(
    cluster: LocalCluster, connect: _Connect, database: Any
) -> None:
    for statement in (
        "DROP TABLE IF EXISTS claims",
        "CREATE TABLE claims (id integer PRIMARY KEY, told text)",
        "INSERT INTO claims VALUES (1, 'there')",
    ):
        database.execute(statement)
    config = {
        **connectors.captures(database, "claims", "claims", "claims"),
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "3",
        **connectors.PLAIN,
    }
    assert connect.ask("PUT", "/connectors/claims/config", config).ok
    shown = connect.ask("GET", "/connectors/claims/config").json()
    assert shown["database.password"] == database.info.password, "anybody may read it"
    wait_until(lambda: records(cluster), "the snapshot")
    with database.transaction():
        database.execute("INSERT INTO claims VALUES (2, 'new')")
        database.execute("UPDATE claims SET told = 'other' WHERE id = 1")
    database.execute("DELETE FROM claims WHERE id = 2")
    wait_until(lambda: len(records(cluster)) == 5, "all changes")
    read, created, updated, deleted, tombstone = (value for _, value in records(cluster))
    assert (read["op"], read["after"]) == ("r", {"id": 1, "told": "there"})
    assert (created["op"], created["before"]) == ("c", None)
    assert (updated["op"], updated["before"]) == ("u", None), "no REPLICA IDENTITY FULL"
    assert created["source"]["txId"] == updated["source"]["txId"] != deleted["source"]["txId"]
    assert (deleted["op"], deleted["before"], deleted["after"]) == (
        "d",
        {"id": 2, "told": None},
        None,
    )
    assert tombstone is None
    assert [key for key, _ in records(cluster)][-2:] == [{"id": 2}, {"id": 2}]

    def places() -> Any:
        return connect.ask("GET", "/connectors/claims/offsets").json()["offsets"]

    wait_until(places, "a place")
    (place,) = places()
    assert place["partition"] == {"server": "claims"}
    assert place["offset"]["lsn"] > 0

    assert connect.ask("DELETE", "/connectors/claims/offsets").status_code == 400, "it runs"
    connect.ask("PUT", "/connectors/claims/stop")
    wait_until(lambda: connect.task("claims") == "", "the end of its task")
    assert connect.ask("DELETE", "/connectors/claims/offsets").ok
    before = len(records(cluster))
    database.execute("INSERT INTO claims VALUES (3, 'meanwhile')")
    connect.ask("PUT", "/connectors/claims/resume")
    wait_until(lambda: len(records(cluster)) >= before + 2, "a second snapshot")
    time.sleep(2)
    again = [(value["op"], value["after"]["id"]) for _, value in records(cluster)[before:]]
    assert again == [("r", 1), ("r", 3)], "the rows as they are now, and no `c`"

    connect.ask("DELETE", "/connectors/claims")
    found = "SELECT active FROM pg_replication_slots WHERE slot_name = 'claims'"
    wait_until(lambda: database.execute(found).fetchone() == (False,), "the slot to be left")
    time.sleep(2)
    assert database.execute(found).fetchone() == (False,), "and there it stays"
    database.execute("SELECT pg_drop_replication_slot('claims')")
    database.execute("DROP PUBLICATION claims")


def records(cluster: LocalCluster, topic: str = "claims.public.claims") -> list[tuple[Any, Any]]:
    """Keys and values of what Debezium has written."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=cluster.bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=2000,
    )
    found = [(json.loads(r.key), json.loads(r.value) if r.value else None) for r in consumer]
    consumer.close()
    return found


def test_a_transaction_over_two_tables_has_a_beginning_and_an_end(
    cluster: LocalCluster, connect: _Connect, database: Any
) -> None:
    for table in ("seats", "fares"):
        database.execute(f"DROP TABLE IF EXISTS {table}")
        database.execute(f"CREATE TABLE {table} (id integer PRIMARY KEY)")
    config = {
        **connectors.captures(database, "seats", "pair", "pair"),
        "table.include.list": "public.seats,public.fares",
        "provide.transaction.metadata": "true",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "3",
        **connectors.PLAIN,
    }
    connect.ask("PUT", "/connectors/pair/config", config)
    active = "SELECT 1 FROM pg_replication_slots WHERE slot_name = 'pair' AND active"
    wait_until(lambda: database.execute(active).fetchone(), "its slot")
    with database.transaction():
        database.execute("INSERT INTO seats VALUES (1)")
        database.execute("INSERT INTO fares VALUES (1)")
        database.execute("INSERT INTO seats VALUES (2)")
        found = database.execute("SELECT pg_current_xact_id()::text").fetchone()
    wait_until(lambda: len(records(cluster, "pair.transaction")) == 2, "BEGIN and END")
    (_, begin), (_, end) = records(cluster, "pair.transaction")
    assert (begin["status"], end["status"], end["event_count"]) == ("BEGIN", "END", 3)
    told = {
        table: [value["transaction"] for _, value in _captured(cluster, table)]
        for table in ("seats", "fares")
    }
    assert [one["total_order"] for one in told["seats"]] == [1, 3]
    assert [one["total_order"] for one in told["fares"]] == [2]
    ids = [one["id"] for one in (begin, end, *told["seats"], *told["fares"])]
    assert {id.partition(":")[0] for id in ids} == {*found}, (
        "behind the colon is the change's place"
    )
    connect.ask("DELETE", "/connectors/pair")
    wait_until(lambda: not database.execute(active).fetchone(), "the slot to be left")
    database.execute("SELECT pg_drop_replication_slot('pair')")
    database.execute("DROP PUBLICATION pair")


def _captured(cluster: LocalCluster, table: str) -> list[tuple[Any, Any]]:
    return records(cluster, f"pair.public.{table}")


def test_what_postgresql_keeps_for_a_slot_has_no_limit_by_default(database: Any) -> None:
    assert database.execute("SHOW max_slot_wal_keep_size").fetchone() == ("-1",)
    assert database.execute("SHOW wal_level").fetchone() == ("logical",)


def test_debezium_asks_for_a_lost_slot_up_to_900_times(cluster: LocalCluster) -> None:
    result = run_now("connect", cluster, "slot", max_slot_wal_keep_size="32MB")
    assert result.measurements["slot_status"] == "lost"
    (lines,) = service("connect").logs(3000, follow=False).values()
    said = b"".join(lines).decode()
    refused = r"Cannot obtain valid replication slot .*\[during attempt \d+ out of 900"
    assert re.search(refused, said)


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "connect-file": "test_the_connectors_for_files_must_be_asked_for",
    "plugin.discovery": "test_the_workers_defaults",
    "/offsets": "test_a_debezium_connector_by_its_rest_interface",
    "/stop": "test_a_debezium_connector_by_its_rest_interface",
    "KIP-618": (
        "experiments/test_connect.py::"
        "test_with_exactly_once_nothing_comes_again_to_who_reads_committed"
    ),
}
