"""Kappa: a new version reads the whole log beside the old one, and takes over when it is there.

The old version counts flights that were cancelled as departures. The new one is right, has a group
and an output topic of its own, and begins at the beginning of the log: what the log has lost by
then, the new version will never know. Some flights come late; each version counts them in their
own day.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

from kafka import TopicPartition

from labs.base.clock import now
from labs.base.flights import Flight
from labs.base.words import Words
from labs.chapters.architectures.common import (
    ANSWER_S,
    beside,
    body_of,
    end_of,
    flights_of,
    from_the_beginning,
    named,
    payload_of,
    send_all,
    some_late,
)
from labs.experiment.experiment import Experiment
from labs.experiment.native import native_consumer, native_producer, poll_until, produce
from labs.experiment.prediction import Options
from labs.experiment.result import NONE, Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lines, Mark, Point

words = Words(__file__)

CAUGHT_UP, AT_ONCE = "caught_up", "at_once"
ALL, SHORT = "all", "two_thirds"

FIRST = "2013-02-07"
#: A flight that comes late does so by so many records: its day is over by then.
LATE_BY = 1000
#: Between two looks, s; how many new flights come in it, and how many the new version may read.
EVERY_S, COME, READS = 0.1, 5, 300
#: So long the old version works alone, and the new one after the switch, in looks.
BEFORE, AFTER = 5, 6


class _Version:
    """One version of the program: its group, its output topic, and what it has counted."""

    def __init__(self, run: Run, name: str, counts: Callable[[dict[str, Any]], bool]) -> None:
        self.out = beside(run, name)
        self.read = 0
        self.total = 0
        #: The offset that it reads next.
        self.place = 0
        self._run, self._counts = run, counts
        self._days: dict[str, int] = {}
        self._consumer = from_the_beginning(run, run.topic, group=name)
        self._producer = native_producer(run, acks="all", linger_ms=0)

    def step(self, end: int) -> None:
        """Read up to there, but no more than `READS`, and write the days that have changed."""
        due = min(end, self.place + READS) if self.place else READS
        deadline = self._run.elapsed() + ANSWER_S
        changed = set()
        while self.place < due and self._run.elapsed() < deadline:
            for record in self._consumer.consume(due - self.place, timeout=0.05):
                self.place = (record.offset() or 0) + 1
                self.read += 1
                flight = body_of(record.value() or b"")
                if self._counts(flight):
                    self.total += 1
                    day = flight["scheduled"][:10]
                    self._days[day] = self._days.get(day, 0) + 1
                    changed.add(day)
        for day in sorted(changed):
            self._producer.produce(self.out, json.dumps(self._days[day]).encode(), day.encode())
        poll_until(self._producer, lambda: not len(self._producer), ANSWER_S)


def _as_they_come(run: Run) -> list[Flight]:
    """The flights of the past, and behind them those that come while the run looks."""
    return some_late(flights_of(FIRST, 2 * run["history"]), LATE_BY)


def _replay(run: Run) -> None:
    run.make_topic(watch=False)
    run.say(words("replay.says.history"))
    send_all(run, _as_they_come(run)[: run["history"]])
    live = _Live(run)
    while live.old.place < run["history"]:
        live.old.step(run["history"])
    run.began = now()
    run.say(words("replay.says.old"))
    for _ in range(BEFORE):
        live.look()
    lost = run["history"] // 3 if run["kept"] == SHORT else 0
    if lost:
        place = TopicPartition(run.topic, 0)
        run.ask(lambda client: client.delete_records({place: lost}))
    run.say(words("replay.says.new"))
    live.begin_new(at_once=run["switch"] == AT_ONCE)
    run.wait(live.switched_and_whole, words("replay.awaited.caught_up"), 60)
    run.say(words("replay.says.switched"))
    for _ in range(AFTER):
        live.look()
    _tell(run, live, lost)


class _Live:
    """Flights that come, both versions, and a dashboard that asks one of them."""

    def __init__(self, run: Run) -> None:
        self.old = _Version(run, "v1", lambda _flight: True)
        self.new: _Version | None = None
        self.asked = self.old
        self.points: dict[str, list[Point]] = {"old": [], "new": [], "dashboard": []}
        self.marks: list[Mark] = []
        self.too_small = 0
        self._run = run
        self._producer = native_producer(run, acks="all", linger_ms=0)
        # It reads nothing: else its question would wait behind a fetch, which a broker may hold.
        self._asking = native_consumer(run, group_id=f"{run.topic}-asking")
        self._payload = payload_of(_as_they_come(run))

    def begin_new(self, at_once: bool) -> None:
        """Start the new version beside the old one."""
        self.new = _Version(self._run, "v2", lambda flight: not flight["cancelled"])
        self.marks.append(Mark(self._run.elapsed(), "new_started"))
        if at_once:
            self._switch()

    def _switch(self) -> None:
        assert self.new
        self.asked = self.new
        self.marks.append(Mark(self._run.elapsed(), "switched"))

    def switched_and_whole(self) -> bool:
        """Look once more; whether the new version has read all that the old one has."""
        self.look()
        assert self.new
        whole = self.new.place >= self.old.place
        if whole and self.asked is self.old:
            self._switch()
        return whole

    def look(self) -> None:
        """Some flights come, each version reads, and the dashboard asks."""
        sends = [produce(self._run, self._producer, self._payload) for _ in range(COME)]
        poll_until(self._producer, lambda: all(send.completed for send in sends), ANSWER_S)
        end = end_of(self._asking, self._run.topic)
        self.old.step(end)
        if self.new:
            self.new.step(end)
        time = self._run.elapsed()
        self.points["old"].append((time, self.old.total))
        if self.new:
            self.points["new"].append((time, self.new.total))
        self.points["dashboard"].append((time, self.asked.total))
        self.too_small += self.asked.read < self.old.read
        self._run.sleep(EVERY_S)


def _tell(run: Run, live: _Live, lost: int) -> None:
    run.verdict()
    assert live.new
    known = _as_they_come(run)
    every = [known[number % len(known)] for number in range(run.history.next_number)]
    truth = Counter(_day(flight) for flight in every if not flight.cancelled)
    found = _written(run, live.new.out)
    missing = every[:lost]
    run.measurements |= {
        "answers_too_small": live.too_small,
        "old_counts": live.old.total,
        "new_counts": found.total(),
        "right_count": truth.total(),
        "days_that_differ": sum(found[day] != truth[day] for day in truth),
        "late_records": _late(every, run["history"]),
        "missing_records": live.old.read - live.new.read,
        "flight_names": named(missing) or NONE,
    }
    told = _found(run.measurements)
    run.conclude(words(f"replay.told.{told}", **run.values))
    title = words(f"replay.title.{told}", **run.values)
    names = words.under("shown")
    run.show(
        Lines(title, live.points, "elapsed_s", "departures", live.marks, steps=True, names=names)
    )


def _day(flight: Flight) -> str:
    return flight.scheduled.date().isoformat()


def _late(every: list[Flight], since: int) -> int:
    """How many came, from that one on, when there had been a flight of a later day."""
    days = [_day(flight) for flight in every]
    newest = list(accumulate(days, max))
    return sum(day < new for day, new in zip(days[since:], newest[since:], strict=True))


def _written(run: Run, topic: str) -> Counter[str]:
    """What stands in an output topic: the last number of each day."""
    consumer = from_the_beginning(run, topic, group="dashboard")
    end, seen = end_of(consumer, topic), 0
    days: Counter[str] = Counter()
    while seen < end:
        for record in consumer.consume(500, timeout=1.0):
            days[(record.key() or b"").decode()] = int(json.loads(record.value() or b"0"))
            seen = (record.offset() or 0) + 1
        run.sleep(0)
    return days


_RIGHT, _A_WHILE, _MISSING = "right", "a_while", "missing"


def _found(measured: Mapping[str, object]) -> str:
    if measured["missing_records"]:
        return _MISSING
    return _A_WHILE if measured["answers_too_small"] else _RIGHT


def _which(result: Result) -> str:
    return _found(result.measurements)


REPLAY = Experiment(
    "architectures.replay",
    words,
    (
        Choice(
            "switch",
            (CAUGHT_UP, AT_ONCE),
            AT_ONCE,
            formerly={"when it has caught up": CAUGHT_UP, "at once": AT_ONCE},
        ),
        Choice("kept", (ALL, SHORT), ALL, formerly={"the whole log": ALL, "two thirds": SHORT}),
        Number("history", 2000, 6000, 3000, "records", 1000),
    ),
    _replay,
    Options((_RIGHT, _A_WHILE, _MISSING), _which),
    breaks=False,
    about=(
        "answers_too_small",
        "new_counts",
        "right_count",
        "days_that_differ",
        "late_records",
        "missing_records",
        "flight_names",
    ),
)
