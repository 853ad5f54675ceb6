"""What the chapter's experiments share: flights of a stretch of 2013, and topics beside a run's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from labs.base.flights import Flight, flights
from labs.experiment.native import native_consumer, native_producer, poll_until, produce
from labs.experiment.run import Run
from labs.workload.history import Payload

#: How long one answer of Kafka is waited for, s.
ANSWER_S = 20.0
#: One flight in so many comes late, where some do.
LATE_ONE_IN = 15


@cache
def flights_of(day: str, count: int) -> tuple[Flight, ...]:
    """So many departures from a day on, `YYYY-MM-DD`."""
    from_there = (one for one in flights() if one.scheduled.date().isoformat() >= day)
    return tuple(islice(from_there, count))


def some_late(flights: Sequence[Flight], by: int) -> list[Flight]:
    """Flights in the order of their departure, but for those that come late, by so many records."""
    order = list(flights)
    for index in range(0, len(order) - by, LATE_ONE_IN):
        order.insert(index + by, order.pop(index))
    return order


def name_of(flight: Flight) -> str:
    """A flight by its name: `AA1141`."""
    return f"{flight.carrier}{flight.flight}"


def named(found: Sequence[Flight], at_most: int = 4) -> str:
    """Some flights by their names, and how many more there are."""
    names = ", ".join(map(name_of, found[:at_most]))
    return f"{names}, … ({len(found)})" if len(found) > at_most else names


def payload_of(sent: Sequence[Flight]) -> Payload:
    """These flights in their order, each with its number before it; over and over."""

    def payload(number: int) -> tuple[bytes, bytes]:
        flight = sent[number % len(sent)]
        return flight.key, b"%d|%b" % (number, flight.value)

    return payload


def body_of(value: bytes) -> dict[str, Any]:
    """The flight in a record of ours."""
    found: dict[str, Any] = json.loads(value.partition(b"|")[2])
    return found


def beside(run: Run, what: str) -> str:
    """A further topic of the run; it goes with the run's own."""
    name = f"{run.topic}-{what}"
    configs = {"retention.ms": "-1", **run.cluster.limits}
    wanted = {"num_partitions": 1, "replication_factor": 3, "configs": configs}
    run.ask(lambda client: name in client.list_topics() or client.create_topics({name: wanted}))
    return name


def send_all(run: Run, sent: Sequence[Flight]) -> None:
    """Put these flights into the run's topic, and wait until each is acknowledged."""
    producer = native_producer(run, acks="all")
    payload = payload_of(sent)
    first = run.history.next_number
    for _ in sent:
        produce(run, producer, payload)
    due = run.history.sends[first:]
    poll_until(producer, lambda: all(send.completed for send in due), ANSWER_S)


def from_the_beginning(
    run: Run, *topics: str, group: str = "alone", offset: int = OFFSET_BEGINNING, **options: Any
) -> Consumer:
    """A consumer that reads partition 0 of these topics; it commits nothing by itself."""
    given = {"group_id": f"{run.topic}-{group}", "enable_auto_commit": False, **options}
    consumer = native_consumer(run, **given)
    consumer.assign([TopicPartition(topic, 0, offset) for topic in topics])
    return consumer


def end_of(consumer: Consumer, topic: str) -> int:
    """Where partition 0 ends at this moment."""
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=ANSWER_S)
    return int(end)
