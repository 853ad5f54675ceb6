"""PostgreSQL: started, asked, broken and stopped as a learner does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil
import pytest

from labs.base.errors import LabsError
from labs.kafka.cluster import Cluster
from labs.services.kinds.postgres import SERVER
from labs.services.known import service
from labs.services.server import Server
from labs.services.service import Service
from labs.supervise.home import Home
from labs.supervise.runner import State
from labs.supervise.watchdog import watchdog_pid
from tests.services.conftest import listening, must_refuse, told_by_another

Make = Callable[[type[Server]], Service]


@pytest.fixture
def postgres(service_of: Make) -> Service:
    """It is not started yet."""
    return service_of(SERVER)


def count(connection: Any) -> int:
    (number,) = connection.execute("SELECT count(*) FROM planes").fetchone()
    return int(number)


def filled(postgres: Service) -> Any:
    """It runs, and holds three rows; a connection to it."""
    connection = postgres.handle()
    connection.execute("CREATE TABLE planes (tail text PRIMARY KEY)")
    connection.execute("INSERT INTO planes VALUES ('N1'), ('N2'), ('N3')")
    return connection


def test_it_answers_on_loopback_alone_and_wants_a_password(postgres: Service) -> None:
    connection = filled(postgres)
    assert count(connection) == 3
    assert connection.execute("SHOW wal_level").fetchone() == ("logical",)
    assert listening(postgres) == {"127.0.0.1"}
    assert postgres.home.state_file.stat().st_mode & 0o077 == 0, "the password is in it"
    status = postgres.status()
    assert status.state is State.RUNNING
    assert status.memory_mb > 0
    assert status.version in connection.execute("SELECT version()").fetchone()[0]
    assert all(psutil.Process(pid).username() != "root" for pid in postgres.runner.processes())
    import psycopg

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(connection.info.dsn, password="wrong")


def test_another_process_adopts_it(postgres: Service, place: Home) -> None:
    connection = filled(postgres)
    pids = postgres.runner.processes()
    lines = (
        "one = service('postgres', home=place).handle()\n"
        "print(one.execute('SELECT count(*) FROM planes').fetchone()[0])"
    )
    assert told_by_another(place, lines) == "3"
    assert count(connection) == 3
    assert postgres.runner.processes()[:1] == pids[:1]


def test_killed_it_starts_again_with_its_rows(postgres: Service) -> None:
    filled(postgres)
    postgres.kill()
    assert postgres.status().state is State.KILLED
    assert postgres.runner.processes() == []
    assert count(postgres.handle()) == 3


def test_paused_it_answers_nobody_and_then_goes_on(postgres: Service) -> None:
    connection = filled(postgres)
    postgres.pause()
    assert postgres.status().state is State.PAUSED
    with pytest.raises(LabsError, match="PostgreSQL is paused, so there is nothing to pause"):
        postgres.pause()
    postgres.resume()
    assert count(connection) == 3


def test_stopped_it_keeps_its_rows_and_wiped_it_is_empty(postgres: Service) -> None:
    filled(postgres)
    assert postgres.stop()
    assert postgres.runner.processes() == []
    assert watchdog_pid(postgres.home) is None
    assert not postgres.stop(), "it was not up"
    assert count(postgres.handle()) == 3
    postgres.wipe()
    tables = postgres.handle().execute("SELECT count(*) FROM pg_tables WHERE tablename = 'planes'")
    assert tables.fetchone() == (0,)


def test_a_bad_setting_is_told_in_one_sentence_and_leaves_nothing(postgres: Service) -> None:
    sentence = r"PostgreSQL died .*the log is .*postgres\.log"
    must_refuse(postgres, {"max_connections": "many"}, sentence, b"max_connections")


def test_a_taken_port_is_left_to_whoever_has_it(postgres: Service) -> None:
    import socket

    filled(postgres)
    (port,) = postgres.status().ports
    postgres.stop()
    with socket.create_server(("127.0.0.1", port)):
        assert count(postgres.handle()) == 3
        assert postgres.status().ports != [port]


def test_a_place_that_others_may_not_enter(kafka: Cluster, place: Home) -> None:
    """As root's own folder is: PostgreSQL runs as somebody else there."""
    del kafka
    inner = place.path / "closed"
    inner.mkdir(mode=0o700)
    one = service("postgres", home=Home(inner))
    try:
        assert filled(one).execute("SELECT 1").fetchone() == (1,)
        one.kill()
        assert count(one.handle()) == 3
        one.wipe()
        assert one.runner.files(1, "PG_VERSION") == {}
    finally:
        one.stop()
    assert one.runner.processes() == []
