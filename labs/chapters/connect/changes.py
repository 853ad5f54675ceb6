"""Change data capture: a database's changes as records, through the death of either side."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any
from zlib import crc32

from labs.base.clock import from_wall, now
from labs.base.words import Words
from labs.chapters.connect.connectors import RUNNING, Connector, debezium, depart, values
from labs.chapters.connect.database import database
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lines, Mark, Point
from labs.services.known import service
from labs.workload.history import Log, Outcome, Read
from labs.workload.reading import COMMITTED
from labs.workload.set_here import Departure

words = Words(__file__)

#: What is killed: nothing, or the service of that name.
NOTHING, CONNECT, POSTGRES = "nothing", "connect", "postgres"
AT_LEAST_ONCE, EXACTLY_ONCE = "at_least_once", "exactly_once"
#: What the worker is told for exactly once, and what the connector demands of it then (KIP-618).
ON_THE_WORKER = {"exactly.once.source.support": "enabled"}
ON_THE_CONNECTOR = {"exactly.once.support": "required"}

#: Rows that are there before the connector is.
BEFORE = 20
#: Changes in a second; how long a change may take to become a record, s.
RATE, CAUGHT_UP_S = 40.0, 180.0
#: Of so many changes, which is a delete of the row that the one before made; the rest are updates.
TURN = 4

#: The id of the transaction that is under way.
TRANSACTION = "pg_current_xact_id()::text::bigint"

TABLE = (
    "DROP TABLE IF EXISTS departures",
    "CREATE TABLE departures (id integer PRIMARY KEY, dep_delay integer)",
    f"INSERT INTO departures SELECT id, 0 FROM generate_series(1, {BEFORE}) AS id",
)


def _change(connection: Any, number: int) -> int:
    """Make one change, in a transaction of its own; returns the transaction's id."""
    new, old = BEFORE + 1 + number // TURN, 1 + number % BEFORE
    statement = (
        f"INSERT INTO departures VALUES ({new}, 0) RETURNING {TRANSACTION}",
        f"UPDATE departures SET dep_delay = {number} WHERE id = {new} RETURNING {TRANSACTION}",
        f"UPDATE departures SET dep_delay = {number} WHERE id = {old} RETURNING {TRANSACTION}",
        f"DELETE FROM departures WHERE id = {new} RETURNING {TRANSACTION}",
    )[number % TURN]
    (transaction,) = connection.execute(statement).fetchone()
    return int(transaction)


def _value(number: int) -> tuple[None, bytes]:
    return None, b"%d" % number


def _changes(run: Run) -> None:
    run.make_topic(watch=False)
    connection = database(run)
    for statement in TABLE:
        connection.execute(statement)
    more = _exactly_once(run) if run["delivery"] == EXACTLY_ONCE else {}
    run.say(words("changes.says.snapshot"))
    connector = debezium(run, connection, "departures", more)
    run.wait(lambda: run.log_ends()[0] >= BEFORE, words("changes.awaited.snapshot"), CAUGHT_UP_S)
    connector.await_task(RUNNING)
    run.wait(connector.places, words("changes.awaited.noted"), CAUGHT_UP_S)
    run.began = now()
    numbers: dict[int, int] = {}
    marks = list(_work(run, connection, numbers))
    run.say(words("changes.says.catching_up"))
    _await_all(run, connector, numbers)
    _tell(run, numbers, marks)


def _exactly_once(run: Run) -> Mapping[str, str]:
    """Start the worker anew, so that it can do that; returns what the connector demands.

    When the run ends, the worker is started as it always is.
    """
    run.say(words("changes.says.worker"))
    run.isolation = COMMITTED
    run.closing(_restart)
    _restart(ON_THE_WORKER)
    for name, value in ON_THE_WORKER.items():
        run.note([Departure(words("where.worker"), name, value, "disabled")])
    for name, value in ON_THE_CONNECTOR.items():
        depart(run, name, value, "requested")
    return ON_THE_CONNECTOR


def _restart(settings: Mapping[str, str] | None = None) -> None:
    worker = service("connect")
    worker.stop()
    worker.start(settings)


def _work(run: Run, connection: Any, numbers: dict[int, int]) -> Iterator[Mark]:
    """Change rows; in the middle of it something is killed, and started again later."""
    killed, count = run["killed"], run["changes"]
    for number in range(count):
        if killed != NOTHING and number == count // 3:
            run.say(words("changes.says.killing", killed=words(f"changes.values.killed.{killed}")))
            yield Mark(run.elapsed(), "killed")
            service(killed).kill()
            if killed == POSTGRES:
                connection.close()
                connection = database(run)
                yield Mark(run.elapsed(), "started")
        if killed == CONNECT and number == 2 * count // 3:
            service("connect").start(ON_THE_WORKER if run["delivery"] == EXACTLY_ONCE else None)
            yield Mark(run.elapsed(), "started")
        send = run.history.invoke(_value, now(), now())
        numbers[_change(connection, number)] = number
        send.completed, send.outcome = now(), Outcome.OK
        run.sleep(1 / RATE)


def _await_all(run: Run, connector: Connector, numbers: dict[int, int]) -> None:
    """Wait until the last change is in the topic; what never comes is not waited for longer."""
    connector.await_task(RUNNING)
    deadline = time.monotonic() + CAUGHT_UP_S
    while time.monotonic() < deadline:
        if any(number == len(numbers) - 1 for number, *_ in _records(run, numbers)):
            return
        run.sleep(1)


def _records(run: Run, numbers: dict[int, int]) -> Iterator[tuple[int, str, Any]]:
    """The records of changes in the topic: the change's number, its kind, and the record."""
    for record, _, value in values(run):
        if value is None or value["op"] == "r":
            continue
        number = numbers.get(value["source"]["txId"])
        if number is not None:
            yield number, value["op"], record


def _tell(run: Run, numbers: dict[int, int], marks: list[Mark]) -> None:
    found = list(_records(run, numbers))
    reads = [Read(n, 0, r.offset, crc32(b"%d" % n)) for n, _, r in found]
    counts = run.judge_log(Log(tuple(reads), run.log_ends())).counts
    everything = list(values(run))
    operations = [value["op"] for _, _, value in everything if value]
    run.measurements |= {
        "changes_captured": counts.readable,
        "changes_missing": counts.lost,
        "captured_twice": counts.duplicated,
        "out_of_order": counts.reordered,
        "snapshot_records": operations.count("r"),
        "insert_records": operations.count("c"),
        "update_records": operations.count("u"),
        "delete_records": operations.count("d"),
        "tombstone_records": sum(value is None for _, _, value in everything),
    }
    told = "nothing" if run["killed"] == NOTHING else "killed"
    if run["delivery"] == EXACTLY_ONCE:
        told = "exactly_once"
    killed = words(f"changes.values.killed.{run['killed']}")
    run.conclude(words(f"changes.told.{told}", **{**run.values, "killed": killed}))
    series: dict[str, list[Point]] = {"committed": [], "captured": [], "captured_again": []}
    for send in run.history.sends:
        series["committed"].append(((send.completed or 0) - run.began, send.number))
    seen: set[int] = set()
    for number, _, record in found:
        at = from_wall(record.timestamp / 1000) - run.began
        series["captured_again" if number in seen else "captured"].append((at, number))
        seen.add(number)
    shown = {kind: points for kind, points in series.items() if points}
    title, names = words("changes.title", **run.values), words.under("shown")
    run.show(Lines(title, shown, "elapsed_s", "change_number", marks, dots=True, names=names))


ONCE, TWICE, MISSING = "once", "twice", "missing"


def _came(result: Result) -> str:
    if result.report.counts.lost:
        return MISSING
    return TWICE if result.report.counts.duplicated else ONCE


CHANGES = Experiment(
    "connect.changes",
    words,
    (
        Choice(
            "killed",
            (NOTHING, CONNECT, POSTGRES),
            CONNECT,
            formerly={"Connect": CONNECT, "PostgreSQL": POSTGRES},
        ),
        Choice(
            "delivery",
            (AT_LEAST_ONCE, EXACTLY_ONCE),
            AT_LEAST_ONCE,
            formerly={"at least once": AT_LEAST_ONCE, "exactly once": EXACTLY_ONCE},
        ),
        Number("changes", 120, 600, 240, step=12),
    ),
    _changes,
    Options((ONCE, TWICE, MISSING), _came),
    breaks=False,
    about=("captured_twice",),
)
