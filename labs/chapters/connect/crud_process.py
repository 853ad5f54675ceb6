"""A CRUD service over the timetable, and a client that wants to hear of changes.

It gets its job as JSON in a line on stdin. Then it reports on stdout what it does, a line each:

- `ready PORT`: the service listens there; a client (port 0) knows how things stand;
- `seen NUMBER TIME`: a client has seen that change: the new delay is the change's number;
- `read TIME REQUESTS ROWS NEW`: what it has asked for since the last such line, and what it got.

    python -m labs.chapters.connect.crud_process
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from confluent_kafka import Consumer, TopicPartition

from labs.base.clock import now
from labs.kafka.security import current
from labs.services.kinds.postgres import PACKAGES
from labs.supervise.ports import HOST

SERVICE, POLL, FOLLOW = "service", "poll", "follow"
READY, SEEN, READ = "ready", "seen", "read"

COLUMNS = ("id", "carrier", "flight", "dep_delay")
OF_ALL = f"SELECT {', '.join(COLUMNS)} FROM timetable ORDER BY id"
OF_ONE = f"SELECT {', '.join(COLUMNS)} FROM timetable WHERE carrier = %s ORDER BY id"
#: How long one answer of the service's is waited for, s; and a record, before it looks again.
ANSWER_S, LOOK_S = 30.0, 0.1


@dataclass(frozen=True)
class Job:
    """What a program is to do.

    `database`: how psycopg connects (the service). `port`: where the service is; `carrier`: the
    airline whose flights the client wants, or all; `every_s`: how long it waits between two
    requests (a client of the service). `topic`, `options`: what it reads, and its consumer's
    settings (a client of the log).
    """

    role: str
    database: Mapping[str, Any]
    port: int = 0
    carrier: str = ""
    every_s: float = 0.0
    topic: str = ""
    options: Mapping[str, Any] | None = None


class _Flights(BaseHTTPRequestHandler):
    """`GET /flights`, `GET /flights?carrier=AS`, and `PUT /flights/17`; a thread a connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    database: Mapping[str, Any]

    def setup(self) -> None:
        """Each connection has one to the database."""
        import psycopg

        super().setup()
        self._rows = psycopg.connect(**self.database, autocommit=True)

    def finish(self) -> None:
        """The client has gone."""
        self._rows.close()
        super().finish()

    def do_GET(self) -> None:
        """All flights, or those of an airline."""
        carriers: Sequence[str] = parse_qs(urlsplit(self.path).query).get("carrier", [])
        rows = self._rows.execute(OF_ONE if carriers else OF_ALL, carriers).fetchall()
        told = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        self._answer(HTTPStatus.OK, json.dumps(told).encode())

    def do_PUT(self) -> None:
        """A flight's delay is another."""
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        new = told["dep_delay"], int(self.path.rpartition("/")[2])
        self._rows.execute("UPDATE timetable SET dep_delay = %s WHERE id = %s", new)
        self._answer(HTTPStatus.OK, b"{}")

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nobody would read it."""


def _serve(job: Job) -> None:
    PACKAGES.use()
    _Flights.database = job.database
    server = ThreadingHTTPServer((HOST, 0), _Flights)
    _tell(READY, server.server_port)
    server.serve_forever()


def _poll(job: Job) -> None:
    """Ask for all that one wants to know, again and again, and compare it with what one knew."""
    session = requests.Session()
    session.trust_env = False  # no proxy between two programs of this machine
    url = f"http://{HOST}:{job.port}/flights"
    wanted = {"carrier": job.carrier} if job.carrier else {}
    known: dict[int, int | None] = {}

    def ask() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = session.get(url, params=wanted, timeout=ANSWER_S).json()
        return rows

    known |= {row["id"]: row["dep_delay"] for row in ask()}
    _tell(READY, 0)
    while True:
        time.sleep(job.every_s)
        rows, at = ask(), now()
        new = {row["id"]: row["dep_delay"] for row in rows if row["dep_delay"] != known[row["id"]]}
        known |= new
        _tell(READ, at, 1, len(rows), len(new))
        for number in new.values():
            _tell(SEEN, number, at)


def _follow(job: Job) -> None:
    """Read each change from the log, from now on."""
    fetches = _Fetches()
    options = {**current().librdkafka(), **(job.options or {}), "stats_cb": fetches.told}
    consumer = Consumer(options)
    place = TopicPartition(job.topic, 0)
    _, place.offset = consumer.get_watermark_offsets(place, timeout=ANSWER_S)
    consumer.assign([place])
    _tell(READY, 0)
    seen: set[int] = set()
    while True:
        message, at = consumer.poll(LOOK_S), now()
        if message is not None and not message.error() and (value := message.value()):
            number = json.loads(value)["after"]["dep_delay"]
            _tell(READ, at, 0, 1, int(number not in seen))
            _tell(SEEN, number, at)
            seen.add(number)
        if sent := fetches.more():
            _tell(READ, at, sent, 0, 0)


class _Fetches:
    """How many fetch requests a consumer has sent, as librdkafka tells it (its STATISTICS.md)."""

    def __init__(self) -> None:
        self._sent, self._counted = 0, 0

    def told(self, statistics: str) -> None:
        """It has told all of its statistics."""
        brokers = json.loads(statistics)["brokers"].values()
        self._sent = sum(broker["req"].get("Fetch", 0) for broker in brokers)

    def more(self) -> int:
        """How many it has sent since it was asked last."""
        sent, self._counted = self._sent - self._counted, self._sent
        return sent


def _tell(*values: object) -> None:
    print(*values, flush=True)


if __name__ == "__main__":
    if _line := sys.stdin.readline():  # nothing: whoever started it is gone
        _job = Job(**json.loads(_line))
        {SERVICE: _serve, POLL: _poll, FOLLOW: _follow}[_job.role](_job)
