"""05.4: a poison record goes to a dead-letter topic, with its reason, and nothing behind it waits.

The program is killed once, when a poison record lies behind it: it must be in the one place or in
the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labs.base.flights import flights
from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.groups import committed, remove_dead
from labs.exercise.judging import Judging
from labs.exercise.places import Place, await_places, require_values, written
from labs.exercise.program import Program
from labs.exercise.verdict import NotYet

PARTITIONS, RECORDS, POISON = 2, 400, 4
PACE = 150  # lines/s
#: Where the first poison record of each partition may lie, and how far behind it the kill comes.
FIRST, BEHIND = (15, 40), (80, 140)

#: Values that no JSON parser takes.
VALUES = (b"", b"not json", b'{"carrier": "UA", ', b"\xff\xfe")


@dataclass(frozen=True)
class Sent:
    """A record of the topic."""

    key: bytes
    value: bytes
    poison: bool


def judge(judging: Judging) -> tuple[str, ...]:
    """Kill it once behind a poison record, let it come to the end, and look at both places."""
    topic, dead = judging.topic(partitions=PARTITIONS), judging.topic()
    group = judging.group(topic)
    sent = _produce(judging, topic)
    good = {place for place, record in sent.items() if not record.poison}
    program = judging.program(PACE, topic=topic, group=group, dead_letters=dead)
    judging.say("starting", count=POISON)
    program.start()
    enough = judging.random.randint(*BEHIND)
    try:
        program.wait(lambda: len(program.lines) >= enough, judging.patience_s / 2)
    except NotYet as found:
        if found.why == "hangs" and program.lines:
            raise _waiting(judging, sent, program) from None
        raise
    program.kill()
    remove_dead(judging.cluster, group)
    judging.say("killed")
    program.start()
    program.pace = None
    await_places(program, good, judging.patience_s / 2)
    program.stop()
    _require_good(judging, sent, program)
    _require_dead(judging, sent, dead)
    if not committed(judging.cluster, group, topic):
        raise NotYet("never_committed", group=group)
    require_values(judging.read(topic), written(program.lines))
    return (judging.exercise.says("evidence", "both", good=len(good), poison=POISON),)


def _produce(judging: Judging, topic: str) -> Mapping[Place, Sent]:
    """Flights in turn to each partition, two poison records in each; by their places."""
    bad = {}
    for partition in range(PARTITIONS):
        first = judging.random.randint(*FIRST)
        for offset, value in zip((first, first + 9), VALUES[2 * partition :], strict=False):
            bad[partition, offset] = value
    sent, producer = {}, judging.producer(acks="all")
    for number, flight in enumerate(flights(RECORDS)):
        place = number % PARTITIONS, number // PARTITIONS
        sent[place] = Sent(flight.key, bad.get(place, flight.value), place in bad)
    futures = [producer.send(topic, r.value, r.key, partition=p[0]) for p, r in sent.items()]
    for place, future in zip(sent, futures, strict=True):
        assert future.get(timeout=30).offset == place[1]
    return sent


def _waiting(judging: Judging, sent: Mapping[Place, Sent], program: Program) -> NotYet:
    """Nothing more comes, or something is missing: is it behind a poison record?"""
    found = {each.place for each in written(program.lines)}
    missed = sorted(place for place, r in sent.items() if not r.poison and place not in found)
    partition, offset = missed[0]
    seen = judging.exercise.says(
        "evidence", "missing", partition=partition, offset=offset, count=len(missed)
    )
    for place in sorted(place for place, record in sent.items() if record.poison):
        if all(other[0] != place[0] or other < place for other in found) and found:
            at = {"partition": place[0], "offset": place[1]}
            if (place[0], place[1] - 1) in found:
                return NotYet("waits_behind", seen, poison=place[1], **at)
    return NotYet("skipped", seen, partition=partition, offset=offset)


def _require_good(judging: Judging, sent: Mapping[Place, Sent], program: Program) -> None:
    found = {each.place for each in written(program.lines)}
    if any(place not in found for place, record in sent.items() if not record.poison):
        raise _waiting(judging, sent, program)
    wrong = sorted(place for place, record in sent.items() if record.poison and place in found)
    if wrong:
        raise NotYet("poison_written", partition=wrong[0][0], offset=wrong[0][1])


def _require_dead(judging: Judging, sent: Mapping[Place, Sent], dead: str) -> None:
    """Each poison record is in the dead-letter topic as it was, with its reason."""
    letters = judging.records(dead)
    for place, record in sorted(sent.items()):
        if not record.poison:
            continue
        at = {"partition": place[0], "offset": place[1]}
        held = judging.exercise.says("evidence", "poison", **at, value=record.value, key=record.key)
        same = [r for r in letters if (r.value or b"") == record.value]
        whole = [r for r in same if r.key == record.key]
        if not whole:
            raise NotYet("changed" if same else "dropped", held, **at, count=len(letters))
        reasons = [value for r in whole for name, value in r.headers if name == "reason"]
        if not any(reasons):
            raise NotYet("without_reason", held, **at)


EXERCISE = Exercise(
    "05.4",
    PROGRAM,
    Words(__file__),
    judge,
    minutes=15,
    contract=("TOPIC", "GROUP", "DEAD_LETTERS"),
)
