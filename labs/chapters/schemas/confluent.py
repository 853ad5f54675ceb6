"""Confluent's serializers and its client of a registry, as a learner's program uses them.

What they need beside confluent-kafka comes with the registry (`locks/services/registry.txt`), so
they are imported when the registry is there.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

from labs.base.words import Words
from labs.experiment.run import Run
from labs.services.known import service
from labs.workload.history import Payload

words = Words(__file__)

HTTP_CONFLICT = 409
#: How long one answer of the registry is waited for, s; three more tries follow.
TIMEOUT_S = 10.0

#: What a program writes, and what it reads.
Flight = dict[str, Any]
Fields = tuple[Flight, ...]


def of(module: str) -> Any:
    """A module of `confluent_kafka.schema_registry`: the registry must have been asked for."""
    return import_module(f"confluent_kafka.schema_registry{module}")


def address(run: Run) -> str:
    """Where the registry's API is; it is started if it does not run."""
    run.say(words("says.registry"))
    return str(service("registry", run.tell).handle())


def _by_topic() -> dict[str, Any]:
    """The strategy by name: the default of confluent-kafka 2.16 first asks for "associations"."""
    return {"subject.name.strategy": of("").topic_subject_name_strategy}


def client(url: str, timeout_s: float | None = TIMEOUT_S) -> Any:
    """A client of the registry; `timeout_s` None: it waits for ever, as by default."""
    return of("").SchemaRegistryClient({"url": url, "timeout": timeout_s})


def schema(fields: Fields) -> Any:
    """An Avro schema of a flight."""
    record = {"type": "record", "name": "Flight", "namespace": "labs", "fields": list(fields)}
    return of("").Schema(json.dumps(record), "AVRO")


def writer(registry: Any, fields: Fields, subject: str = "", **options: object) -> Any:
    """A serializer that writes flights by this schema; `subject`: where it registers it."""
    given = {**_by_topic(), **options}
    if subject:
        given["subject.name.strategy"] = lambda _context, _record: subject
    return of(".avro").AvroSerializer(registry, schema(fields), conf=given)


def reader(registry: Any, fields: Fields) -> Any:
    """A deserializer of a program that was written for this schema."""
    return of(".avro").AvroDeserializer(registry, schema(fields), conf=_by_topic())


def numbered(serialize: Callable[[int], bytes]) -> Payload:
    """A payload whose number stands before the serialized value, as with every record of ours."""

    def payload(number: int) -> tuple[None, bytes]:
        return None, b"%d|%b" % (number, serialize(number))

    return payload


def numbered_value(value: bytes) -> Payload:
    """A payload of that very value, with its number before it."""
    return numbered(lambda _number: value)


def value_of(stored: bytes) -> bytes:
    """The serialized value, without our number."""
    return stored.partition(b"|")[2]


def here(topic: str) -> SerializationContext:
    """What a serializer is told of where a value stands."""
    return SerializationContext(topic, MessageField.VALUE)


def serialized(topic: str, serializer: Any, flight: Mapping[str, Any]) -> bytes:
    """The bytes of a flight."""
    return bytes(serializer(dict(flight), here(topic)))


def deserialized(topic: str, deserializer: Any, value: bytes) -> Flight:
    """The flight as that reader sees it."""
    seen: Flight = deserializer(value, here(topic))
    return seen


def readable(topic: str, deserializer: Any, value: bytes) -> bool:
    """Whether that reader can read it; what may go wrong is whatever such bytes may lead to."""
    resolution = import_module("fastavro.read").SchemaResolutionError
    strange = (LookupError, TypeError, ValueError, EOFError, ArithmeticError, MemoryError)
    try:
        deserialized(topic, deserializer, value)
    except (resolution, SerializationError, *strange, StopIteration, struct.error):
        return False
    return True


def refuses(call: Callable[[], object]) -> bool:
    """Whether the registry refuses a schema: it is incompatible with what it has.

    Raises:
        Exception: it failed in another way.
    """
    try:
        call()
    except of(".error").SchemaRegistryError as error:
        if error.http_status_code != HTTP_CONFLICT:
            raise
        return True
    return False
