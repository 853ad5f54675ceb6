"""Numbered records: a real flight, and in front of it the number by which it is known.

A value is `b"17|{…flight as JSON…}"`: the number, a bar, the body.
"""

from __future__ import annotations

from functools import cache

from labs.base.flights import flights
from labs.workload.history import Payload

#: How many different flights take turns as bodies.
VARIETY = 2000


@cache
def _bodies() -> tuple[tuple[bytes, bytes], ...]:
    return tuple((flight.key, flight.value) for flight in flights(VARIETY))


def flight_payload(size_bytes: int | None = None, keyed: bool = True) -> Payload:
    """Flights of 2013 in their order, over and over.

    Args:
        size_bytes: the value's length, number included: the body is cut, or repeated; None leaves
            it as it is (about 150 bytes).
        keyed: the carrier's code as key; else no key, and the client picks partitions.
    """
    bodies = _bodies()

    def payload(number: int) -> tuple[bytes | None, bytes]:
        key, body = bodies[number % len(bodies)]
        value = b"%d|%b" % (number, body)
        if size_bytes is not None:
            value = (value + body * (size_bytes // len(body) + 1))[:size_bytes]
        return (key if keyed else None), value

    return payload


def number_of(value: bytes | None) -> int | None:
    """The number of a record of ours; None for anything else."""
    head, bar, _ = (value or b"").partition(b"|")
    return int(head) if bar and head.isdigit() and len(head) < 19 else None
