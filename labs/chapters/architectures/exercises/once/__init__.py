"""13.1: a service of an event bus that charges each booking once, and always says so.

It tells on standard output when a charge stands in its books, before it sends its event; and that
is read slowly. So each kill meets it between its effect and its event. Some bookings come twice:
whoever sent them did not get an answer, and sent them again.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.groups import remove_dead
from labs.exercise.judging import Judging
from labs.exercise.places import await_places
from labs.exercise.program import Program, is_number
from labs.exercise.verdict import NotYet

KILLS, BOOKINGS = 3, 400
#: One booking in so many is sent again, so many records later.
AGAIN_ONE_IN, AGAIN_AFTER = 10, 15
#: How many lines a second are read of it.
PACE = 25
#: Before a kill, hardly any for so long, s: by then it stands between its charge and its event.
HELD_PACE, HELD_S = 1, 0.4
#: How long its last events are waited for, s.
EVENTS_S = 5.0


def judge(judging: Judging) -> tuple[str, ...]:
    """Kill it three times while it works, then compare its books and its events with the log."""
    topic, paid = judging.topic(), judging.topic()
    group, out = judging.group(topic), judging.scratch / "books.db"
    places = _send(judging, topic)
    program = judging.program(PACE, topic=topic, group=group, out=out, paid=paid)
    judging.say("starting")
    program.start()
    for _ in range(KILLS):
        _kill(judging, program, group)
    program.pace = None
    judging.say("finishing")
    with suppress(NotYet):  # what is missing then is found in its books
        await_places(program, {(0, offset) for offset in places}, judging.patience_s)
    told = _events(judging, paid)
    program.stop()
    _require_right(judging, Counter(places.values()), _charges(out), told)
    return (judging.exercise.says("evidence", "once", bookings=BOOKINGS, kills=KILLS),)


def _send(judging: Judging, topic: str) -> dict[int, int]:
    """Send the bookings, some of them twice; offset → booking."""
    order = list(range(BOOKINGS))
    for booking in range(AGAIN_ONE_IN, BOOKINGS - AGAIN_AFTER, AGAIN_ONE_IN):
        order.insert(order.index(booking) + AGAIN_AFTER, booking)
    producer = judging.producer(acks="all")
    for booking in order:
        value = json.dumps({"booking": booking, "price": _price(booking)}).encode()
        producer.send(topic, value, b"%d" % booking)
    producer.flush()
    return dict(enumerate(order))


def _kill(judging: Judging, program: Program, group: str) -> None:
    enough = len(program.lines) + judging.random.randint(40, 70)
    program.wait(lambda: len(program.lines) >= enough, judging.patience_s)
    program.pace = HELD_PACE
    time.sleep(HELD_S)
    program.kill()
    program.pace = PACE
    remove_dead(judging.cluster, group)
    judging.say("killed", kill=program.lives, line=program.lines[-1].text)
    program.start()


def _events(judging: Judging, paid: str) -> set[int]:
    """The bookings of which it has said that they are paid; the last may be under way."""
    deadline = time.monotonic() + min(EVENTS_S, judging.remaining_s)
    told: set[int] = set()
    while len(told) < BOOKINGS and time.monotonic() < deadline:
        keys = ((record.key or b"").decode("utf-8", "replace") for record in judging.records(paid))
        told = {int(key) for key in keys if is_number(key)}
        time.sleep(0.2)
    return told


def _price(booking: int) -> int:
    return 50 + booking % 200


def _is(price: object, due: int) -> bool:
    """Whether a table's price is this one, whatever type its column has."""
    with suppress(ValueError):
        return float(str(price)) == due
    return False


def _charges(out: Path) -> list[tuple[int, object]]:
    """What stands in the learner's table: bookings, each with its price.

    Raises:
        NotYet: there is no such table.
    """
    try:
        with closing(sqlite3.connect(out)) as books:
            rows = books.execute("SELECT booking, price FROM charges")
            return [(int(booking), price) for booking, price in rows]
    except (sqlite3.Error, TypeError, ValueError, OverflowError) as error:
        raise NotYet("no_table", str(error)) from None


def _require_right(
    judging: Judging, sent: Counter[int], rows: list[tuple[int, object]], told: set[int]
) -> None:
    says = judging.exercise.says
    charges = Counter(booking for booking, _ in rows)
    twice = sorted(booking for booking, times in charges.items() if times > 1)
    by_kill = [booking for booking in twice if sent[booking] == 1]
    for reason, found in (("charged_twice", by_kill), ("same_booking", twice)):
        if found:
            seen = says("evidence", "twice", booking=found[0], times=charges[found[0]])
            raise NotYet(reason, seen, count=len(found))
    if missed := sorted(set(sent) - set(charges)):
        raise NotYet("missed", says("evidence", "uncharged", booking=missed[0]), count=len(missed))
    if silent := sorted(set(sent) - told):
        raise NotYet("silent", says("evidence", "unsaid", booking=silent[0]), count=len(silent))
    for booking, price in rows:
        if not _is(price, _price(booking)):
            seen = says("evidence", "price", booking=booking, price=price, due=_price(booking))
            raise NotYet("wrong_price", seen)


EXERCISE = Exercise(
    "13.1", PROGRAM, Words(__file__), judge, minutes=10, contract=("TOPIC", "GROUP", "OUT", "PAID")
)
