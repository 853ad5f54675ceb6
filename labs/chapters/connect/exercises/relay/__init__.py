"""11.1: the relay of an outbox, which loses nothing while Kafka refuses and the table is locked.

Each of its two kills meets it where we hold it: first no send is acknowledged (the leader is
paused), then no row can be marked (another transaction writes). So no verdict is luck.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from zlib import crc32

from kafka import KafkaConsumer, TopicPartition

from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import Program
from labs.exercise.verdict import NotYet
from labs.workload import flight_payload, number_of
from labs.workload.history import Log
from labs.workload.topic import serving

#: The rows that are there at first, that come while Kafka refuses, while the table is locked, last.
FIRST, REFUSED, LOCKED, LAST = range(1, 101), range(101, 151), range(151, 201), range(201, 241)
#: Of the last, one whose transaction is committed later than those of higher ids.
LATE = 215
#: How long the program is held before it is killed, s; how long marks may take to come.
HELD_S, MARKED_S = 1.5, 3.0
#: How many records may come again in all.
AGAIN = 120
TABLE = (
    "PRAGMA journal_mode=WAL",
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY, key TEXT, value TEXT, sent INTEGER DEFAULT 0)",
)


class _Seen:
    """What has come into the topic so far: how often each row."""

    def __init__(self, judging: Judging, topic: str) -> None:
        self.times: Counter[int] = Counter()
        self._consumer = KafkaConsumer(
            bootstrap_servers=serving(judging.cluster), enable_auto_commit=False
        )
        self._consumer.assign([TopicPartition(topic, 0)])
        self._consumer.seek_to_beginning()

    def all(self, rows: Iterable[int]) -> bool:
        """Whether each of these rows has come."""
        for records in self._consumer.poll(timeout_ms=50).values():
            for record in records:
                number = number_of(record.value)
                if number is not None:
                    self.times[number] += 1
        return all(self.times[row] for row in rows)

    def close(self) -> None:
        self._consumer.close()


def judge(judging: Judging) -> tuple[str, ...]:
    """Hold it in two places, kill it there, let a row come late, and compare rows and records."""
    topic, file = judging.topic(), judging.scratch / "outbox.db"
    table = sqlite3.connect(file, timeout=10, isolation_level=None)
    for statement in TABLE:
        table.execute(statement)
    seeing = contextlib.closing(_Seen(judging, topic))
    with contextlib.closing(table), seeing as seen, _blamed():
        _put(table, FIRST)
        program = judging.program(topic=topic, outbox=file)
        judging.say("starting")
        program.start()
        _await(judging, program, seen, FIRST)
        _marks(table, FIRST)
        _refused(judging, program, table, topic)
        _await(judging, program, seen, REFUSED)
        _locked(judging, program, table, seen)
        _await(judging, program, seen, LOCKED)
        judging.say("late", row=LATE)
        _put(table, [row for row in LAST if row != LATE and row <= LATE + 10])
        _await(judging, program, seen, [LATE + 10])
        _put(table, [LATE])
        _put(table, [row for row in LAST if row > LATE + 10])
        _await(judging, program, seen, [LAST[-1]])
        _await_late(judging, seen)
        program.require_alive()
        program.stop()
    return _compare(judging, judging.read(topic))


@contextlib.contextmanager
def _blamed() -> Iterator[None]:
    """Where the table is used: nobody but us and the learner's program does so.

    Raises:
        NotYet: it can't be used, for that program holds it, or has changed it.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it says more than we ask
        held = code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        raise NotYet("holds_the_table" if held else "table_changed", str(error)) from None


def _row(row: int) -> tuple[str, str]:
    """The key and the value of a row."""
    key, value = flight_payload()(row)
    return "late" if row == LATE else (key or b"").decode(), value.decode()


def _put(table: sqlite3.Connection, rows: Collection[int]) -> None:
    """Rows come into the outbox, as another program writes them, in one transaction."""
    table.execute("BEGIN IMMEDIATE")
    for row in rows:
        table.execute("INSERT INTO outbox (id, key, value) VALUES (?, ?, ?)", (row, *_row(row)))
    table.execute("COMMIT")


def _await(judging: Judging, program: Program, seen: _Seen, rows: Collection[int]) -> None:
    program.wait(lambda: seen.all(rows), judging.patience_s)


def _await_late(judging: Judging, seen: _Seen) -> None:
    """A row that came late, and whose id is lower than those that were sent already.

    Raises:
        NotYet: it was passed over.
    """
    deadline = time.monotonic() + MARKED_S
    while not seen.all([LATE]):
        if time.monotonic() > deadline:
            told = judging.exercise.says("evidence", "late", row=LATE, other=LATE + 10)
            raise NotYet("skipped_late", told, row=LATE)


def _marked(table: sqlite3.Connection, rows: Collection[int]) -> list[int]:
    """Those of the rows that are marked as sent."""
    found = table.execute("SELECT id FROM outbox WHERE sent ORDER BY id")
    return [row for (row,) in found if row in rows]


def _marks(table: sqlite3.Connection, rows: Collection[int]) -> None:
    """Give it the time to mark what it has sent."""
    deadline = time.monotonic() + MARKED_S
    while len(_marked(table, rows)) < len(rows) and time.monotonic() < deadline:
        time.sleep(0.05)


def _refused(judging: Judging, program: Program, table: sqlite3.Connection, topic: str) -> None:
    """Kill it while Kafka acknowledges nothing.

    Raises:
        NotYet: rows are marked that Kafka never got.
    """
    judging.say("refusing")
    leader = judging.leader(topic)
    judging.fault("pause", leader)
    _put(table, REFUSED)
    time.sleep(HELD_S)
    program.kill()
    marked = _marked(table, REFUSED)
    judging.fault("resume", leader)
    if marked:
        told = judging.exercise.says("evidence", "marked", row=marked[0], count=len(marked))
        raise NotYet("marked_first", told, row=marked[0])
    program.start()


def _locked(judging: Judging, program: Program, table: sqlite3.Connection, seen: _Seen) -> None:
    """Kill it while it can read the table, and mark nothing in it."""
    judging.say("locking")
    _put(table, LOCKED)
    table.execute("BEGIN IMMEDIATE")
    deadline = time.monotonic() + HELD_S
    while time.monotonic() < deadline:
        seen.all([])
    program.kill()
    table.execute("ROLLBACK")
    program.start()


def _compare(judging: Judging, log: Log) -> tuple[str, ...]:
    """Each row must be there; the rows of a key in the order of their ids; few of them again."""
    says = judging.exercise.says
    times = Counter(read.number for read in log.reads)
    rows = [*FIRST, *REFUSED, *LOCKED, *LAST]
    if missing := [row for row in rows if not times[row]]:
        raise NotYet("missed", says("evidence", "missing", row=missing[0], count=len(missing)))
    _require_same(log)
    latest: dict[bytes | None, int] = {}
    seen: set[int] = set()
    for read in log.reads:
        if read.number is None or read.number in seen:
            continue
        seen.add(read.number)
        if read.number < latest.get(read.key, 0):
            told = {
                "row": read.number,
                "other": latest[read.key],
                "key": (read.key or b"").decode(),
            }
            raise NotYet("out_of_order", says("evidence", "order", **told))
        latest[read.key] = read.number
    again = sum(times[row] - 1 for row in rows)
    if again > AGAIN:
        row = next(row for row in rows if times[row] > 1)
        told_again = says("evidence", "again", row=row, times=times[row], count=again)
        raise NotYet("all_again", told_again, count=again, limit=AGAIN)
    return (says("evidence", "all_there", rows=len(rows), count=again),)


def _require_same(log: Log) -> None:
    """Each record has the value of a row, and its key."""
    for read in log.reads:
        key, value = _row(read.number or 0)
        if (read.key, read.digest) != (key.encode(), crc32(value.encode())):
            raise NotYet("altered", offset=read.offset)


EXERCISE = Exercise(
    "11.1",
    PROGRAM,
    Words(__file__),
    judge,
    minutes=10,
    contract=("TOPIC", "OUTBOX"),
    breaks=True,
)
