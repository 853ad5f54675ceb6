"""12.3: records that nobody can read go into a topic of their own, and the others go on.

Each record of the topic must be in exactly one place: as JSON in `OUT`, or with its very bytes in
`DEAD_LETTERS`.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from labs.base.words import Words
from labs.chapters.schemas import confluent
from labs.chapters.schemas.asked import registry
from labs.chapters.schemas.changes import CARRIER, FLIGHT
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import Program, is_number
from labs.exercise.verdict import NotYet

RECORDS = 60
#: Among the first so many there is no broken one.
GOOD_FIRST = 10


def judge(judging: Judging) -> tuple[str, ...]:
    """Wait until it has reported each record, then look where each of them is."""
    topic, (client, told) = judging.topic(), registry(judging)
    out, dead = judging.topic(), judging.topic()
    values = _values(judging, topic, client)
    producer = judging.producer(acks="all")
    for value in values:
        producer.send(topic, value)
    producer.flush()
    group = judging.group(topic)
    program = judging.program(topic=topic, group=group, out=out, dead_letters=dead, **told)
    judging.say("starting")
    program.start()
    _await_all(judging, program, client, topic, values)
    program.stop()
    judging.say("reading")
    return _require_right(judging, client, topic, values, out, dead)


def _values(judging: Judging, topic: str, client: Any) -> list[bytes]:
    """Good records, and broken ones of five kinds at random places."""
    codec = confluent.writer(client, (CARRIER, FLIGHT))
    values = [
        confluent.serialized(topic, codec, {"carrier": "UA", "flight": 1000 + number})
        for number in range(RECORDS)
    ]
    good = values[0]
    broken = [
        b'{"carrier": "UA", "flight": 1545}',  # typed by hand
        good[:7],  # cut off
        b"\x00\x7f\xff\xff\xff" + good[5:],  # an id that the registry does not know
        b"\x09" + good[1:],  # another magic byte
        b"hello",
    ]
    for place, value in zip(
        judging.random.sample(range(GOOD_FIRST, RECORDS), len(broken)), broken, strict=True
    ):
        values[place] = value
    return values


def _is_good(client: Any, topic: str, value: bytes) -> bool:
    try:
        return confluent.readable(topic, confluent.reader(client, (CARRIER, FLIGHT)), value)
    except confluent.of(".error").SchemaRegistryError:
        return False


def _offsets(program: Program) -> set[int]:
    """The offsets that it has reported.

    Raises:
        NotYet: a line is something else.
    """
    found = set()
    for line in list(program.lines):
        if not is_number(line.text.strip()):
            raise NotYet("unreadable_line", line=line.text[:80])
        found.add(int(line.text))
    return found


def _await_all(
    judging: Judging, program: Program, client: Any, topic: str, values: list[bytes]
) -> None:
    """Wait until it has reported each record; where it stands at a broken one, that is the reason.

    Raises:
        NotYet: it did not report all of them.
    """
    try:
        program.wait(lambda: len(_offsets(program)) >= len(values), judging.patience_s)
    except NotYet as failed:
        missing = min(set(range(len(values))) - _offsets(program), default=0)
        last = program.last_words()
        with suppress(IndexError):
            if not _is_good(client, topic, values[missing]) and failed.why in ("ended", "hangs"):
                raise NotYet("stands_still", *last, offset=missing) from None
        raise


def _require_right(
    judging: Judging, client: Any, topic: str, values: list[bytes], out: str, dead: str
) -> tuple[str, ...]:
    written = [record.value or b"" for record in judging.records(out)]
    dead_values = [record.value or b"" for record in judging.records(dead)]
    flights = [_parsed(value) for value in written]
    good = [value for value in values if _is_good(client, topic, value)]
    broken = [(offset, value) for offset, value in enumerate(values) if value not in good]
    buried = [value for value in good if value in dead_values]
    if buried:
        raise NotYet("good_dead", count=len(buried))
    lost = [offset for offset, value in broken if value not in dead_values]
    if lost and len(dead_values) >= len(broken):
        raise NotYet("changed", offset=lost[0])
    if lost:
        raise NotYet("dropped", offset=lost[0], count=len(lost))
    reader = confluent.reader(client, (CARRIER, FLIGHT))
    due = [confluent.deserialized(topic, reader, value) for value in good]
    if any(flight not in due for flight in flights):
        raise NotYet("invented", count=sum(flight not in due for flight in flights))
    if missing := [flight for flight in due if flight not in flights]:
        raise NotYet("missed", flight=json.dumps(missing[0]), count=len(missing))
    return (judging.exercise.says("evidence", "all", good=len(good), broken=len(broken)),)


def _parsed(value: bytes) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


EXERCISE = Exercise(
    "12.3",
    PROGRAM,
    Words(__file__),
    judge,
    minutes=12,
    contract=("TOPIC", "GROUP", "OUT", "DEAD_LETTERS", "SCHEMA_REGISTRY_URL", "PACKAGES"),
)
