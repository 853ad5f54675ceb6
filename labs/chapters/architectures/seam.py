"""Lambda: a batch view of all up to a seam, a speed layer behind it, and a view that adds both.

The batch layer is SQL over Parquet files, the speed layer a program of ours: two codes for one
question. Where they differ, by a bug or in where they cut, the answer jumps at the seam.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labs.base.flights import Flight
from labs.base.words import Words
from labs.chapters.architectures import batch
from labs.chapters.architectures.batch import View
from labs.chapters.architectures.common import (
    body_of,
    end_of,
    flights_of,
    from_the_beginning,
    named,
    send_all,
    some_late,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import NONE, Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice
from labs.experiment.views import Lines, Mark, Point

words = Words(__file__)

SAME, EARLY, CANCELLED = "same", "early", "cancelled"
OFFSET, CLOCK = "offset", "midnight"

#: Ten days, of which the last six are behind the seam: the storm is among them.
FIRST, SEAM, FLIGHTS = "2013-02-03", "2013-02-07", 8200
#: A flight that comes late does so by so many records.
LATE_BY = 90
#: The batch layer writes a file of so many records.
FILE = 1000


def _seam(run: Run) -> None:
    duckdb = batch.database(run.tell)
    run.closing(duckdb.close)
    run.make_topic(watch=False)
    sent = some_late(flights_of(FIRST, FLIGHTS), LATE_BY)
    run.say(words("seam.says.writing"))
    send_all(run, sent)
    values = _all_values(run)
    until = _seam_of(sent)
    run.say(words("seam.says.batch"))
    with tempfile.TemporaryDirectory(prefix="labs-batch-") as store:
        for first in range(0, until, FILE):
            batch.append(
                duckdb, Path(store), first, map(_bare, values[first : min(first + FILE, until)])
            )
        stored = batch.view(duckdb, Path(store))
    run.say(words("seam.says.speed"))
    quick, passed_over = _speed_layer(run, until)
    serving = _merged(stored, quick)
    run.say(words("seam.says.replay"))
    replayed: View = {}
    for value in values:
        _add(replayed, body_of(value), SAME)
    _tell(run, serving, replayed, [sent[number] for number in passed_over])


def _seam_of(sent: Sequence[Flight]) -> int:
    """Where the log stands when the first flight of the day after comes: the batch run begins."""
    days = (flight.scheduled.date().isoformat() for flight in sent)
    return next(offset for offset, day in enumerate(days) if day >= SEAM)


def _bare(value: bytes) -> bytes:
    return value.partition(b"|")[2]


def _all_values(run: Run, first: int = 0) -> list[bytes]:
    consumer = from_the_beginning(run, run.topic, group=f"from-{first}", offset=first)
    end = end_of(consumer, run.topic)
    values: list[bytes] = []
    while len(values) < end - first:
        values += [record.value() or b"" for record in consumer.consume(500, timeout=1.0)]
        run.sleep(0)
    return values


def _speed_layer(run: Run, until: int) -> tuple[View, list[int]]:
    """Add up what came behind the seam; and the numbers of the records that it leaves out."""
    view: View = {}
    passed_over = []
    for number, value in enumerate(_all_values(run, until), until):
        flight = body_of(value)
        if run["cut_at"] == CLOCK and flight["scheduled"] < SEAM:
            passed_over.append(number)  # of yesterday: “the batch view has it”
        else:
            _add(view, flight, run["speed_layer"])
    return view, passed_over


_DELAYS: dict[str, Callable[[int | None], int | None]] = {
    SAME: lambda delay: delay,
    EARLY: lambda delay: None if delay is None else max(0, delay),
    CANCELLED: lambda delay: delay or 0,
}


def _add(view: View, flight: dict[str, Any], rule: str) -> None:
    delay = _DELAYS[rule](flight["dep_delay"])
    if delay is not None:
        day = flight["scheduled"][:10]
        count, total = view.get(day, (0, 0))
        view[day] = count + 1, total + delay


def _merged(one: View, other: View) -> View:
    """The serving view: both added up."""
    pairs = {day: (one.get(day, (0, 0)), other.get(day, (0, 0))) for day in {*one, *other}}
    return {day: (a[0] + b[0], a[1] + b[1]) for day, (a, b) in pairs.items()}


def _mean(of: tuple[int, int]) -> float:
    return of[1] / of[0] if of[0] else 0.0


def _tell(run: Run, serving: View, replayed: View, missing: list[Flight]) -> None:
    run.verdict()
    days = sorted(replayed)
    wrong = {day: _mean(serving.get(day, (0, 0))) - _mean(replayed[day]) for day in days}
    worst = max(wrong.values(), key=abs)
    run.measurements |= {
        "days_that_differ": sum(serving.get(day) != replayed[day] for day in days),
        "jump_minutes": round(wrong[SEAM], 1),
        "most_wrong_minutes": round(worst, 1),
        "in_neither_records": len(missing),
        "flight_names": named(missing) or NONE,
    }
    found = _found(run.measurements)
    run.conclude(words(f"seam.told.{found}", **run.values))
    numbers = {day: number for number, day in enumerate(days, int(FIRST[-2:]))}
    series: dict[str, list[Point]] = {
        "batch_and_speed": [(numbers[day], _mean(serving.get(day, (0, 0)))) for day in days],
        "replay": [(numbers[day], _mean(replayed[day])) for day in days],
    }
    marks = [Mark(numbers[SEAM], "seam")]
    title = words(f"seam.title.{found}", **run.values)
    names = words.under("shown")
    run.show(Lines(title, series, "day_of_february", "mean_delay", marks, names=names))


_EQUAL, _JUMP, _GAP = "equal", "jump", "gap"


def _found(measured: Mapping[str, object]) -> str:
    if measured["in_neither_records"]:
        return _GAP
    return _JUMP if measured["days_that_differ"] else _EQUAL


def _which(result: Result) -> str:
    return _found(result.measurements)


SEAM_OF = Experiment(
    "architectures.seam",
    words,
    (
        Choice(
            "speed_layer",
            (SAME, EARLY, CANCELLED),
            EARLY,
            formerly={
                "the same rule": SAME,
                "early counts as 0": EARLY,
                "cancelled counts as 0": CANCELLED,
            },
        ),
        Choice("cut_at", (OFFSET, CLOCK), OFFSET, formerly={"an offset": OFFSET}),
    ),
    _seam,
    Options((_EQUAL, _JUMP, _GAP), _which),
    breaks=False,
    about=("days_that_differ", "jump_minutes", "in_neither_records", "flight_names"),
)
