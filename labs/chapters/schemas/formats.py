"""The same flights as JSON text, JSON Schema, Avro and Protobuf: bytes a record."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from labs.base.flights import flights
from labs.base.words import Words
from labs.chapters.schemas import confluent
from labs.chapters.schemas.confluent import Fields, Flight
from labs.experiment.experiment import Experiment
from labs.experiment.native import native_producer, poll_until, produce
from labs.experiment.prediction import Estimate
from labs.experiment.run import Run
from labs.experiment.settings import Number
from labs.experiment.views import Bars

words = Words(__file__)

FORMATS_OF = ("json", "json_schema", "avro", "protobuf")

#: A field's type as each format writes it.
_TYPES = {"string": ("string", 9), "int": ("integer", 5)}
FIELDS: Fields = tuple(
    {"name": name, "type": type}
    for name, type in (
        ("carrier", "string"),
        ("flight", "int"),
        ("origin", "string"),
        ("dest", "string"),
        ("dep_delay", "int"),
        ("distance", "int"),
    )
)
ANSWER_S = 20.0


def _flights(count: int) -> list[Flight]:
    left = (flight for flight in flights() if flight.dep_delay is not None)
    names = [field["name"] for field in FIELDS]
    return [{name: getattr(flight, name) for name in names} for flight in islice(left, count)]


def _formats(run: Run) -> None:
    registry = confluent.client(confluent.address(run))
    run.make_topic(watch=False)
    sent = _flights(run["records"])
    producer = native_producer(run, acks="all")
    sizes = {}
    for name, serialize in _serializers(run, registry).items():
        run.say(words("formats.says.sending", what=words(f"shown.{name}")))
        values = [serialize(flight) for flight in sent]
        for value in values:
            produce(run, producer, confluent.numbered_value(value))
        sizes[name] = round(sum(map(len, values)) / len(values), 1)
    poll_until(producer, lambda: all(send.completed for send in run.history.sends), ANSWER_S)
    run.measurements |= {f"{name}_bytes": size for name, size in sizes.items()}
    run.conclude(words("formats.told", **run.values))
    title = words("formats.title", **run.values)
    sizes_of = {"bytes_a_record": list(sizes.values())}
    run.show(Bars(title, list(sizes), sizes_of, "bytes_a_record", names=words.under("shown")))


def _serializers(run: Run, registry: Any) -> dict[str, Callable[[Flight], bytes]]:
    """How each format makes bytes of a flight. The last three register their schemas."""
    here = confluent.here(run.topic)

    def by(serializer: Any, of: Callable[[Flight], Any] = lambda flight: flight) -> Any:
        return lambda flight: bytes(serializer(of(flight), here))

    def strategy(name: str) -> dict[str, Any]:
        return {"subject.name.strategy": lambda _context, _record: f"{run.topic}-{name}"}

    json_schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Flight",
        "type": "object",
        "properties": {field["name"]: {"type": _TYPES[field["type"]][0]} for field in FIELDS},
        "required": [field["name"] for field in FIELDS],
    }
    as_json = confluent.of(".json_schema").JSONSerializer
    as_protobuf = confluent.of(".protobuf").ProtobufSerializer
    message = _message(FIELDS)
    told = {"use.deprecated.format": False, **strategy("protobuf")}
    return {
        "json": lambda flight: json.dumps(flight, separators=(",", ":")).encode(),
        "json_schema": by(as_json(json.dumps(json_schema), registry, conf=strategy("json"))),
        "avro": by(confluent.writer(registry, FIELDS, f"{run.topic}-avro")),
        "protobuf": by(as_protobuf(message, registry, told), lambda flight: message(**flight)),
    }


def _message(fields: Sequence[Flight]) -> Any:
    """A class as `protoc` makes it of `message Flight { string carrier = 1; … }`."""
    from importlib import import_module

    descriptors = import_module("google.protobuf.descriptor_pb2")
    file = descriptors.FileDescriptorProto(name="flight.proto", package="labs", syntax="proto3")
    message = file.message_type.add(name="Flight")
    for number, field in enumerate(fields, 1):
        kind = _TYPES[field["type"]][1]
        message.field.add(name=field["name"], number=number, label=1, type=kind)
    pool = import_module("google.protobuf.descriptor_pool").DescriptorPool()
    pool.Add(file)
    made = pool.FindMessageTypeByName("labs.Flight")
    return import_module("google.protobuf.message_factory").GetMessageClass(made)


FORMATS = Experiment(
    "schemas.formats",
    words,
    (Number("records", 100, 1000, 300, "records", 100),),
    _formats,
    Estimate("bytes", 10, 150, "avro_bytes", 1, 0.1),
    breaks=False,
    about=("json_bytes", "json_schema_bytes", "protobuf_bytes"),
)
