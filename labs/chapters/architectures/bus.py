"""Services that know only topics: bookings, payment, tickets. Payment is killed in the middle.

A booking is paid, and a ticket is given; for a flight that was cancelled there is none, and the
payment goes back (a saga: steps, each with what undoes it). Nobody calls anybody: each service
reads events, does its work, and says so in an event.
"""

from __future__ import annotations

import json
import random
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from labs.base.clock import now
from labs.base.words import Words
from labs.chapters.architectures import service_process
from labs.chapters.architectures.common import beside, flights_of, named, payload_of
from labs.chapters.architectures.service_process import (
    CHARGED,
    CONSUMER,
    EXPOSED,
    PAID,
    PAYMENT,
    READY,
    REFUNDED,
    REFUSED,
    TICKETED,
    TICKETS,
    Job,
)
from labs.experiment.experiment import Experiment
from labs.experiment.life import Life
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lines, Mark, Point
from labs.workload import set_here

words = Words(__file__)

PLAIN, IDEMPOTENT = "plain", "idempotent"
#: Whose flights were charged twice, if there are none.
NOBODY = "nobody"

#: The day of a snow storm: half of its flights were cancelled; every so many are booked.
STORM, IN_ALL, EACH = "2013-02-08", 900, 15
BOOKINGS = IN_ALL // EACH
#: Bookings a second.
RATE = 30
#: A life of the payment service handles so many bookings, at least and at most, and is killed.
FROM, TO = 5, 12
#: It is down for so long after a kill, s.
DOWN_S = 0.6
DONE_S = 60.0


class _Life(Life):
    """One life of a service, and what it has told."""

    def __init__(self, run: Run, job: Job) -> None:
        self.ready = self.exposed = False
        self.told: list[tuple[str, int, float]] = []
        super().__init__(run, service_process.__name__)
        self.write(json.dumps(asdict(job)))

    def begin(self) -> None:
        """Have it work."""
        self.write("begin")

    def hear(self, what: str, *told: str) -> None:
        if what == READY:
            self.ready = True
        elif what == EXPOSED:
            self.exposed = True
        else:
            self.told.append((what, int(told[0]), float(told[1])))


def _bus(run: Run) -> None:
    run.make_topic(watch=False)
    for event in (PAID, REFUSED):
        beside(run, event)
    folder = tempfile.TemporaryDirectory(prefix="labs-bus-")
    run.closing(folder.cleanup)
    run.note(set_here.kafka_python("consumer", CONSUMER, words("bus.services")))
    payments, tickets = _lives(run, Path(folder.name))
    every = [*payments, tickets]
    run.wait(lambda: all(life.ready for life in every), words("bus.awaited.ready"), DONE_S)
    run.began = now()
    run.say(words("bus.says.at_work"))
    tickets.begin()
    payments[0].begin()
    booked = run.load(
        run.producer(acks="all"),
        RATE,
        BOOKINGS,
        payload=payload_of(flights_of(STORM, IN_ALL)[::EACH]),
    )
    marks = []
    for number, life in enumerate(payments[:-1], 1):
        run.wait(lambda life=life: _exposed(life), words("bus.awaited.at_work"), DONE_S)  # type: ignore[misc]
        life.kill()
        marks.append(Mark(run.elapsed(), "payment_killed"))
        run.say(words("bus.says.killed", number=number))
        run.sleep(DOWN_S)
        payments[number].begin()
        marks.append(Mark(run.elapsed(), "payment_started"))
    booked.wait()
    run.say(words("bus.says.settling"))
    run.wait(lambda: _settled(every), words("bus.awaited.settled"), DONE_S)
    for life in (payments[-1], tickets):
        life.must_not_have_died()
        life.kill()
    _tell(run, every, _entries(Path(folder.name)), marks)


def _lives(run: Run, folder: Path) -> tuple[list[_Life], _Life]:
    """All lives are started now, so that nobody waits later for an interpreter."""
    idempotent = run["handler"] == IDEMPOTENT

    def life(service: str, exposed_at: int = 0) -> _Life:
        books = str(folder / f"{service}.db")
        return _Life(
            run, Job(service, run.cluster.bootstrap, run.topic, books, idempotent, exposed_at)
        )

    doomed = [life(PAYMENT, random.randint(FROM, TO)) for _ in range(run["kills"])]
    return [*doomed, life(PAYMENT)], life(TICKETS)


def _exposed(life: _Life) -> bool:
    life.must_not_have_died()
    return life.exposed


def _settled(lives: list[_Life]) -> bool:
    """Whether each booking has its ticket, or its money back."""
    for life in (lives[-2], lives[-1]):
        life.must_not_have_died()
    ends = {number for life in lives for what, number, _ in life.told if what != CHARGED}
    return len(ends) >= BOOKINGS


def _entries(folder: Path) -> Counter[tuple[int, str]]:
    """What stands in the services' own books: booking and what was done → how often."""
    found: Counter[tuple[int, str]] = Counter()
    for service in (PAYMENT, TICKETS):
        with closing(sqlite3.connect(folder / f"{service}.db")) as books:
            found.update((int(n), w) for n, w in books.execute("SELECT booking, what FROM entries"))
    return found


def _tell(
    run: Run, lives: list[_Life], entries: Counter[tuple[int, str]], marks: list[Mark]
) -> None:
    run.verdict()
    sent = flights_of(STORM, IN_ALL)[::EACH]
    twice = sorted(n for (n, what), times in entries.items() if what == CHARGED and times > 1)
    open_ones = [
        number
        for number in range(BOOKINGS)
        if not entries[number, CHARGED]
        or bool(entries[number, TICKETED]) == bool(entries[number, REFUNDED])
    ]
    run.measurements |= {
        "charged_twice": len(twice),
        "flight_names": named([sent[number] for number in twice]) or NOBODY,
        "tickets": sum(times for (_, what), times in entries.items() if what == TICKETED),
        "refunds": sum(times for (_, what), times in entries.items() if what == REFUNDED),
        "left_open": len(open_ones),
    }
    found = _found(run.measurements)
    run.conclude(words(f"bus.told.{found}", **run.values))
    series: dict[str, list[Point]] = {
        "booked": [
            ((send.completed or 0) - run.began, send.number + 1) for send in run.history.sends
        ]
    }
    for kind, name in ((CHARGED, "charged"), (TICKETED, "ticketed"), (REFUNDED, "refunded")):
        times = sorted(
            time - run.began for life in lives for what, _, time in life.told if what == kind
        )
        series[name] = [(time, number) for number, time in enumerate(times, 1)]
    title = words(f"bus.title.{found}", **run.values)
    names = words.under("shown")
    run.show(Lines(title, series, "elapsed_s", "bookings", marks, steps=True, names=names))


_TWICE, _LOST, _STOPPED, _WELL = "twice", "lost", "stopped", "well"


def _found(measured: Mapping[str, object]) -> str:
    if measured["left_open"]:
        return _LOST
    return _TWICE if measured["charged_twice"] else _WELL


def _what(result: Result) -> str:
    if result.report.counts.failed:
        return _STOPPED
    return _found(result.measurements)


BUS = Experiment(
    "architectures.bus",
    words,
    (
        Choice("handler", (PLAIN, IDEMPOTENT), PLAIN),
        Number("kills", 0, 3, 2, "times"),
    ),
    _bus,
    Options((_TWICE, _LOST, _STOPPED, _WELL), _what),
    breaks=False,
    about=("charged_twice", "flight_names", "left_open"),
)
