"""Records for a group to read: to each partition in turn, at a rate or all at once."""

from __future__ import annotations

from typing import Any

from kafka.partitioner import Partitioner

from labs.base.words import Words
from labs.experiment.run import Run
from labs.workload import Load, Payload, flight_payload

words = Words(__file__)


def evenly(run: Run, **options: Any) -> tuple[Any, Payload]:
    """A producer, and a payload that sends a record to each partition in turn.

    The key is the record's number, and the partitioner takes the remainder: a partition then gets
    every n-th record, at a steady rate.
    """

    flights = flight_payload()

    def payload(number: int) -> tuple[bytes | None, bytes]:
        return b"%d" % number, flights(number)[1]

    return run.producer(partitioner=_Deal(), **options), payload


class _Deal(Partitioner):  # type: ignore[misc]
    def partition(
        self,
        topic: str,
        key: bytes,
        _serialized_key: bytes,
        _value: bytes,
        _serialized_value: bytes,
        cluster: Any,
    ) -> int:
        return int(key) % len(cluster.partitions_for_topic(topic))


def fill(run: Run, count: int) -> Load:
    """Put `count` records into the topic, as fast as the client can, to each partition in turn."""
    run.say(words("says.filling", count=count))
    producer, payload = evenly(run, linger_ms=5)
    load = run.load(producer, 0, count, payload=payload)
    load.wait()
    return load
