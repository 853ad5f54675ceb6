"""One flight, two events, in one topic or in two: in which order does a new reader see them?

Kafka keeps an order in a partition. Two topics are two partitions at the least, and a reader that
is behind gets them in whatever order their records come from the brokers.
"""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from labs.base.flights import Flight
from labs.base.words import Words
from labs.chapters.architectures.common import (
    ANSWER_S,
    beside,
    end_of,
    flights_of,
    named,
)
from labs.experiment.experiment import Experiment
from labs.experiment.native import native_consumer, native_producer, poll_until, produce
from labs.experiment.prediction import Options
from labs.experiment.result import NONE, Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice
from labs.experiment.views import Lines, Point
from labs.workload.history import Payload

words = Words(__file__)

SCHEDULED, CANCELLED = "scheduled", "cancelled"
ONE, TWO = "1", "2"
#: From this day on; so many that the first topic is several fetches long.
FIRST, FLIGHTS = "2013-02-07", 12_000
#: How many records at a time.
BATCH = 500


def _order(run: Run) -> None:
    run.make_topic(watch=False)
    sent = flights_of(FIRST, FLIGHTS)
    topics = [run.topic] if run["topics"] == ONE else [run.topic, beside(run, CANCELLED)]
    run.say(words("order.says.writing"))
    told = _write(run, sent, topics[-1])
    run.say(words("order.says.reading"))
    seen = _read(run, topics, FLIGHTS + told)
    known: set[int] = set()
    early: list[int] = []
    series: dict[str, list[Point]] = {"scheduled": [], "cancelled": [], "too_early": []}
    for place, (number, cancelled) in enumerate(seen):
        if cancelled and number not in known:
            early.append(number)
        kind = (CANCELLED if number in known else "too_early") if cancelled else SCHEDULED
        if cancelled or number % 20 == 0:  # a picture needs no more
            series[kind].append((place, number))
        if not cancelled:
            known.add(number)
    run.measurements |= {
        "cancelled_before_scheduled": len(early),
        "cancellations": told,
        "flight_names": named([sent[number] for number in early]) or NONE,
    }
    found = _found(run.measurements)
    run.conclude(words(f"order.told.{found}", **run.values))
    title = words(f"order.title.{found}", **run.values)
    shown = {kind: points for kind, points in series.items() if points}
    names = words.under("shown")
    run.show(Lines(title, shown, "order_of_reading", "flight_number", dots=True, names=names))


def _event(kind: str, of: int, flight: Flight) -> Payload:
    """An event of a flight: what has happened, and to which."""

    def payload(number: int) -> tuple[bytes, bytes]:
        return flight.key, b"%d|%b %d %b" % (number, kind.encode(), of, flight.value)

    return payload


def _write(run: Run, sent: tuple[Flight, ...], cancelled_to: str) -> int:
    """Each flight is scheduled, and some are cancelled after that: each event when it happens."""
    producer = native_producer(run, acks="all")
    told = 0
    for number, flight in enumerate(sent):
        produce(run, producer, _event(SCHEDULED, number, flight))
        if flight.cancelled:
            event = _event(CANCELLED, number, flight)
            if cancelled_to == run.topic:
                produce(run, producer, event)
            else:
                key, value = event(told)
                producer.produce(cancelled_to, value, key)
            told += 1
        producer.poll(0)
    poll_until(producer, lambda: not len(producer), ANSWER_S)
    return told


def _read(run: Run, topics: list[str], count: int) -> list[tuple[int, bool]]:
    """What a new reader sees: a flight's number, and whether it is its cancellation."""
    consumer = native_consumer(run, group_id=f"{run.topic}-new", enable_auto_commit=False)
    # So it is connected to both leaders before it begins to read.
    assert sum(end_of(consumer, topic) for topic in topics) == count
    # The first topic comes a moment later, as from a broker that is slow: so no run is luck.
    later, *rest = [TopicPartition(topic, 0, OFFSET_BEGINNING) for topic in topics]
    consumer.assign(rest or [later])
    seen: list[tuple[int, bool]] = []
    while len(seen) < count:
        if seen and rest:
            consumer.incremental_assign([later])
            rest = []
        for record in consumer.consume(BATCH, timeout=1.0):
            kind, number, _ = (record.value() or b"").partition(b"|")[2].split(b" ", 2)
            seen.append((int(number), kind == CANCELLED.encode()))
        run.sleep(0)
    return seen


_NEVER, _SOME, _ALL = "never", "some", "all"


def _found(measured: Mapping[str, object]) -> str:
    early = measured["cancelled_before_scheduled"]
    if not early:
        return _NEVER
    return _ALL if early == measured["cancellations"] else _SOME


def _how(result: Result) -> str:
    return _found(result.measurements)


ORDER = Experiment(
    "architectures.order",
    words,
    (Choice("topics", (TWO, ONE), TWO, formerly={"two topics": TWO, "one topic": ONE}),),
    _order,
    Options((_NEVER, _SOME, _ALL), _how),
    breaks=False,
    about=("cancelled_before_scheduled", "flight_names"),
)
