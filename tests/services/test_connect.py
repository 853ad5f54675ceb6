"""Kafka Connect: started, used, broken and stopped as a learner does."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer

from labs.kafka.admin import ask
from labs.kafka.local import LocalCluster
from labs.services.in_kafka import has_topics
from labs.services.jvm import asked
from labs.services.kinds.connect import SERVER, TOPICS
from labs.services.kinds.postgres import DATABASE, OWNER
from labs.services.kinds.postgres import SERVER as POSTGRES
from labs.services.known import service
from labs.services.server import Server
from labs.services.service import Service
from labs.supervise.home import Home
from labs.supervise.runner import State
from labs.supervise.watchdog import watchdog_pid
from tests.helpers import wait_until
from tests.services.conftest import listening, must_refuse, told_by_another
from tests.services.web import sent

Make = Callable[[type[Server]], Service]

#: A topic that a source makes (KIP-158).
TOPIC = {
    "topic.creation.default.replication.factor": "3",
    "topic.creation.default.partitions": "1",
}


@pytest.fixture
def connect(cluster: LocalCluster, service_of: Make) -> Service:
    """It is not started yet, and the cluster is clean."""
    del cluster
    return service_of(SERVER)


def put(url: str, name: str, **settings: str) -> None:
    sent("PUT", f"{url}/connectors/{name}/config", {"tasks.max": "1", **settings})
    wait_until(lambda: running(url, name), f"{name} to run")


def running(url: str, name: str) -> bool:
    """Whether a connector and its task run; both states are told once they are known."""
    known = sent("GET", f"{url}/connectors?expand=status")
    if name not in known:
        return False
    told = known[name]["status"]
    states = [told["connector"]["state"], *(task["state"] for task in told["tasks"])]
    assert "FAILED" not in states, [task.get("trace") for task in told["tasks"]]
    return states == ["RUNNING", "RUNNING"]


def copying(url: str, folder: Path) -> Path:
    """A file's lines go into a topic, and from there into the file that is returned."""
    source, sink = folder / "source", folder / "sink"
    source.write_text("N1\nN2\n")
    file = "org.apache.kafka.connect.file.FileStream"
    lines = {"value.converter": "org.apache.kafka.connect.storage.StringConverter"}
    named = {"file": str(source), "topic": "planes"}
    put(
        url, "from-file", **{"connector.class": f"{file}SourceConnector"}, **named, **lines, **TOPIC
    )
    named = {"file": str(sink), "topics": "planes"}
    put(url, "to-file", **{"connector.class": f"{file}SinkConnector"}, **named, **lines)
    wait_until(lambda: lines_of(sink) == ["N1", "N2"], "the lines")
    return sink


def lines_of(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def append(sink: Path, line: str) -> None:
    with sink.with_name("source").open("a") as file:
        file.write(f"{line}\n")


def test_it_copies_lines_on_loopback_alone(connect: Service, tmp_path: Path) -> None:
    url = connect.handle()
    copying(url, tmp_path)
    assert listening(connect) == {"127.0.0.1"}
    status = connect.status()
    assert (status.state, status.version) == (State.RUNNING, sent("GET", url)["version"])
    assert status.memory_mb > 0
    classes = {plugin["class"] for plugin in sent("GET", f"{url}/connector-plugins")}
    assert classes >= {
        "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "io.debezium.connector.postgresql.PostgresConnector",
        "io.debezium.connector.jdbc.JdbcSinkConnector",
    }
    connect.stop()
    assert connect.runner.processes() == []
    assert watchdog_pid(connect.home) is None


def test_killed_it_goes_on_where_it_was(connect: Service, place: Home, tmp_path: Path) -> None:
    sink = copying(connect.handle(), tmp_path)
    connect.kill()
    assert connect.status().state is State.KILLED
    assert connect.runner.processes() == []
    append(sink, "N3")
    url = connect.handle()
    wait_until(lambda: "N3" in lines_of(sink), "the line that was written meanwhile")

    pids = connect.runner.processes()
    assert told_by_another(place, "print(service('connect', home=place).handle())") == url
    assert connect.runner.processes() == pids

    connect.pause()
    assert connect.status().state is State.PAUSED
    append(sink, "N4")
    assert asked(connect.status().ports[0], "/connectors") is None
    connect.resume()
    wait_until(lambda: "N4" in lines_of(sink), "it to go on")


def test_a_bad_setting_is_told_in_one_sentence(connect: Service) -> None:
    sentence = r"Kafka Connect died .*the log is .*connect\.log"
    must_refuse(connect, {"key.converter": "no.such.Converter"}, sentence, b"no.such.Converter")


def test_a_taken_port_is_left_to_whoever_has_it(connect: Service) -> None:
    connect.handle()
    (port,) = connect.status().ports
    connect.stop()
    with socket.create_server(("127.0.0.1", port)):
        assert sent("GET", f"{connect.handle()}/connectors") == []
        assert connect.status().ports != [port]


def test_after_a_reset_under_it_it_starts_anew(
    connect: Service, cluster: LocalCluster, tmp_path: Path
) -> None:
    copying(connect.handle(), tmp_path)
    before = connect.runner.processes()
    cluster.reset()
    url = connect.handle()
    assert connect.runner.processes() != before
    assert sent("GET", f"{url}/connectors") == []
    again = tmp_path / "again"  # the old file holds the old lines
    again.mkdir()
    copying(url, again)


def test_a_reset_of_its_cluster_stops_it(cluster: LocalCluster) -> None:
    """Else its workers' group, which nobody else can end, would be there after the reset."""
    ours = service(SERVER.id)
    ours.start()
    cluster.reset()
    assert ours.runner.processes() == []
    assert ask(cluster.bootstrap, lambda client: client.list_groups()) == []
    assert not has_topics(cluster, TOPICS.values())


def test_a_database_s_changes_reach_another_table(
    connect: Service, cluster: LocalCluster, service_of: Make, tmp_path: Path
) -> None:
    postgres = service_of(POSTGRES)
    database = postgres.handle()
    database.execute("CREATE TABLE planes (tail text PRIMARY KEY, seats int)")
    database.execute("INSERT INTO planes VALUES ('N1', 100)")
    url = connect.handle()
    secret = tmp_path / "secret.properties"
    secret.write_text(f"password={postgres.facts['password']}\n")
    put(url, "changes", **changes(postgres, secret))
    database.execute("INSERT INTO planes VALUES ('N2', 200)")
    database.execute("UPDATE planes SET seats = 150 WHERE tail = 'N1'")
    assert operations(cluster, 3) == ["r", "c", "u"]

    put(url, "copy", **copy_of(postgres))
    wait_until(lambda: copied(database) == [("N1", 150), ("N2", 200)], "the copies")
    database.execute("DELETE FROM planes WHERE tail = 'N1'")
    wait_until(lambda: copied(database) == [("N2", 200)], "the copy to be deleted")
    for name in ("changes", "copy"):
        sent("DELETE", f"{url}/connectors/{name}")


def changes(postgres: Service, secret: Path) -> dict[str, str]:
    """Settings of Debezium's source; the password stays in a file."""
    (port,) = postgres.status().ports
    return {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput",
        "database.hostname": "127.0.0.1",
        "database.port": str(port),
        "database.user": OWNER,
        "database.password": f"${{file:{secret}:password}}",
        "database.dbname": DATABASE,
        "topic.prefix": "db",
        "table.include.list": "public.planes",
        **TOPIC,
    }


def copy_of(postgres: Service) -> dict[str, str]:
    """Settings of Debezium's sink."""
    (port,) = postgres.status().ports
    return {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "topics": "db.public.planes",
        "connection.url": f"jdbc:postgresql://127.0.0.1:{port}/{DATABASE}",
        "connection.username": OWNER,
        "connection.password": postgres.facts["password"],
        "insert.mode": "upsert",
        "delete.enabled": "true",
        "primary.key.mode": "record_key",
        "schema.evolution": "basic",
        "collection.name.format": "copies",
    }


def operations(cluster: LocalCluster, count: int) -> list[str]:
    """What was done to rows, by Debezium's letters."""
    consumer = KafkaConsumer(
        "db.public.planes",
        bootstrap_servers=cluster.bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=30_000,
    )
    with_values = (record for record in consumer if record.value)
    found = [json.loads(next(with_values).value)["payload"]["op"] for _ in range(count)]
    consumer.close()
    return found


def copied(database: Any) -> list[Any]:
    exists = database.execute("SELECT to_regclass('copies')").fetchone() != (None,)
    rows = database.execute("SELECT tail, seats FROM copies ORDER BY tail") if exists else []
    return list(rows)
