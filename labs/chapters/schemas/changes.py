"""Changes of a schema, each as the versions that a producer deploys one after another."""

from __future__ import annotations

from dataclasses import dataclass

from labs.chapters.schemas.confluent import Fields, Flight

CARRIER: Flight = {"name": "carrier", "type": "string"}
FLIGHT: Flight = {"name": "flight", "type": "int"}
GATE: Flight = {"name": "gate", "type": "string", "default": "?"}
FIRST: Fields = (CARRIER, FLIGHT, GATE)

_DELAY: Flight = {"name": "delay", "type": "int", "default": 0}
_BARE: Flight = {"name": "delay", "type": "int"}


@dataclass(frozen=True)
class Change:
    """One change. `versions`: the schemas, the oldest first."""

    id: str
    versions: tuple[Fields, ...]

    @property
    def old(self) -> Fields:
        """The oldest version."""
        return self.versions[0]

    @property
    def new(self) -> Fields:
        """The newest."""
        return self.versions[-1]


#: A value for each field, whatever its type.
_VALUES: Flight = {"string": "UA", "int": 1545, "long": 1545}


def flight_of(fields: Fields) -> Flight:
    """A flight with these fields."""
    return {field["name"]: _VALUES[field["type"]] for field in fields}


def _bare(field: Flight) -> Flight:
    return {name: value for name, value in field.items() if name != "default"}


CHANGES = (
    Change("add_default", (FIRST, (*FIRST, _DELAY))),
    Change("add_bare", (FIRST, (*FIRST, _BARE))),
    Change("drop_default", (FIRST, (CARRIER, FLIGHT))),
    Change("drop_bare", (FIRST, (CARRIER, GATE))),
    Change("rename", (FIRST, (CARRIER, {"name": "number", "type": "int"}, GATE))),
    Change("widen", (FIRST, (CARRIER, {"name": "flight", "type": "long"}, GATE))),
    Change("retype", (FIRST, (CARRIER, {"name": "flight", "type": "string"}, GATE))),
    Change("default_taken", (FIRST, (*FIRST, _DELAY), (*FIRST, _BARE))),
    Change(
        "default_given",
        ((*FIRST, _BARE), (*FIRST, _DELAY), FIRST),
    ),
)
