"""The batch layer: an append-only store of Parquet files, and the view that DuckDB makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from labs.base.progress import Tell
from labs.services.packages import Packages

#: What a file has of each flight.
COLUMNS = {
    "carrier": "VARCHAR",
    "flight": "INTEGER",
    "scheduled": "VARCHAR",
    "dep_delay": "INTEGER",
    "cancelled": "BOOLEAN",
}

#: A day → the flights that have a delay, and their delays added up.
View = dict[str, tuple[int, int]]


def database(tell: Tell) -> Any:
    """DuckDB in this process, which keeps nothing; its packages are fetched if they are missing."""
    Packages("duckdb").use(tell)
    return import_module("duckdb").connect(config={"autoinstall_known_extensions": "false"})


def append(duckdb: Any, store: Path, first_offset: int, values: Iterable[bytes]) -> None:
    """Add a file to the store. No file is ever changed."""
    lines = store / "lines.json"
    lines.write_bytes(b"\n".join(values))
    file = store / f"{first_offset:012}.parquet"
    found = duckdb.read_json(str(lines), format="newline_delimited", columns=COLUMNS)
    found.write_parquet(str(file))
    lines.unlink()


def view(duckdb: Any, store: Path) -> View:
    """What the whole store says of each day. A flight that was cancelled has no delay: NULL."""
    rows = duckdb.execute(
        f"SELECT left(scheduled, 10), count(dep_delay), sum(dep_delay)::BIGINT"
        f" FROM '{store}/*.parquet' GROUP BY 1"
    ).fetchall()
    return {day: (int(count), int(total or 0)) for day, count, total in rows}
