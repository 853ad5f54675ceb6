"""A program that consumes, transforms and produces, in transactions; made to be killed.

It waits for a line on stdin. Then it reports on stdout what it does, a line each:

- `sent NUMBER TIME`: an output was handed to the producer;
- `exposed NUMBER`: a batch up to that record is written, and the last step is still to come. Here a
  kill does the most harm, and the program waits for a moment, as if it were slow;
- `committed NUMBER PARTITION OFFSET TIME`: the transaction with that output is committed.

    python -m labs.workload.transform_process JSON
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata

from labs.base.clock import now
from labs.kafka.security import adopt
from labs.workload.reading import COMMITTED
from labs.workload.records import number_of

SENT, EXPOSED, DONE = "sent", "exposed", "committed"

#: How long it waits where a kill does the most harm, s: long enough to be hit there.
PAUSE_S = 0.25


@dataclass(frozen=True)
class Job:
    """What the program is to do: read `source` from its group's offsets on, write to `target`.

    `together`: the offsets are part of the transaction; else the consumer commits them after it.
    `count`: how many inputs there are; after the last one it ends.
    """

    bootstrap: Sequence[str]
    source: str
    target: str
    together: bool
    batch: int
    count: int

    @property
    def consumer(self) -> dict[str, Any]:
        """Its consumer's options. With a name of its own it is let back in without a wait."""
        return {
            "group_id": f"{self.target}-group",
            "group_instance_id": "transform",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "isolation_level": COMMITTED,
            "max_poll_records": self.batch,
        }

    @property
    def producer(self) -> dict[str, Any]:
        """Its producer's options."""
        return {"transactional_id": f"{self.target}-transform"}


def transformed(value: bytes) -> bytes:
    """What is written for an input."""
    return value.replace(b"}", b',"seen":true}')


def main(job: Job) -> None:
    """Work until every input is done."""
    producer = KafkaProducer(bootstrap_servers=job.bootstrap, **job.producer)
    producer.init_transactions()  # ends what an earlier life has left open
    consumer = KafkaConsumer(bootstrap_servers=job.bootstrap, **job.consumer)
    consumer.subscribe([job.source])
    consumer.partitions_for_topic(job.source)  # as in `labs.workload.consumers`
    reached = 0
    while reached < job.count:
        for partition, records in consumer.poll(timeout_ms=200).items():
            reached = records[-1].offset + 1
            _batch(
                job, consumer, producer, records, {partition: OffsetAndMetadata(reached, "", -1)}
            )
    consumer.close()
    producer.close()


def _batch(
    job: Job, consumer: KafkaConsumer, producer: KafkaProducer, records: Any, offsets: Any
) -> None:
    producer.begin_transaction()
    sent = [_send(job, producer, record) for record in records]
    if job.together:
        producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
        producer.flush()
        _expose(sent)
        producer.commit_transaction()
        _committed(sent)
    else:
        producer.commit_transaction()
        _committed(sent)
        _expose(sent)
        consumer.commit(offsets)


def _send(job: Job, producer: KafkaProducer, record: Any) -> tuple[int | None, Any]:
    number = number_of(record.value)
    _tell(SENT, number, now())
    return number, producer.send(job.target, transformed(record.value), record.key)


def _expose(sent: Sequence[tuple[int | None, Any]]) -> None:
    _tell(EXPOSED, sent[-1][0])
    time.sleep(PAUSE_S)


def _committed(sent: Sequence[tuple[int | None, Any]]) -> None:
    for number, future in sent:
        place = future.get(timeout=10)
        _tell(DONE, number, place.partition, place.offset, now())


def _tell(*values: object) -> None:
    print(*values, flush=True)


if __name__ == "__main__":
    adopt()
    _job = Job(**json.loads(sys.argv[1]))
    if sys.stdin.readline():  # nothing: whoever started it is gone
        main(_job)
