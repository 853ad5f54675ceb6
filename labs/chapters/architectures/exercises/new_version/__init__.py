"""13.3: a new version replays the log into a topic of its own, and switches when that is whole.

The output and the switch get their timestamps from the brokers (LogAppendTime): so it can be seen
what stood in the output when readers were sent there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from labs.base.flights import Flight, flights
from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import how_it_ended, is_number
from labs.exercise.verdict import NotYet

RECORDS = 3000
#: One flight in so many comes late, by so many records.
LATE_ONE_IN, LATE_BY = 20, 200
#: What stands in the view of the old version, before and after.
OLD_RECORDS = 3

Days = Mapping[str, int]


def judge(judging: Judging) -> tuple[str, ...]:
    """Let it come to its end; look what the output had at the switch, and what it has now."""
    topic, old = judging.topic(), judging.topic()
    out, views = (judging.topic(message_timestamp_type="LogAppendTime") for _ in range(2))
    order = _order(judging.random.randrange(LATE_ONE_IN))
    _send(judging, topic, old, views, order)
    program = judging.program(topic=topic, old=old, out=out, views=views)
    judging.say("starting")
    program.start()
    code = program.wait_end(judging.patience_s)
    if code:
        raise NotYet("failed", *program.last_words(), how=how_it_ended(code))
    judging.say("reading")
    left = len(judging.records(old)) if judging.exists(old) else 0
    if left != OLD_RECORDS:
        raise NotYet("old_changed" if left > OLD_RECORDS else "old_deleted")
    written = judging.records(out)
    _require_counts(judging, _days(written), order)
    switched = [r for r in judging.records(views) if r.value == out.encode()]
    if not switched or switched[-1].key != b"current":
        raise NotYet("not_switched")
    at = switched[0].timestamp
    if early := _differing(_days(r for r in written if r.timestamp <= at), _days(written)):
        seen = judging.exercise.says("evidence", "early", day=early[0], count=len(early))
        raise NotYet("switched_early", seen)
    return (judging.exercise.says("evidence", "whole", days=len(_days(written))),)


def _order(first: int) -> list[tuple[Flight, int]]:
    """Flights as they come, some late; each with the time at which it comes, ms."""
    order = list(flights(RECORDS))
    times = [flight.timestamp_ms for flight in order]
    for index in range(first, RECORDS - LATE_BY, LATE_ONE_IN):
        order.insert(index + LATE_BY, order.pop(index))
    return list(zip(order, times, strict=True))


def _send(
    judging: Judging, topic: str, old: str, views: str, order: list[tuple[Flight, int]]
) -> None:
    producer = judging.producer(acks="all")
    for flight, time in order:
        producer.send(topic, flight.value, flight.key, timestamp_ms=time)
    for number in range(OLD_RECORDS):
        producer.send(old, b"%d" % (800 + number), b"2013-01-0%d" % (number + 1))
    producer.send(views, old.encode(), b"current")
    producer.flush()


def _days(records: Iterable[Any]) -> dict[str, int]:
    """Day → the last number that was written for it.

    Raises:
        NotYet: a record is something else.
    """
    found = {}
    for record in records:
        key, value = (
            (part or b"").decode("utf-8", "replace") for part in (record.key, record.value)
        )
        if not is_number(value):
            raise NotYet("unreadable_record", value=value[:40])
        found[key] = int(value)
    return found


def _differing(one: Days, other: Days) -> list[str]:
    return sorted(day for day in {*one, *other} if one.get(day) != other.get(day))


def _require_counts(judging: Judging, found: Days, order: list[tuple[Flight, int]]) -> None:
    left = [(flight, time) for flight, time in order if not flight.cancelled]
    due = Counter(flight.scheduled.date().isoformat() for flight, _ in left)
    if not found:
        raise NotYet("nothing")
    wrong = _differing(found, due)
    if not wrong:
        return
    day = wrong[0]
    seen = judging.exercise.says(
        "evidence", "wrong", day=day, found=found.get(day, 0), due=due[day], count=len(wrong)
    )
    everything = Counter(flight.scheduled.date().isoformat() for flight, _ in order)
    arrived = Counter(_day_of(time) for _, time in left)
    readings: dict[str, Days] = {
        "cancelled_too": everything,
        "by_arrival": arrived,
    }
    for reason, reading in readings.items():
        if not _differing(found, reading):
            raise NotYet(reason, seen)
    raise NotYet("wrong_counts", seen)


def _day_of(milliseconds: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return moment.date().isoformat()


EXERCISE = Exercise(
    "13.3",
    PROGRAM,
    Words(__file__),
    judge,
    minutes=12,
    contract=("TOPIC", "OLD", "OUT", "VIEWS"),
)
