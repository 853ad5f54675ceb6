"""A program that writes into a database and into Kafka; made to be killed.

It gets its job as JSON in a line on stdin, and the first number in the next one. Then it reports on
stdout what it does, a line each:

- `begun NUMBER TIME`: it works on that flight;
- `row NUMBER TIME`: its row is committed;
- `record NUMBER PARTITION OFFSET`: Kafka has acknowledged its record;
- `exposed NUMBER`: it stands between two steps, where a kill does the most harm; a program that
  will be killed waits for it there, so that no run is luck.

As a relay it reads the rows of the table `outbox` instead, sends them, and notes what it has sent.

    python -m labs.chapters.connect.booking_process
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer

from labs.base.clock import now
from labs.kafka.security import adopt
from labs.services.kinds.postgres import PACKAGES
from labs.workload import flight_payload, number_of

BEGUN, ROW, RECORD, EXPOSED = "begun", "row", "record", "exposed"
DATABASE_FIRST, KAFKA_FIRST = "database_first", "kafka_first"
#: With a relay of our own, and with Debezium as the relay.
OUTBOX, BY_DEBEZIUM = "outbox", "debezium"

#: Each flight of so many exposes the program: where it will be killed it waits there, s.
EXPOSED_EACH, PAUSE_S = 20, 60.0
#: At which of them; the relay's others, since what a kill rolls back it never gets.
IN_THE_PROGRAM, IN_THE_RELAY = 10, 5
#: Between two flights, s.
BETWEEN_S = 0.005
#: A relay without work looks again after so long, s.
LOOK_S = 0.05

#: The outbox has what Debezium's event router looks for: topic, key and value of each event.
TABLES = (
    "DROP TABLE IF EXISTS booked, outbox",
    "CREATE TABLE booked (number integer PRIMARY KEY, flight text NOT NULL)",
    "CREATE TABLE outbox (id bigserial PRIMARY KEY, aggregatetype text NOT NULL,"
    " aggregateid text NOT NULL, payload text NOT NULL,"
    " number integer NOT NULL, sent boolean NOT NULL DEFAULT false)",
)
EVENT = "INSERT INTO outbox (aggregatetype, aggregateid, payload, number) VALUES (%s, %s, %s, %s)"


@dataclass(frozen=True)
class Job:
    """What a program is to do, in one of its lives.

    `database`: how psycopg connects. `relay`: it is the relay. `count`: where the flights end.
    `doomed`: it will be killed in this life.
    """

    bootstrap: Sequence[str]
    topic: str
    database: Mapping[str, Any]
    way: str
    relay: bool
    count: int
    doomed: bool


def main(job: Job, first: int) -> None:
    """Work until every flight is done; a relay works until it is ended."""
    PACKAGES.use()
    import psycopg

    with psycopg.connect(**job.database, autocommit=True) as database:
        producer = KafkaProducer(bootstrap_servers=job.bootstrap)
        if job.relay:
            _relay(job, database, producer, first)
        for number in range(first, job.count):
            _tell(BEGUN, number, now())
            _STEPS[job.way](job, database, producer, number)
            time.sleep(BETWEEN_S)


def _database_first(job: Job, database: Any, producer: KafkaProducer, number: int) -> None:
    _insert(database, number)
    _tell(ROW, number, now())
    _expose(job, number, IN_THE_PROGRAM)
    _send(job, producer, number)


def _kafka_first(job: Job, database: Any, producer: KafkaProducer, number: int) -> None:
    _send(job, producer, number)
    _expose(job, number, IN_THE_PROGRAM)
    _insert(database, number)
    _tell(ROW, number, now())


def _outbox(job: Job, database: Any, producer: KafkaProducer, number: int) -> None:
    del producer  # the relay's
    with database.transaction():
        _insert(database, number)
        _expose(job, number, IN_THE_PROGRAM)
        key, value = flight_payload()(number)
        assert key is not None
        database.execute(EVENT, (job.topic, key.decode(), value.decode(), number))
        if job.way == BY_DEBEZIUM:  # which reads the log, and not the table
            database.execute("DELETE FROM outbox WHERE number = %s", (number,))
    _tell(ROW, number, now())


_STEPS = {
    DATABASE_FIRST: _database_first,
    KAFKA_FIRST: _kafka_first,
    OUTBOX: _outbox,
    BY_DEBEZIUM: _outbox,
}


def _relay(job: Job, database: Any, producer: KafkaProducer, first: int) -> None:
    waiting = "SELECT id, number FROM outbox WHERE NOT sent ORDER BY id LIMIT 20"
    while True:
        for id, number in database.execute(waiting).fetchall():
            _send(job, producer, number)
            if number >= first:
                _expose(job, number, IN_THE_RELAY)
            database.execute("UPDATE outbox SET sent = true WHERE id = %s", (id,))
        time.sleep(LOOK_S)


def _insert(database: Any, number: int) -> None:
    row = number, flight_payload()(number)[1].decode()
    database.execute("INSERT INTO booked VALUES (%s, %s)", row)


def _send(job: Job, producer: KafkaProducer, number: int) -> None:
    key, value = flight_payload()(number)
    place = producer.send(job.topic, value, key).get(timeout=20)
    _tell(RECORD, number_of(value), place.partition, place.offset)


def _expose(job: Job, number: int, at: int) -> None:
    if job.doomed and number % EXPOSED_EACH == at:
        _tell(EXPOSED, number)
        time.sleep(PAUSE_S)


def _tell(*values: object) -> None:
    print(*values, flush=True)


if __name__ == "__main__":
    adopt()
    _job = Job(**json.loads(sys.stdin.readline() or "{}"))
    if _first := sys.stdin.readline():  # nothing: whoever started it is gone
        main(_job, int(_first))
