"""One change, two systems: a program writes into a database and into Kafka, and is killed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from labs.base.words import Words
from labs.chapters.connect import booking_process
from labs.chapters.connect.booking_process import (
    BY_DEBEZIUM,
    DATABASE_FIRST,
    KAFKA_FIRST,
    OUTBOX,
    TABLES,
    Job,
)
from labs.chapters.connect.connectors import outbox
from labs.chapters.connect.database import address, database
from labs.experiment.experiment import Experiment
from labs.experiment.lanes import by_number
from labs.experiment.life import Life
from labs.experiment.prediction import Options
from labs.experiment.result import NONE, Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lanes, Span
from labs.services.known import service
from labs.workload import flight_payload
from labs.workload.history import Outcome

words = Words(__file__)

#: So long the last lives may take, s.
DONE_S = 120.0


class _Life(Life):
    """One life of a program; what it does is noted in the run's history.

    There, *acknowledged* is what the database has committed: that is what users were promised.
    """

    def __init__(self, run: Run, job: Job) -> None:
        self.exposed = False
        self.next_number = 0
        super().__init__(run, booking_process.__name__)
        self.write(json.dumps(asdict(job)))

    def begin(self, first: int = 0) -> None:
        """Have it work, from that flight on."""
        self.next_number = first
        self.write(str(first))

    def hear(self, what: str, *told: str) -> None:
        history, (number, *values) = self.run.history, told
        if what == booking_process.EXPOSED:
            self.exposed = True
        elif what == booking_process.BEGUN:
            self.next_number = int(number) + 1
            history.invoke(flight_payload(), float(values[0]), float(values[0]))
        elif what == booking_process.ROW:
            send = history.sends[int(number)]
            send.completed, send.outcome = float(values[0]), Outcome.OK
        elif what == booking_process.RECORD:
            send = history.sends[int(number)]
            send.partition, send.offset = int(values[0]), int(values[1])


class _Relay(_Life):
    """One life of a relay of our own."""

    def sent_all(self, connection: Any) -> bool:
        """Whether it has sent, and noted, every row of the outbox."""
        self.must_not_have_died()
        told = connection.execute("SELECT count(*) FROM outbox WHERE NOT sent").fetchone()
        return bool(told == (0,))


class _Debezium:
    """Debezium as the relay; its lives are those of Connect's worker."""

    def __init__(self, run: Run, connection: Any) -> None:
        self._run = run
        self._before = 0
        outbox(run, connection, "outbox")

    def begin(self, first: int) -> None:
        """Have the worker run; where to begin, it knows itself."""
        del first
        service("connect").start()

    @property
    def exposed(self) -> bool:
        """Whether it has sent something in this life: Connect may not have noted that yet."""
        return self._run.log_ends()[0] > self._before

    def must_not_have_died(self) -> None:
        """The worker runs whenever it is waited for."""

    def kill(self) -> None:
        """SIGKILL to the worker."""
        service("connect").kill()
        self._before = self._run.log_ends()[0]

    def sent_all(self, connection: Any) -> bool:
        """Whether the record of the last row is in the topic: it sends them in order."""
        (last,) = connection.execute("SELECT max(number) FROM booked").fetchone()
        return any(read.number == last for read in self._run.read().reads)


def _dual_write(run: Run) -> None:
    run.make_topic(watch=False)
    connection = database(run)
    for statement in TABLES:
        connection.execute(statement)
    # All lives are started now, so that nobody waits later for an interpreter.
    programs = [_Life(run, job) for job in _jobs(run, connection, relay=False)]
    relays = _relays(run, connection)
    first = 0
    for number in range(run["kills"] + 1):
        last = number == run["kills"]
        run.say(words(f"dual_write.says.{'last' if last else 'life'}", number=number + 1))
        working = [programs[number], *relays[number : number + 1]]
        for life in working:
            life.begin(first)
        if not last:
            for life in working:
                run.wait(partial(_exposed, life), words("dual_write.awaited.at_work"), DONE_S)
                life.kill()
            first = programs[number].next_number
    run.wait(lambda: programs[-1].over, words("dual_write.awaited.done"), DONE_S)
    for relay in relays[-1:]:
        run.wait(partial(relay.sent_all, connection), words("dual_write.awaited.sent"), DONE_S)
    _tell(run, {number for (number,) in connection.execute("SELECT number FROM booked")})


def _exposed(life: _Life | _Debezium) -> bool:
    life.must_not_have_died()
    return life.exposed


def _relays(run: Run, connection: Any) -> Sequence[_Relay | _Debezium]:
    """One for each life of the program, if there is an outbox."""
    if run["way"] == OUTBOX:
        return [_Relay(run, job) for job in _jobs(run, connection, relay=True)]
    if run["way"] == BY_DEBEZIUM:
        run.say(words("dual_write.says.connector"))
        return [_Debezium(run, connection)] * (run["kills"] + 1)
    return []


def _jobs(run: Run, connection: Any, relay: bool) -> list[Job]:
    """What each life is to do; all but the last will be killed."""
    where = run.cluster.bootstrap, run.topic, address(connection)
    doomed = [True] * run["kills"] + [False]
    return [Job(*where, run["way"], relay, run["flights"], d) for d in doomed]


def _tell(run: Run, rows: set[int]) -> None:
    run.verdict()
    assert run.log is not None
    times = Counter(read.number for read in run.log.reads if read.number is not None)
    records = set(times)
    run.measurements |= {
        "rows": len(rows),
        "rows_without_a_record": len(rows - records),
        "records_without_a_row": len(records - rows),
        "records_twice": sum(times.values()) - len(records),
        "missing": ", ".join(map(_name, sorted(rows - records))) or NONE,
    }
    run.conclude(words(f"dual_write.told.{run['way']}", **run.values))
    lanes = {"the_database": _spans(rows, records), "the_topic": _spans(records, rows)}
    title = words("dual_write.title", **run.values)
    names = words.under("shown")
    run.show(Lanes(title, lanes, ("in_both", "only_here"), x="flight_number", names=names))


def _name(number: int) -> str:
    """A flight by its name: `AA1141`."""
    flight = json.loads(flight_payload()(number)[1].partition(b"|")[2])
    return f"{flight['carrier']}{flight['flight']}"


def _spans(here: Collection[int], there: Collection[int]) -> list[Span]:
    """The flights that are here: whether they are there, too."""
    return by_number({number: "in_both" if number in there else "only_here" for number in here})


SAME, NO_RECORD, NO_ROW, TWICE = "same", "no_record", "no_row", "twice"


def _found(result: Result) -> str:
    for name, option in (
        ("rows_without_a_record", NO_RECORD),
        ("records_without_a_row", NO_ROW),
        ("records_twice", TWICE),
    ):
        if result.measurements[name]:
            return option
    return SAME


DUAL_WRITE = Experiment(
    "connect.dual_write",
    words,
    (
        Choice(
            "way",
            (DATABASE_FIRST, KAFKA_FIRST, OUTBOX, BY_DEBEZIUM),
            DATABASE_FIRST,
            formerly={
                "database first": DATABASE_FIRST,
                "Kafka first": KAFKA_FIRST,
                "outbox by Debezium": BY_DEBEZIUM,
            },
        ),
        Number("kills", 0, 3, 2, "times"),
        Number("flights", 100, 300, 120, step=20),
    ),
    _dual_write,
    Options((SAME, NO_RECORD, NO_ROW, TWICE), _found),
    breaks=False,
    about=("missing", "records_twice"),
)
