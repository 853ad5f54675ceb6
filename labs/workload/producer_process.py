"""A program of its own that sends numbered records and notes its progress, to be killed.

It waits for a line on stdin, the number to begin with. Then it reports on stdout what it does, a
line each: `sent NUMBER TIME`, `acknowledged NUMBER PARTITION OFFSET TIME` and `progress NUMBER`
(every record before that one is acknowledged). Its notes are what a real program would keep in a
file or a table.

    python -m labs.workload.producer_process BOOTSTRAP TOPIC END NOTES_EVERY IDEMPOTENCE
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from kafka import KafkaProducer

from labs.base.clock import now
from labs.kafka.security import adopt
from labs.workload.records import flight_payload

SENT, ACKNOWLEDGED, PROGRESS = "sent", "acknowledged", "progress"
RATE = 200.0  # records/s


_LINE = threading.Lock()


def _tell(*values: object) -> None:
    with _LINE:  # acknowledgements come in another thread
        print(*values, flush=True)


def producer_options(idempotence: bool) -> dict[str, Any]:
    """The options of its producer, without the brokers' addresses."""
    return {"enable_idempotence": idempotence, "acks": "all"}


def main(bootstrap: str, topic: str, first: int, end: int, every: int, idempotence: bool) -> None:
    """Send the records from `first` to before `end`."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap.split(","), **producer_options(idempotence)
    )
    payload, futures = flight_payload(), []
    for number in range(first, end):
        key, value = payload(number)
        _tell(SENT, number, now())
        future = producer.send(topic, value, key)
        future.add_callback(lambda metadata, number=number: _acknowledged(number, metadata))
        futures.append(future)
        if (number + 1) % every == 0:
            for waiting in futures:
                waiting.get(timeout=30)
            futures.clear()
            _tell(PROGRESS, number + 1)
        time.sleep(1 / RATE)
    producer.close()


def _acknowledged(number: int, metadata: Any) -> None:
    _tell(ACKNOWLEDGED, number, metadata.partition, metadata.offset, now())


if __name__ == "__main__":
    adopt()
    _bootstrap, _topic, _end, _every, _idempotence = sys.argv[1:]
    if _first := sys.stdin.readline():  # nothing: whoever started it is gone
        main(_bootstrap, _topic, int(_first), int(_end), int(_every), _idempotence == "True")
