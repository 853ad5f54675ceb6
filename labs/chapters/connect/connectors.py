"""The connectors of this chapter's experiments, by Connect's REST interface."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.experiment.run import Run
from labs.services.known import service
from labs.workload.set_here import Departure

words = Words(__file__)

#: How long one answer of Connect's, and a change of a state, are waited for, s.
ANSWER_S, CHANGE_S = 30.0, 180.0
#: Before each question for a state, s: Connect logs them all.
ASK_EVERY_S = 0.2
RUNNING, STOPPED, FAILED = "RUNNING", "STOPPED", "FAILED"

JSON = "org.apache.kafka.connect.json.JsonConverter"
#: A text, as it is.
TEXT = "org.apache.kafka.connect.storage.StringConverter"
#: JSON without its schema in each record.
PLAIN = {
    "key.converter": JSON,
    "key.converter.schemas.enable": "false",
    "value.converter": JSON,
    "value.converter.schemas.enable": "false",
}
#: Debezium's default of what we set: after a lost connection it waits so long, ms.
RETRY_MS = ("retriable.restart.connector.wait.ms", 1000, 10_000)


class Connector:
    """One connector of a run; it is deleted when the run ends.

    Args:
        run: whose it is.
        name: by which Connect knows it; nobody has used it, so Connect remembers no place of it.
        config: its settings.
    """

    def __init__(self, run: Run, name: str, config: Mapping[str, str]) -> None:
        self.name = name
        self._run = run
        self._url = service("connect", run.tell).handle()
        for old in requests.get(f"{self._url}/connectors", timeout=ANSWER_S).json():
            if old.startswith(name[:-6]):
                self._ask("DELETE", f"/connectors/{old}")
        run.closing(self.delete)
        taken = words("connector.taken")
        path = f"/connectors/{name}/config"
        run.wait(lambda: self._ask("PUT", path, dict(config)), taken, CHANGE_S)

    def _ask(self, method: str, path: str, body: Any = None) -> requests.Response | None:
        """Ask Connect; None: it does not answer, or not yet (409: its group rebalances)."""
        with contextlib.suppress(requests.RequestException):
            answer = requests.request(method, self._url + path, json=body, timeout=ANSWER_S)
            if answer.status_code == requests.codes.conflict:
                return None
            if answer.status_code == requests.codes.bad_request:
                raise LabsError(words("connector.refused", why=answer.json()["message"]))
            return answer
        return None

    def states(self) -> tuple[str, str]:
        """The state of the connector, and that of its task; empty: not known."""
        self._run.sleep(ASK_EVERY_S)
        answer = self._ask("GET", f"/connectors/{self.name}/status")
        told = answer.json() if answer is not None and answer.ok else {}
        tasks = [task["state"] for task in told.get("tasks", ())]
        return told.get("connector", {}).get("state", ""), tasks[0] if tasks else ""

    def await_task(self, state: str) -> None:
        """Wait until its task is in that state."""
        awaited = words("connector.awaited", state=state)
        self._run.wait(lambda: self.states()[1] == state, awaited, CHANGE_S)

    def put(self, what: str) -> None:
        """`stop` or `resume` it (KIP-875)."""
        awaited = words("connector.awaited", state=what)
        path = f"/connectors/{self.name}/{what}"
        self._run.wait(lambda: self._ask("PUT", path), awaited, CHANGE_S)

    def places(self) -> list[Any]:
        """How far it has come, in its own words: its partitions and offsets."""
        answer = self._ask("GET", f"/connectors/{self.name}/offsets")
        return list(answer.json().get("offsets", ())) if answer is not None and answer.ok else []

    def delete(self) -> None:
        """Delete it, if Connect answers."""
        self._ask("DELETE", f"/connectors/{self.name}")


def debezium(
    run: Run, connection: Any, table: str, more: Mapping[str, str] | None = None
) -> Connector:
    """A Debezium connector for one table, whose changes go to the run's topic.

    Its slot and its publication are dropped when the run ends.

    Args:
        run: whose it is.
        connection: to the database.
        table: which one it captures.
        more: settings of its own, before all others.
    """
    slot = slot_of(run)
    run.closing(lambda: _drop(run, slot))
    name, ms, default = RETRY_MS
    depart(run, name, ms, default)
    config = {
        **captures(connection, table, slot, run.topic),
        "transforms": "route",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": rf".*\.public\.{table}",
        "transforms.route.replacement": run.topic,
        name: str(ms),
        **PLAIN,
        **(more or {}),
    }
    return Connector(run, run.topic, config)


def depart(run: Run, name: str, value: str | int, default: str | int) -> None:
    """Have the result list a connector's setting that is not at its default."""
    run.note([Departure(words("where.connector"), name, value, default)])


def from_now_on(
    run: Run, connection: Any, table: str, more: Mapping[str, str] | None = None
) -> Connector:
    """Debezium without a snapshot: each change that is made after this returns is a record."""
    depart(run, "snapshot.mode", "no_data", "initial")
    more = {"snapshot.mode": "no_data", **(more or {})}
    connector = debezium(run, connection, table, more)
    active = "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND active"
    slot = slot_of(run)
    awaited = words("connector.slot")
    run.wait(lambda: connection.execute(active, (slot,)).fetchone(), awaited, CHANGE_S)
    return connector


def outbox(run: Run, connection: Any, table: str) -> Connector:
    """Debezium as a relay: each row that comes into an outbox is one event, and nothing else is."""
    more = {
        "transforms": "outbox",
        "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
        "transforms.outbox.route.topic.replacement": "${routedByValue}",
        "key.converter": TEXT,
        "value.converter": TEXT,
    }
    return from_now_on(run, connection, table, more)


def captures(connection: Any, table: str, slot: str, prefix: str) -> dict[str, str]:
    """The settings by which Debezium captures one table, through a slot of that name."""
    info = connection.info
    return {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "database.hostname": info.host,
        "database.port": str(info.port),
        "database.user": info.user,
        "database.password": info.password,
        "database.dbname": info.dbname,
        "plugin.name": "pgoutput",
        "slot.name": slot,
        "publication.name": slot,
        "publication.autocreate.mode": "filtered",
        "table.include.list": f"public.{table}",
        "topic.prefix": prefix,
    }


def slot_of(run: Run) -> str:
    """The name of the run's replication slot."""
    return run.topic.replace("-", "_").replace(".", "_")


def _drop(run: Run, slot: str) -> None:
    """Drop slot and publication, once nobody reads there any more; those of earlier runs, too."""
    with service("postgres").handle() as connection:
        like = f"{slot[:-6]}%"

        def dropped() -> bool:
            connection.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                " WHERE slot_name LIKE %s AND NOT active",
                (like,),
            )
            left = "SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE %s"
            return bool(connection.execute(left, (like,)).fetchone() == (0,))

        with contextlib.suppress(LabsError):  # the next run tries again
            run.wait(dropped, words("connector.dropped"))
        found = "SELECT pubname FROM pg_publication WHERE pubname LIKE %s"
        for (name,) in connection.execute(found, (like,)).fetchall():
            connection.execute(f'DROP PUBLICATION "{name}"')


def values(run: Run) -> Iterator[tuple[Any, Any, Any]]:
    """Each record of the run's topic, its key and its value, read as JSON; None: there is none."""
    from kafka import TopicPartition

    options = {"auto_offset_reset": "earliest", "enable_auto_commit": False}
    consumer = run.consumer(isolation_level=run.isolation, **options)
    place = TopicPartition(run.topic, 0)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    end = consumer.end_offsets([place])[place]
    while consumer.position(place) < end:
        for records in consumer.poll(timeout_ms=500).values():
            for record in records:
                parts = record.key, record.value
                key, value = (json.loads(part) if part else None for part in parts)
                yield record, key, value
        run.sleep(0)
