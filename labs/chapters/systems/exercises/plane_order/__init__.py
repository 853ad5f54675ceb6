"""10.1: two workers share a subscription, and each plane's events stay in order.

The events of a plane take differently long: whoever gets the next one before the last is done is
sooner or later ahead of it.
"""

from __future__ import annotations

import json
import time
from typing import Any

from labs.base.clock import now
from labs.base.words import Words
from labs.chapters.systems.beside import path_of, pulsar_admin, pulsar_namespace
from labs.chapters.systems.exercises.asked import pulsar, wait_for_both
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import Line, Program, is_number
from labs.exercise.verdict import NotYet

PLANES, EVENTS = 12, 8
#: How long events take, ms: every other one takes long, and the very first one longest. Nobody is
#: done with that sooner, however busy this machine is.
LONG, SHORT, LONGEST = (60, 120), (0, 5), 1500
SUBSCRIPTION = "board"
#: A program may acknowledge a moment after it has written its line, s.
ACKNOWLEDGED_S = 5.0


def judge(judging: Judging) -> tuple[str, ...]:
    """Have two workers do all events, and compare the order with that of each plane."""
    client, told = pulsar(judging)
    try:
        topic = f"persistent://{pulsar_namespace('exercise-10-1', {})}/events"
        producer = client.create_producer(topic)
        workers = [
            judging.program(topic=topic, subscription=SUBSCRIPTION, **told) for _ in range(2)
        ]
        judging.say("starting")
        for worker in workers:
            worker.start()
        wait_for_both(judging, workers, lambda: _consumers(topic) == 2)
        began = now()
        events = _send(judging, producer)
        judging.say("working")
        wait_for_both(judging, workers, lambda: len(_done(workers)) >= len(events))
        _require_right(workers, events)
        _require_worked(workers, events[0], began)
        _require_acknowledged(topic)
        for worker in workers:
            worker.stop()
    finally:
        client.close()
    return (judging.exercise.says("evidence", "all", count=len(events), planes=PLANES),)


def _stats(topic: str) -> dict[str, Any]:
    told: dict[str, Any] = pulsar_admin("GET", f"{path_of(topic)}/stats")
    found: dict[str, Any] = told["subscriptions"].get(SUBSCRIPTION, {})
    return found


def _consumers(topic: str) -> int:
    return len(_stats(topic).get("consumers", ()))


def _send(judging: Judging, producer: Any) -> list[tuple[str, int]]:
    """All planes in turn, so that each plane's next event comes soon after the last one."""
    events: list[tuple[str, int]] = []
    for number in range(EVENTS):
        for plane in (f"N{100 + index}" for index in range(PLANES)):
            low, high = SHORT if number % 2 else LONG
            takes = judging.random.randint(low, high) if events else LONGEST
            event = {"plane": plane, "number": number, "ms": takes}
            producer.send_async(json.dumps(event).encode(), None, partition_key=plane)
            events.append((plane, number))
    producer.flush()
    return events


def _done(workers: list[Program]) -> list[tuple[Line, str, int]]:
    """What both have written, in the order of the time.

    Raises:
        NotYet: a line has another form.
    """
    found = []
    for line in sorted((line for w in workers for line in list(w.lines)), key=lambda x: x.time):
        plane, _, number = line.text.strip().partition(" ")
        if not is_number(number):
            raise NotYet("unreadable_line", line=line.text[:80])
        found.append((line, plane, int(number)))
    return found


def _require_right(workers: list[Program], events: list[tuple[str, int]]) -> None:
    last: dict[str, int] = {}
    for _, plane, number in _done(workers):
        if number < last.get(plane, -1):
            raise NotYet("out_of_order", plane=plane, number=number, before=last[plane])
        last[plane] = number
    if missing := set(events) - {(plane, number) for _, plane, number in _done(workers)}:
        plane, number = min(missing)
        raise NotYet("missed", plane=plane, number=number)
    if not all(worker.lines for worker in workers):
        raise NotYet("one_worker", count=len(events))


def _require_worked(workers: list[Program], first: tuple[str, int], began: float) -> None:
    """The first event, which takes longest, was not done before its time."""
    line = next(line for line, *event in _done(workers) if tuple(event) == first)
    took = round(1000 * (line.time - began))
    if took < LONGEST:
        raise NotYet("not_worked", plane=first[0], number=first[1], took=took, due=LONGEST)


def _require_acknowledged(topic: str) -> None:
    deadline = time.monotonic() + ACKNOWLEDGED_S
    while left := int(_stats(topic).get("msgBacklog", 0)):
        if time.monotonic() > deadline:
            raise NotYet("unacknowledged", count=left)
        time.sleep(0.2)


EXERCISE = Exercise(
    "10.1",
    PROGRAM,
    Words(__file__),
    judge,
    minutes=10,
    contract=("TOPIC", "SUBSCRIPTION", "PULSAR_URL", "PACKAGES"),
)
