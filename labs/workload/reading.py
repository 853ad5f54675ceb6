"""The final read: everything in a topic, by a fresh consumer, from its beginning to its end."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from contextlib import closing
from typing import Any
from zlib import crc32

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from labs.base.clock import now
from labs.base.words import Words
from labs.workload.history import Log, Read
from labs.workload.records import number_of

words = Words(__file__)

#: How long a final read may take, s.
READ_TIMEOUT_S = 20.0
IDLE_POLL_MS = 200

#: A consumer's `isolation_level`.
COMMITTED, UNCOMMITTED = "read_committed", "read_uncommitted"


def reader_options(
    timeout_s: float = READ_TIMEOUT_S, isolation: str = UNCOMMITTED
) -> dict[str, Any]:
    """The options of the final reader's consumer, without the brokers' addresses."""
    return {
        "bootstrap_timeout_ms": int(timeout_s * 1000),
        "reconnect_backoff_max_ms": 500,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": isolation,
        "max_poll_records": 5000,
        "consumer_timeout_ms": 1000,
    }


def read_back(
    bootstrap: list[str],
    topic: str,
    log_ends: Mapping[int, int] | None = None,
    timeout_s: float = READ_TIMEOUT_S,
    isolation: str = UNCOMMITTED,
    first: Collection[int] = (),
    to: Mapping[int, int] | None = None,
) -> Log:
    """Read every partition from its beginning to its readable end.

    Args:
        bootstrap: `host:port` of the brokers.
        topic: what to read.
        log_ends: the leaders' log end offsets by partition, where known: reading is complete only
            when the readable end (the high watermark) has reached them.
        timeout_s: after this time the log is returned as incomplete.
        isolation: `read_committed` leaves out aborted transactions.
        first: partitions to read to their end before the others are begun, as it happens in a
            group whose other member is behind.
        to: read these partitions to these offsets, and ask nobody for the end. A new leader may not
            know it: below the topic's minimum its high watermark does not rise to where it began to
            lead (KIP-966), and until then it answers OFFSET_NOT_AVAILABLE (KIP-207).
    """
    deadline = time.monotonic() + timeout_s
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            **reader_options(timeout_s, isolation),
        )
        with closing(consumer):
            return _read(consumer, topic, dict(log_ends or {}), deadline, first, to)
    except KafkaError as error:
        return Log((), {}, False, words("why.unreadable", error=type(error).__name__))


def _read(
    consumer: KafkaConsumer,
    topic: str,
    log_ends: dict[int, int],
    deadline: float,
    first: Collection[int],
    to: Mapping[int, int] | None,
) -> Log:
    if to is None:
        partitions = _partitions(consumer, topic, deadline)
    else:
        partitions = [TopicPartition(topic, p) for p in to]
    if not partitions:
        return Log((), {}, False, words("why.no_partition"))
    ends = _ends(consumer, partitions, log_ends, deadline) if to is None else dict(to)
    begins = consumer.beginning_offsets(partitions)
    starts = {p.partition: offset for p, offset in begins.items()}
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    reads: list[Read] = []
    later = [p for p in partitions if first and p.partition not in first]
    consumer.pause(*later)
    while waiting := [p for p in partitions if consumer.position(p) < ends[p.partition]]:
        if time.monotonic() > deadline:
            names = ", ".join(f"{p.topic}-{p.partition}" for p in waiting)
            why = words("why.late", names=names)
            return Log(tuple(reads), ends, False, why, starts)
        if later and set(waiting) == set(later):
            consumer.resume(*later)
        for records in consumer.poll(timeout_ms=IDLE_POLL_MS).values():
            reads += [_read_of(record) for record in records]
    behind = [p for p, end in log_ends.items() if ends.get(p, 0) < end]
    why = words("why.not_readable_yet", partition=behind[0]) if behind else ""
    return Log(tuple(reads), ends, not behind, why, starts)


def _read_of(record: object) -> Read:
    value, key = record.value, record.key  # type: ignore[attr-defined]
    place = record.partition, record.offset  # type: ignore[attr-defined]
    return Read(number_of(value), *place, crc32(value or b""), key, now())


def _partitions(consumer: KafkaConsumer, topic: str, deadline: float) -> list[TopicPartition]:
    while time.monotonic() < deadline:
        found = consumer.partitions_for_topic(topic)
        if found:
            return [TopicPartition(topic, p) for p in sorted(found)]
        time.sleep(0.1)
    return []


def _ends(
    consumer: KafkaConsumer,
    partitions: list[TopicPartition],
    log_ends: dict[int, int],
    deadline: float,
) -> dict[int, int]:
    """The readable ends, once they have come to the log's ends (or the time is up)."""
    while True:
        ends = {p.partition: end for p, end in consumer.end_offsets(partitions).items()}
        done = all(ends.get(p, 0) >= end for p, end in log_ends.items())
        if done or time.monotonic() > deadline:
            return ends
        time.sleep(0.05)
