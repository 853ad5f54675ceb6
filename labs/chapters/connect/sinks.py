"""A sink connector: from a topic into a table or a file, through its death and a bad record."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

from kafka import KafkaProducer, TopicPartition

from labs.base.clock import now
from labs.base.flights import flights
from labs.base.words import Words
from labs.chapters.connect.connectors import FAILED, JSON, RUNNING, TEXT, Connector
from labs.chapters.connect.database import database
from labs.experiment.experiment import Experiment
from labs.experiment.lanes import by_number
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lanes
from labs.services.known import service
from labs.workload.history import Log, Payload, Read
from labs.workload.judgements import LOG, PROCESSING

words = Words(__file__)

TABLE, FILE = "table", "file"
INSERT, UPSERT = "insert", "upsert"
NONE, ALL = "none", "all"

#: What a value of the topic is made of: JSON with its schema, as Connect's converter wants it.
SCHEMA = {
    "type": "struct",
    "optional": False,
    "fields": [
        {"field": "number", "type": "int32", "optional": False},
        {"field": "flight", "type": "string", "optional": False},
    ],
}
#: Which record of `poison` is no JSON, of how many; how many are sent in a second.
BAD, RECORDS, RATE = 20, 60, 25
#: How long a sink may take to have written all, s; and what may still come after the last row.
DONE_S, QUIET_S = 180.0, 2.0


def _payload(bad: Collection[int] = ()) -> Payload:
    """The values: a number, and a real flight; `bad` ones are no JSON."""
    names = [f"{flight.carrier}{flight.flight}" for flight in flights(1000)]

    def payload(number: int) -> tuple[bytes, bytes]:
        key, name = b"%d" % number, names[number % len(names)]
        if number in bad:
            return key, name.encode()
        value = {"schema": SCHEMA, "payload": {"number": number, "flight": name}}
        return key, json.dumps(value).encode()

    return payload


def _sink(run: Run, connection: Any, table: str, more: Mapping[str, str]) -> Connector:
    """A JDBC sink connector from the run's topic into a table, which it makes itself."""
    info = connection.info
    connection.execute(f"DROP TABLE IF EXISTS {table}")
    config = {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "topics": run.topic,
        "connection.url": f"jdbc:postgresql://{info.host}:{info.port}/{info.dbname}",
        "connection.username": info.user,
        "connection.password": info.password,
        "collection.name.format": table,
        "schema.evolution": "basic",
        "key.converter": TEXT,
        "value.converter": JSON,
        "value.converter.schemas.enable": "true",
        **more,
    }
    connector = Connector(run, run.topic, config)
    connector.await_task(RUNNING)
    return connector


BY_KEY = {"insert.mode": UPSERT, "primary.key.mode": "record_value", "primary.key.fields": "number"}
PLAINLY = {"insert.mode": INSERT, "primary.key.mode": "none"}


def _send(run: Run, producer: KafkaProducer, payload: Payload) -> None:
    send = run.history.invoke(payload, now(), now())
    producer.send(run.topic, send.value, send.key).add_callback(send.success)


def _rows(connection: Any, table: str) -> list[int]:
    """The numbers in the table; none, if it has not been made yet."""
    (there,) = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    if not there:
        return []
    return [number for (number,) in connection.execute(f"SELECT number FROM {table}")]


def _judge(run: Run, rows: Collection[int]) -> None:
    """What is in the log, and what the sink has done with it."""
    place = TopicPartition(run.topic, 0)
    consumer = run.consumer(auto_offset_reset="earliest", enable_auto_commit=False)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    end, reads = run.log_ends()[0], []
    while consumer.position(place) < end:
        for records in consumer.poll(timeout_ms=500).values():
            reads += [Read(int(r.key), 0, r.offset, crc32(r.value)) for r in records]
    run.judge_log(Log(tuple(reads), {0: end}))
    offsets = {read.number: read.offset for read in reads}
    run.judge_processing([Read(n, 0, offsets[n], 0) for n in sorted(rows)])


# -- killed ----------------------------------------------------------------------------------------


#: What a sink has written so far: the numbers of the records.
Written = Callable[[], list[int]]


def _into_table(run: Run) -> tuple[Connector, Written]:
    connection, table = database(run), "arrivals"
    mode = BY_KEY if run["insert_mode"] == UPSERT else PLAINLY
    return _sink(run, connection, table, mode), lambda: _rows(connection, table)


def _into_file(run: Run) -> tuple[Connector, Written]:
    """Kafka's own connector for files: each record is a line."""
    folder = Path(tempfile.mkdtemp(prefix="labs-sink-"))
    run.closing(lambda: shutil.rmtree(folder, ignore_errors=True))
    file = folder / "arrivals.txt"
    config = {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "topics": run.topic,
        "file": str(file),
        "key.converter": TEXT,
        "value.converter": TEXT,
    }
    connector = Connector(run, run.topic, config)
    connector.await_task(RUNNING)
    return connector, lambda: _lines(file)


def _lines(file: Path) -> list[int]:
    """The numbers in the file's lines; a kill may have cut one short."""
    found: list[int] = []
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        with contextlib.suppress(ValueError):
            found.append(json.loads(line)["payload"]["number"])
    return found


def _killed(run: Run) -> None:
    run.make_topic(watch=False)
    count = run["records"]
    connector, written = _into_file(run) if run["into"] == FILE else _into_table(run)
    producer, payload = run.producer(), _payload()
    for number in range(count):
        if number == count // 2:
            half = words("sink.awaited.half")
            run.wait(lambda: len(written()) > count // 4, half, DONE_S)
            run.say(words("sink.says.killing"))
            service("connect").kill()
        _send(run, producer, payload)
        run.sleep(1 / (4 * RATE))
    producer.flush()
    service("connect").start()
    run.say(words("sink.says.started"))
    all_there = words("sink.awaited.all")
    run.wait(lambda: len(set(written())) == count, all_there, DONE_S)
    run.sleep(QUIET_S)
    connector.delete()
    rows = written()
    _judge(run, rows)
    times = Counter(rows)
    run.measurements |= {
        "rows": len(rows),
        "rows_twice": len(rows) - len(times),
        "records_missing": count - len(times),
    }
    into = "file" if run["into"] == FILE else "table"
    run.conclude(words(f"sink.told.{into}", **run.values))
    kinds = {n: "once" if times[n] == 1 else "twice" for n in times}
    title, names = words(f"sink.title.{into}", **run.values), words.under("shown")
    lanes = {f"the_{into}": by_number(kinds)}
    run.show(Lanes(title, lanes, ("once", "twice"), x="record_number", names=names))


ONCE, TWICE, MISSING = "each_once", "some_twice", "some_missing"


def _found(result: Result) -> str:
    if result.measurements["records_missing"]:
        return MISSING
    return TWICE if result.measurements["rows_twice"] else ONCE


SINK = Experiment(
    "connect.sink",
    words,
    (
        Choice("into", (TABLE, FILE), TABLE),
        Choice("insert_mode", (INSERT, UPSERT), INSERT),
        Number("records", 200, 800, 400, "records", 100),
    ),
    _killed,
    Options((ONCE, TWICE, MISSING), _found),
    breaks=False,
    judges=(LOG, PROCESSING),
    about=("rows_twice",),
)


# -- a record that is no JSON ----------------------------------------------------------------------


def _poison(run: Run) -> None:
    run.make_topic(watch=False)
    connection, table = database(run), "messages"
    tolerant = run["errors_tolerance"] == ALL
    more = {**BY_KEY, "errors.tolerance": run["errors_tolerance"]}
    dead = f"{run.topic}-dead"
    if tolerant:
        more |= {
            "errors.deadletterqueue.topic.name": dead,
            "errors.deadletterqueue.topic.replication.factor": "3",
            "errors.deadletterqueue.context.headers.enable": "true",
        }
    connector = _sink(run, connection, table, more)
    producer, payload = run.producer(), _payload((BAD,))
    for number in range(RECORDS):
        if number == BAD:  # the sink takes whole batches: those before are to be of another one
            before = words("poison.awaited.before")
            run.wait(lambda: len(_rows(connection, table)) == BAD, before, DONE_S)
        _send(run, producer, payload)
        run.sleep(1 / RATE)
    producer.flush()
    run.say(words("poison.says.waiting"))
    done = words("poison.awaited.done")
    run.wait(
        lambda: connector.states()[1] == FAILED or len(_rows(connection, table)) == RECORDS - 1,
        done,
        DONE_S,
    )
    run.sleep(QUIET_S)
    state, task = connector.states()
    rows = _rows(connection, table)
    letters = _dead_letters(run, dead) if tolerant else []
    _judge(run, rows)
    run.measurements |= {
        "rows": len(rows),
        "dead_letter_records": len(letters),
        "connector_state": state,
        "task_state": task,
    }
    run.conclude(words(f"poison.told.{'goes_on' if tolerant else 'stops'}", bad=BAD, **run.values))
    lanes = {
        "the_topic": by_number({n: "bad" if n == BAD else "good" for n in range(RECORDS)}),
        "the_table": by_number(dict.fromkeys(rows, "good")),
        "dead_letters": by_number(dict.fromkeys(letters, "bad")),
    }
    title, names = words("poison.title", **run.values), words.under("shown")
    run.show(Lanes(title, lanes, ("good", "bad"), x="record_number", names=names))


def _dead_letters(run: Run, topic: str) -> list[int]:
    """Which records the connector put aside, by the headers that it adds."""
    found: list[int] = []
    place = TopicPartition(topic, 0)
    consumer = run.consumer(auto_offset_reset="earliest", enable_auto_commit=False)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    while consumer.position(place) < consumer.end_offsets([place])[place]:
        for records in consumer.poll(timeout_ms=500).values():
            headers = [dict(record.headers) for record in records]
            found += [int(each["__connect.errors.offset"]) for each in headers]
    return found


STOPS, SKIPS, WAITS = "stops", "skips", "waits"


def _fate(result: Result) -> str:
    if int(result.measurements["rows"] or 0) == RECORDS - 1:
        return SKIPS
    return STOPS if result.measurements["task_state"] == FAILED else WAITS


POISON = Experiment(
    "connect.poison",
    words,
    (Choice("errors_tolerance", (NONE, ALL), NONE),),
    _poison,
    Options((STOPS, SKIPS, WAITS), _fate),
    breaks=False,
    judges=(LOG, PROCESSING),
)
