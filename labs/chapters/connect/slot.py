"""A replication slot that nobody reads: what the database keeps for it, and what it may give up."""

from __future__ import annotations

import contextlib
import time
from typing import Any
from zlib import crc32

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.words import Words
from labs.chapters.connect.connectors import (
    FAILED,
    RUNNING,
    Connector,
    debezium,
    depart,
    slot_of,
    values,
)
from labs.chapters.connect.database import database
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import NONE, Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lines, Mark, Point
from labs.workload.history import Log, Outcome, Read

words = Words(__file__)

STOPPED, IDLE, BEATING = "stopped", "running", "heartbeat"
#: As PostgreSQL writes both.
NO_LIMIT, LIMIT = "-1", "32MB"

#: Changes of the captured table while nobody reads; rows of the other one at a time, and their MB.
CHANGES, ROWS, ROWS_MB = 40, 10_000, 10
#: How long a change, and a failure that may never come, are waited for, s.
PATIENCE_S, FAILING_S = 60.0, 8.0

TABLES = (
    "DROP TABLE IF EXISTS gates, noise, beats",
    "CREATE TABLE gates (id integer PRIMARY KEY)",
    "CREATE TABLE noise (id integer, told text)",
    "CREATE TABLE beats (id integer PRIMARY KEY, at timestamptz)",
    "INSERT INTO beats VALUES (1, now())",
)

#: A connector that captures a table more, and changes that one itself, again and again: so it has
#: something to confirm (Debezium documentation, "WAL disk space consumption").
HEARTBEAT_MS = 1000
HEARTBEAT = {
    "heartbeat.interval.ms": str(HEARTBEAT_MS),
    "heartbeat.action.query": "UPDATE beats SET at = now()",
    "table.include.list": "public.gates,public.beats",
}


def _slot(run: Run) -> None:
    run.make_topic(watch=False)
    connection = database(run)
    for statement in TABLES:
        connection.execute(statement)
    if run["max_slot_wal_keep_size"] == LIMIT:
        run.closing(lambda: _limit(connection, NO_LIMIT))
        _limit(connection, LIMIT)
    connector = debezium(run, connection, "gates", _beats(run))
    connector.await_task(RUNNING)
    _insert(run, connection, -1)  # a first change: the connector has a place
    run.wait(lambda: run.log_ends()[0], words("slot.awaited.change"), PATIENCE_S)
    run.wait(connector.places, words("changes.awaited.noted"), PATIENCE_S)
    if run["connector"] == STOPPED:
        connector.put("stop")
        run.wait(lambda: not _kept(run, connection)[1], words("slot.awaited.stopped"), PATIENCE_S)
    run.began = now()
    points: list[Point] = [(0.0, _kept(run, connection)[0] or 0.0)]
    for number in range(CHANGES):
        _insert(run, connection, number)
    marks = [Mark(run.elapsed(), "writes_begin")]
    status = ""
    while len(points) <= run["written_mb"] / ROWS_MB:
        run.say(words("slot.says.writing", written=len(points) * ROWS_MB))
        kept, _, status = _write(run, connection)
        points.append((run.elapsed(), kept or 0.0))
    marks.append(Mark(run.elapsed(), "writes_end"))
    changes = _go_on(run, connection, connector, points, status)
    _tell(run, connector, points, marks, status, changes)


def _beats(run: Run) -> dict[str, str]:
    """The connector's settings for a heartbeat, if it is to have one; its topic is beside ours."""
    if run["connector"] != BEATING:
        return {}
    depart(run, "heartbeat.interval.ms", HEARTBEAT_MS, 0)
    return {
        **HEARTBEAT,
        "transforms": "route,beats",
        "transforms.beats.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.beats.regex": r".*\.public\.beats|__debezium-heartbeat\..*",
        "transforms.beats.replacement": f"{run.topic}-beats",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "-1",
    }


def _limit(connection: Any, size: str) -> None:
    connection.execute(f"ALTER SYSTEM SET max_slot_wal_keep_size = '{size}'")
    connection.execute("SELECT pg_reload_conf()")


def _insert(run: Run, connection: Any, number: int) -> None:
    send = run.history.invoke(lambda n: (None, b"%d" % n), now(), now()) if number >= 0 else None
    connection.execute("INSERT INTO gates VALUES (%s)", (number,))
    if send:
        send.completed, send.outcome = now(), Outcome.OK


def _write(run: Run, connection: Any) -> tuple[float | None, bool, str]:
    """Write rows that no connector wants; the checkpoint removes what the database may remove."""
    rows = "SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, %s) AS n"
    connection.execute(f"INSERT INTO noise {rows}", (ROWS,))
    connection.execute("CHECKPOINT")
    return _kept(run, connection)


def _kept(run: Run, connection: Any) -> tuple[float | None, bool, str]:
    """How much of the log is kept for the slot, MB; whether somebody reads; the slot's status."""
    kept, active, status = connection.execute(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) / 1e6, active, wal_status"
        " FROM pg_replication_slots WHERE slot_name = %s",
        (slot_of(run),),
    ).fetchone()
    return (None if kept is None else float(kept)), active, status


def _go_on(
    run: Run, connection: Any, connector: Connector, points: list[Point], status: str
) -> int:
    """Have the connector go on, and further changes come: what is kept now?

    With a heartbeat none come. Returns how many came.
    """
    run.say(words("slot.says.going_on"))
    if run["connector"] == STOPPED:
        connector.put("resume")
    if status == "lost":
        with contextlib.suppress(LabsError):
            run.wait(lambda: FAILED in connector.states(), words("slot.awaited.failed"), FAILING_S)
        return 0
    deadline, number = time.monotonic() + PATIENCE_S, CHANGES
    most = max(kept for _, kept in points)
    while time.monotonic() < deadline and points[-1][1] > most / 2:
        if run["connector"] != BEATING:
            _insert(run, connection, number)
            number += 1
        run.sleep(1)
        connection.execute("CHECKPOINT")
        points.append((run.elapsed(), _kept(run, connection)[0] or 0.0))
    run.wait(lambda: number - 1 in _captured(run), words("slot.awaited.change"), PATIENCE_S)
    return number - CHANGES


def _captured(run: Run) -> dict[int, int]:
    """The changes that are in the topic, each with its offset."""
    told = [(record, value["after"]) for record, _, value in values(run) if value]
    return {after["id"]: record.offset for record, after in told if after and after["id"] >= 0}


def _tell(
    run: Run,
    connector: Connector,
    points: list[Point],
    marks: list[Mark],
    status: str,
    changes: int,
) -> None:
    reads = [Read(n, 0, offset, crc32(b"%d" % n)) for n, offset in _captured(run).items()]
    counts = run.judge_log(Log(tuple(reads), run.log_ends())).counts
    state, task = connector.states()
    run.measurements |= {
        "kept_before_mb": round(points[0][1], 1),
        "kept_at_most_mb": round(max(kept for _, kept in points), 1),
        "kept_at_the_end_mb": round(points[-1][1], 1),
        "changes_until_freed": changes,
        "slot_status": status,
        "connector_state": state,
        "task_state": task or NONE,
        "changes_missing": counts.lost,
    }
    told = "lost" if status == "lost" else "kept"
    beats = told == "kept" and run["connector"] == BEATING
    said = {**run.values, "connector": words(f"slot.values.connector.{run['connector']}")}
    run.conclude(words(f"slot.told.{'beats' if beats else told}", **said))
    title = words(f"slot.title.{told}", **run.values)
    series, names = {"kept_for_the_slot": points}, words.under("shown")
    run.show(Lines(title, series, "elapsed_s", "log_kept_mb", marks, names=names))


KEPT, REMOVED, GIVEN_UP = "kept", "removed", "given_up"


def _fate(result: Result) -> str:
    if result.measurements["slot_status"] == "lost":
        return GIVEN_UP
    most = float(result.measurements["kept_at_most_mb"] or 0)
    end = float(result.measurements["kept_at_the_end_mb"] or 0)
    if end < most / 2 and not result.measurements["changes_until_freed"]:
        return REMOVED
    return KEPT if most > 0.8 * float(result.settings["written_mb"]) else REMOVED


SLOT = Experiment(
    "connect.slot",
    words,
    (
        Choice(
            "connector",
            (STOPPED, IDLE, BEATING),
            STOPPED,
            formerly={"running with a heartbeat": BEATING},
        ),
        Choice(
            "max_slot_wal_keep_size",
            (NO_LIMIT, LIMIT),
            NO_LIMIT,
            formerly={"no limit": NO_LIMIT, "32 MB": LIMIT},
        ),
        Number("written_mb", 50, 200, 80, "MB", 10),
    ),
    _slot,
    Options((KEPT, REMOVED, GIVEN_UP), _fate),
    breaks=False,
    about=("kept_at_most_mb", "kept_at_the_end_mb", "changes_missing"),
)
