"""One client wants each change at once, another one everything: by a CRUD service, or by a log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from statistics import median
from typing import Any, NamedTuple
from zlib import crc32

import requests

from labs.base.clock import now
from labs.base.flights import flights
from labs.base.words import Words
from labs.chapters.connect import crud_process
from labs.chapters.connect.connectors import from_now_on
from labs.chapters.connect.crud_process import FOLLOW, POLL, SERVICE, Job
from labs.chapters.connect.database import address, database
from labs.experiment.experiment import Experiment
from labs.experiment.life import Life
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lines, Mark, Point
from labs.supervise.ports import HOST
from labs.workload import set_here
from labs.workload.history import Log, Outcome, Read

words = Words(__file__)

BY_SERVICE, BY_LOG = "service", "log"
#: The airline that the quick client is for; how many of its flights change.
CARRIER, BOARD = "AS", 5
#: Each phase has so many bursts; in one, each of these flights changes so often in a row.
BURSTS, TIMES = 3, 2
#: From one burst to the next, and from one change of a burst to the next, s.
BURST_EVERY_S, BETWEEN_S = 1.5, 0.02
#: The client that wants everything asks so often, s.
BULK_EVERY_S = 1.0
#: On the log it lets the broker collect: so many bytes, or so long, ms.
BULK_BYTES, BULK_WAIT_MS = 1_000_000, 1000
#: How often librdkafka tells how many requests it has sent, ms.
TOLD_EACH_MS = 100
#: How long a program may take to begin, and the last change to arrive, s.
PATIENCE_S = 60.0

TABLE = (
    "DROP TABLE IF EXISTS timetable",
    "CREATE TABLE timetable (id integer PRIMARY KEY, carrier text, flight integer,"
    " dep_delay integer)",
    "CREATE INDEX ON timetable (carrier)",
)


class _Reading(NamedTuple):
    """What a client has asked for, and what came: rows, and how many of them told it anything."""

    at: float
    requests: int
    rows: int
    new: int


class _Program(Life):
    """The service, or a client of the service's or of the log's."""

    def __init__(self, run: Run, job: Job) -> None:
        self.ready = False
        self.port = 0
        self.seen: dict[int, float] = {}
        self.readings: list[_Reading] = []
        super().__init__(run, crud_process.__name__)
        self.write(json.dumps(asdict(job)))
        run.wait(self._is_ready, words("crud.awaited.ready"), PATIENCE_S)

    def _is_ready(self) -> bool:
        self.must_not_have_died()
        return self.ready

    def hear(self, what: str, *told: str) -> None:
        if what == crud_process.READY:
            self.port, self.ready = int(told[0]), True
        elif what == crud_process.SEEN:
            self.seen.setdefault(int(told[0]), float(told[1]))
        elif what == crud_process.READ:
            self.readings.append(_Reading(float(told[0]), *map(int, told[1:])))

    @property
    def requests(self) -> int:
        """How often it has asked."""
        return sum(reading.requests for reading in self.readings)

    @property
    def old_rows(self) -> int:
        """How many rows it got that told it nothing."""
        return sum(reading.rows - reading.new for reading in self.readings)


def _crud(run: Run) -> None:
    run.make_topic(watch=False)
    connection = database(run)
    run.say(words("crud.says.filling", **run.settings))
    board = _fill(connection, run["flights"])
    service = _Program(run, Job(SERVICE, address(connection)))
    if run["way"] == BY_LOG:
        from_now_on(run, connection, "timetable")
    quick = _Program(run, _quick(run, service.port))
    changes = _Changes(run, service.port, board)
    run.began = now()
    run.say(words("crud.says.alone"))
    changes.make(quick)
    bulk = _Program(run, _bulk(run, service.port))
    marks = [Mark(run.elapsed(), "bulk_begins")]
    run.say(words("crud.says.beside"))
    changes.make(quick, bulk)
    _tell(run, changes, quick, bulk, marks)


def _fill(connection: Any, count: int) -> list[int]:
    """A timetable of real flights, none of which has left; returns the flights that will change."""
    for statement in TABLE:
        connection.execute(statement)
    rows = [(id, flight.carrier, flight.flight) for id, flight in enumerate(flights(count))]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany("INSERT INTO timetable VALUES (%s, %s, %s)", rows)
    return [id for id, carrier, _ in rows if carrier == CARRIER][:BOARD]


def _quick(run: Run, port: int) -> Job:
    """A client that wants each change of its airline at once."""
    if run["way"] == BY_LOG:
        return _follower(run, "quick")
    return Job(POLL, {}, port, CARRIER, run["poll_every_ms"] / 1000)


def _bulk(run: Run, port: int) -> Job:
    """A client that wants everything, and has time."""
    if run["way"] == BY_LOG:
        wait = {"fetch_min_bytes": BULK_BYTES, "fetch_wait_max_ms": BULK_WAIT_MS}
        return _follower(run, "bulk", **wait)
    return Job(POLL, {}, port, every_s=BULK_EVERY_S)


def _follower(run: Run, who: str, **options: int) -> Job:
    options |= {"statistics_interval_ms": TOLD_EACH_MS}
    given = {name.replace("_", "."): value for name, value in options.items()}
    run.note(set_here.librdkafka("consumer", given, words(f"crud.{who}")))
    servers = ",".join(run.cluster.bootstrap)
    own = {"bootstrap.servers": servers, "group.id": f"{run.topic}-{who}", "log_level": 0}
    return Job(FOLLOW, {}, topic=run.topic, options={**own, **given})


class _Changes:
    """Changes delays by the service, as the airline's program would: in bursts.

    A new delay is the number of its change.
    """

    def __init__(self, run: Run, port: int, board: list[int]) -> None:
        self.made: dict[int, float] = {}
        self._run, self._board = run, board
        self._url = f"http://{HOST}:{port}/flights"
        self._session = requests.Session()
        self._session.trust_env = False
        run.closing(self._session.close)

    def make(self, *clients: _Program) -> None:
        """A phase's changes; returns when these clients know the last one."""
        for _ in range(BURSTS):
            due = now() + BURST_EVERY_S
            for id in [id for id in self._board for _ in range(TIMES)]:
                self._change(id)
                self._run.sleep(BETWEEN_S)
            self._run.sleep(max(0.0, due - now()))
        awaited = words("crud.awaited.last")
        self._run.wait(partial(self._known, clients), awaited, PATIENCE_S)

    def _change(self, id: int) -> None:
        number = len(self.made)
        send = None
        if self._run["way"] == BY_LOG:  # there is something to be judged
            send = self._run.history.invoke(_value, now(), now())
        told = self._session.put(f"{self._url}/{id}", json={"dep_delay": number})
        told.raise_for_status()
        self.made[number] = now()
        if send:
            send.completed, send.outcome = now(), Outcome.OK

    def _known(self, clients: tuple[_Program, ...]) -> bool:
        for client in clients:
            client.must_not_have_died()
        return all(len(self.made) - 1 in client.seen for client in clients)


def _value(number: int) -> tuple[None, bytes]:
    return None, b"%d" % number


def _tell(run: Run, changes: _Changes, quick: _Program, bulk: _Program, marks: list[Mark]) -> None:
    made, alone = changes.made, len(changes.made) // 2
    # What is committed may be seen before the service has answered.
    waits = {n: max(0.0, 1000 * (at - made[n])) for n, at in quick.seen.items()}
    run.measurements |= {
        "changes": len(made),
        "quick_missed_changes": len(made.keys() - quick.seen.keys()),
        "quick_requests": quick.requests,
        "quick_old_rows": quick.old_rows,
        "quick_alone_ms": _median(waits, lambda number: number < alone),
        "quick_beside_ms": _median(waits, lambda number: number >= alone),
        "bulk_requests": bulk.requests,
        "bulk_old_rows": bulk.old_rows,
    }
    if run["way"] == BY_LOG:
        reads = [Read(n, 0, n, crc32(b"%d" % n)) for n in quick.seen]
        run.judge_log(Log(tuple(reads), {}))
    else:
        idle = [reading for reading in quick.readings if not reading.new]
        run.measurements["quick_idle_requests"] = len(idle)
    run.conclude(words(f"crud.told.{run['way']}", **run.values))
    points: list[Point] = [(made[n] - run.began, wait) for n, wait in sorted(waits.items())]
    missed: list[Point] = [(at - run.began, 0) for n, at in made.items() if n not in waits]
    series = {"seen": points, "never_seen": missed} if missed else {"seen": points}
    title, names = words("crud.title", **run.values), words.under("shown")
    run.show(Lines(title, series, "elapsed_s", "until_seen_ms", marks, dots=True, names=names))


def _median(waits: dict[int, float], counts: Callable[[int], bool]) -> int:
    """The median of those that count, ms."""
    return round(median(wait for number, wait in waits.items() if counts(number)))


EACH, SOME, AGAIN = "each", "some", "again"


def _got(result: Result) -> str:
    if result.measurements["quick_missed_changes"]:
        return SOME
    by_log = result.settings["way"] == BY_LOG
    return AGAIN if by_log and result.measurements["quick_old_rows"] else EACH


CRUD = Experiment(
    "connect.crud",
    words,
    (
        Choice("way", (BY_SERVICE, BY_LOG), BY_SERVICE, formerly={"CRUD service": BY_SERVICE}),
        Number("poll_every_ms", 50, 2000, 500, "ms", 50),
        Number("flights", 5000, 100_000, 20_000, "flights", 1000),
    ),
    _crud,
    Options((EACH, SOME, AGAIN), _got),
    breaks=False,
    about=(
        "quick_missed_changes",
        "quick_requests",
        "quick_idle_requests",
        "quick_old_rows",
        "quick_alone_ms",
        "quick_beside_ms",
        "bulk_old_rows",
    ),
)
