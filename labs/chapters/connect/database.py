"""The database of this chapter's experiments."""

from __future__ import annotations

from typing import Any

from labs.experiment.run import Run
from labs.services.known import service


def database(run: Run) -> Any:
    """A connection to PostgreSQL, which is started if need be; closed when the run ends."""
    connection = service("postgres", run.tell).handle()
    run.closing(connection.close)
    return connection


def address(connection: Any) -> dict[str, Any]:
    """How another process connects to the same database."""
    info = connection.info
    told = {"host": info.host, "port": info.port, "user": info.user}
    return {**told, "password": info.password, "dbname": info.dbname}
