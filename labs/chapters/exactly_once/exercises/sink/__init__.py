"""06.2: a sink into SQLite that writes each record once, through three kills.

It says on standard output what it has written, and that is read slowly: so each kill meets it
between a row and the commit that covers it, whichever comes first.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from zlib import crc32

from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.groups import committed, remove_dead
from labs.exercise.judging import Judging
from labs.exercise.places import Place, await_all
from labs.exercise.program import Program
from labs.exercise.verdict import NotYet
from labs.workload.history import Log

KILLS = 3
#: Records that are there before it starts; how many more come at most, and how many a second.
BEFORE, MORE, RATE = 600, 1500, 60
#: How many lines a second are read of it.
PACE = 100

ROWS = 'SELECT "partition", "offset", value FROM flights'


def judge(judging: Judging) -> tuple[str, ...]:
    """Kill it three times while it works, let it come to the end, and compare rows with records."""
    topic = judging.topic(partitions=3)
    group, out = judging.group(topic), judging.scratch / "flights.db"
    judging.stream(topic, BEFORE).wait()
    later = judging.stream(topic, count=MORE, rate=RATE)
    program = judging.program(PACE, topic=topic, group=group, out=out)
    judging.say("starting")
    program.start()
    places = [_kill(judging, program, topic, group) for _ in range(KILLS)]
    later.stop()
    program.pace = None
    judging.say("finishing")
    log = judging.read(topic)
    await_all(program, log, judging.patience_s)
    program.stop()
    values = _rows(out)
    rows = Counter(place for place, _ in values)
    due = [(read.partition, read.offset) for read in log.reads]
    _require_all(judging, due, rows, places)
    _require_once(judging, rows)
    _require_values(judging, log, dict(values))
    return (judging.exercise.says("evidence", "all_once", records=len(due), kills=KILLS),)


def _kill(judging: Judging, program: Program, topic: str, group: str) -> dict[int, int]:
    """Kill it in the middle of its work, and start it again; returns what it had committed."""
    enough = len(program.lines) + judging.random.randint(60, 120)
    program.wait(lambda: len(program.lines) >= enough, judging.patience_s)
    program.kill()
    life, last = program.lives, program.lines[-1].text
    remove_dead(judging.cluster, group)
    told = committed(judging.cluster, group, topic)
    judging.say("killed", kill=life, line=" ".join(last.split(" ", 2)[:2]))
    program.start()
    return told


def _rows(out: Path) -> list[tuple[Place, bytes]]:
    """What stands in the learner's table: places, each with its value, written as text or bytes.

    Raises:
        NotYet: there is no such table.
    """
    try:
        with closing(sqlite3.connect(out)) as database:
            return [((int(p), int(o)), _bytes(value)) for p, o, value in database.execute(ROWS)]
    except (sqlite3.Error, TypeError, ValueError, OverflowError) as error:
        raise NotYet("no_table", str(error)) from None


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _require_all(
    judging: Judging, due: list[Place], rows: Counter[Place], places: list[dict[int, int]]
) -> None:
    missing = sorted(place for place in due if place not in rows)
    if not missing:
        return
    says = judging.exercise.says
    begun = {p: min(o for q, o in rows if q == p) for p, _ in rows}
    passed_over = [place for place in missing if place[1] > begun.get(place[0], place[1])]
    partition, offset = (passed_over or missing)[0]
    gone = says("evidence", "missing", partition=partition, offset=offset, count=len(missing))
    for kill, told in enumerate(places, 1):
        if passed_over and offset < told.get(partition, 0):
            at = says("evidence", "committed", partition=partition, kill=kill,
                      committed=told[partition])  # fmt: skip
            raise NotYet("committed_first", gone, at, kill=kill)
    raise NotYet("missed", gone)


def _require_once(judging: Judging, rows: Counter[Place]) -> None:
    twice = sorted(place for place, count in rows.items() if count > 1)
    if twice:
        partition, offset = twice[0]
        told = judging.exercise.says("evidence", "twice", partition=partition, offset=offset,
                                     rows=rows[twice[0]], count=len(twice))  # fmt: skip
        raise NotYet("written_twice", told, count=len(twice))


def _require_values(judging: Judging, log: Log, values: dict[Place, bytes]) -> None:
    for read in log.reads:
        value = values[read.partition, read.offset]
        if crc32(value) != read.digest:
            begin = value[:60].decode("utf-8", "replace")
            told = judging.exercise.says("evidence", "other", partition=read.partition,
                                         offset=read.offset, value=begin)  # fmt: skip
            raise NotYet("other_value", told)


EXERCISE = Exercise(
    "06.2", PROGRAM, Words(__file__), judge, minutes=12, contract=("TOPIC", "GROUP", "OUT")
)
