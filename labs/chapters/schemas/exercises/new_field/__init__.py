"""12.1: a producer gets a new field, and the readers of today go on.

The registry is asked what it holds, and every record is read as readers of both versions do: how
the program came to write it so is its own affair.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from labs.base.words import Words
from labs.chapters.schemas import confluent
from labs.chapters.schemas.asked import registry
from labs.chapters.schemas.changes import CARRIER, FLIGHT
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.verdict import NotYet

LEVEL, HTTP_NOT_FOUND = "FULL", 404
OLD = (CARRIER, FLIGHT)
#: Records of the old version that are there before, and lines that the program gets.
BEFORE, LINES = 5, 30


def judge(judging: Judging) -> tuple[str, ...]:
    """Have it write its lines, then look at the registry and read as readers of each version do."""
    topic, (client, told) = judging.topic(), registry(judging)
    subject = f"{topic}-value"
    first = client.register_schema(subject, confluent.schema(OLD))
    client.set_compatibility(subject, LEVEL)
    _write_old(judging, topic, client)
    program = judging.program(topic=topic, **told)
    judging.say("starting")
    program.start()
    lines = [_line(judging, number) for number in range(LINES)]
    program.feed(map(json.dumps, lines))
    code = program.wait_end(judging.patience_s)
    judging.say("reading")
    _require_kept(client, subject, first)
    values = [record.value or b"" for record in judging.records(topic)][BEFORE:]
    if code and not values:
        raise NotYet("refused", *program.last_words())
    ids = [_id(value) for value in values]
    newest = _require_known(client, subject, ids)
    _require_read(judging, topic, client, values, lines, newest)
    return (judging.exercise.says("evidence", "all", records=LINES, before=BEFORE),)


def _line(judging: Judging, number: int) -> dict[str, Any]:
    return {"carrier": "UA", "flight": 1000 + number, "gate": f"B{judging.random.randint(1, 40)}"}


def _write_old(judging: Judging, topic: str, client: Any) -> None:
    codec, producer = confluent.writer(client, OLD), judging.producer(acks="all")
    for number in range(BEFORE):
        flight = {"carrier": "UA", "flight": number}
        producer.send(topic, confluent.serialized(topic, codec, flight))
    producer.flush()


def _require_kept(client: Any, subject: str, first: int) -> None:
    """The subject has its level, and the version of today.

    Raises:
        NotYet: the program has changed or deleted that.
    """
    try:
        level = client.get_compatibility(subject)
        ids = [client.get_version(subject, v).schema_id for v in client.get_versions(subject)]
    except confluent.of(".error").SchemaRegistryError as error:
        if error.http_status_code != HTTP_NOT_FOUND:
            raise
        raise NotYet("deleted_subject", subject=subject) from None
    if level != LEVEL:
        raise NotYet("weakened", level=level)
    if first not in ids:
        raise NotYet("deleted_subject", subject=subject)


def _id(value: bytes) -> int:
    """The id of a record's schema.

    Raises:
        NotYet: it is not in the wire format.
    """
    if len(value) < 6 or value[0]:
        raise NotYet("no_header", value=value[:12].hex(" "))
    return int(struct.unpack(">I", value[1:5])[0])


def _require_known(client: Any, subject: str, ids: list[int]) -> tuple[dict[str, Any], ...]:
    """Each schema stands under the subject; returns the newest version's."""
    versions = [client.get_version(subject, v) for v in client.get_versions(subject)]
    known = {version.schema_id for version in versions}
    strange = [id for id in ids if id not in known]
    if strange:
        raise NotYet("other_subject", id=strange[0], subject=subject)
    fields = _fields(versions[-1].schema.schema_str)
    if "gate" not in [field["name"] for field in fields]:
        raise NotYet("no_gate", subject=subject)
    return fields


def _fields(schema: str) -> tuple[dict[str, Any], ...]:
    """The fields of an Avro record; none, where it is something else."""
    try:
        told = json.loads(schema)
    except ValueError:
        return ()
    return tuple(told.get("fields", ())) if isinstance(told, dict) else ()


def _require_read(
    judging: Judging,
    topic: str,
    client: Any,
    values: list[bytes],
    lines: list[dict[str, Any]],
    newest: tuple[dict[str, Any], ...],
) -> None:
    old, new = confluent.reader(client, OLD), confluent.reader(client, newest)
    everything = [record.value or b"" for record in judging.records(topic)]
    if any(not confluent.readable(topic, old, value) for value in everything):
        raise NotYet("old_breaks")
    if any(not confluent.readable(topic, new, value) for value in everything):
        raise NotYet("new_breaks")
    seen = [confluent.deserialized(topic, new, value) for value in values]
    for line in lines:
        if line not in [{name: flight.get(name) for name in line} for flight in seen]:
            raise NotYet("missed", line=json.dumps(line), count=len(seen))


EXERCISE = Exercise(
    "12.1",
    PROGRAM,
    Words(__file__),
    judge,
    minutes=10,
    contract=("TOPIC", "SCHEMA_REGISTRY_URL", "PACKAGES"),
)
