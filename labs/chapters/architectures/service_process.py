"""A service of the event bus: it knows topics, and no other service; made to be killed.

It gets its job as JSON in a line on stdin, and a second line when it is to begin. Then it says on
stdout what it does, a line each:

- `ready`: it waits for the second line;
- `EVENT NUMBER TIME`: it has done that for a booking: `charged`, `refunded`, `ticketed`;
- `exposed NUMBER`: its effect is there, and nobody knows of it yet: no event, no commit. A program
  that will be killed waits for it there, so that no run is luck.

    python -m labs.chapters.architectures.service_process
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from labs.base.clock import now
from labs.kafka.security import adopt

PAYMENT, TICKETS = "payment", "tickets"
#: What may happen to a booking; each is a topic as well, but for the last two.
BOOKED, PAID, REFUSED, CHARGED, REFUNDED = "booked", "paid", "refused", "charged", "refunded"
TICKETED, EXPOSED, READY = "ticketed", "exposed", "ready"

#: What each service reads.
READS = {PAYMENT: (BOOKED, REFUSED), TICKETS: (PAID,)}

#: What a service's consumer sets.
CONSUMER = {"enable_auto_commit": False, "auto_offset_reset": "earliest"}

#: Where a program that will be killed waits for it, s.
PAUSE_S = 60.0

TABLES = (
    "CREATE TABLE IF NOT EXISTS entries (booking INTEGER, what TEXT)",
    "CREATE TABLE IF NOT EXISTS done (booking INTEGER, what TEXT, PRIMARY KEY (booking, what))",
)


@dataclass(frozen=True)
class Job:
    """What a service is to do, in one of its lives.

    `topic`: the first of the bus; the others have its name and an ending. `books`: its database.
    `idempotent`: it remembers which events it has handled. `exposed_at`: the handled booking at
    which it is exposed; 0: never.
    """

    service: str
    bootstrap: Sequence[str]
    topic: str
    books: str
    idempotent: bool
    exposed_at: int = 0

    def named(self, event: str) -> str:
        """The topic of an event."""
        return self.topic if event == BOOKED else f"{self.topic}-{event}"


class _Service:
    """Reads events, does what is to be done, says so in events, and commits, in this order."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._handled = 0
        self._books = sqlite3.connect(job.books)
        for table in TABLES:
            self._books.execute(table)
        self._producer = KafkaProducer(bootstrap_servers=job.bootstrap)
        self._consumer = KafkaConsumer(
            bootstrap_servers=job.bootstrap,
            group_id=f"{job.topic}-{job.service}",
            **CONSUMER,
        )
        self._consumer.assign([TopicPartition(job.named(event), 0) for event in READS[job.service]])

    def live(self) -> None:
        """Handle events until it is killed."""
        handlers: dict[str, Callable[[int, dict[str, Any]], None]] = {
            self._job.named(BOOKED): self._on_booked,
            self._job.named(REFUSED): self._on_refused,
            self._job.named(PAID): self._on_paid,
        }
        while True:
            for place, records in self._consumer.poll(timeout_ms=100).items():
                for record in records:
                    number, _, body = record.value.partition(b"|")
                    handlers[place.topic](int(number), json.loads(body))
                    done = OffsetAndMetadata(record.offset + 1, "", -1)
                    self._consumer.commit({place: done})

    def _on_booked(self, number: int, flight: dict[str, Any]) -> None:
        self._do(number, CHARGED)
        self._handled += 1
        if self._handled == self._job.exposed_at:
            _tell(EXPOSED, number)
            time.sleep(PAUSE_S)
        self._say(PAID, number, flight)

    def _on_refused(self, number: int, flight: dict[str, Any]) -> None:
        del flight
        self._do(number, REFUNDED)

    def _on_paid(self, number: int, flight: dict[str, Any]) -> None:
        if flight["cancelled"]:
            self._say(REFUSED, number, flight)
        else:
            self._do(number, TICKETED)

    def _do(self, number: int, what: str) -> None:
        """Write into its own books: once for each event, where it is idempotent."""
        with self._books as books:  # one transaction
            if self._job.idempotent:
                new = books.execute("INSERT OR IGNORE INTO done VALUES (?, ?)", (number, what))
                if not new.rowcount:
                    return
            books.execute("INSERT INTO entries VALUES (?, ?)", (number, what))
        _tell(what, number, now())

    def _say(self, event: str, number: int, flight: dict[str, Any]) -> None:
        value = b"%d|%b" % (number, json.dumps(flight).encode())
        self._producer.send(self._job.named(event), value, b"%d" % number).get(timeout=20)


def _tell(*values: object) -> None:
    print(*values, flush=True)


if __name__ == "__main__":
    adopt()
    _job = Job(**json.loads(sys.stdin.readline() or "{}"))
    _tell(READY)
    if sys.stdin.readline():  # nothing: whoever started it is gone
        _Service(_job).live()
