"""Confluent's client, which is librdkafka (C) with a Python interface, writing the same history."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from labs.base.clock import now
from labs.experiment.run import Run
from labs.kafka import security
from labs.workload import set_here
from labs.workload.history import Outcome, Payload, Send
from labs.workload.outcomes import left_by, never_sent, of_librdkafka

#: How long a native producer may take to flush at the end of a run, s.
CLOSE_S = 1.0


def native_producer(
    run: Run, on_statistics: Callable[[dict[str, Any]], object] | None = None, **options: Any
) -> Producer:
    """A confluent-kafka producer on the run's cluster; `linger_ms=5` means `linger.ms`.

    `on_statistics` gets librdkafka's statistics (its STATISTICS.md) every
    `statistics_interval_ms`, in whichever thread polls.
    """
    producer = Producer(_settings(run, "producer", on_statistics, options))
    run.closing(partial(_close, producer))
    return producer


def native_consumer(
    run: Run, on_statistics: Callable[[dict[str, Any]], object] | None = None, **options: Any
) -> Consumer:
    """A confluent-kafka consumer on the run's cluster, closed at the run's end; as the producer."""
    consumer = Consumer(_settings(run, "consumer", on_statistics, options))
    run.closing(consumer.close)
    return consumer


def _settings(
    run: Run,
    kind: str,
    on_statistics: Callable[[dict[str, Any]], object] | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    """A client's settings, security included; the result lists those that are not defaults."""
    given = {name.replace("_", "."): value for name, value in options.items()}
    run.note(set_here.librdkafka(kind, given))
    if on_statistics is not None:
        given["stats_cb"] = lambda text: on_statistics(json.loads(text))
    servers = ",".join(run.cluster.bootstrap)
    let_in = security.current().librdkafka()
    return {"bootstrap.servers": servers, "log_level": 0, **let_in, **given}


def _close(producer: Producer) -> None:
    producer.purge()
    producer.flush(CLOSE_S)


def produce(run: Run, producer: Producer, payload: Payload, due: float | None = None) -> Send:
    """Queue one numbered record of the run's topic.

    Raises:
        BufferError: the client's queue is full; the history says so, too.
    """
    begin = now()
    send = run.history.invoke(payload, due or begin, begin)
    again(run, producer, send)
    return send


def again(run: Run, producer: Producer, send: Send) -> None:
    """Try to queue a record that found no room before.

    Raises:
        BufferError: there is still none.
    """
    try:
        producer.produce(run.topic, send.value, send.key, on_delivery=partial(_delivered, send))
    except (BufferError, KafkaException) as error:
        send.judge = never_sent
        send.failure(error)
        raise
    send.completed, send.outcome, send.error = None, Outcome.PENDING, ""


def _delivered(send: Send, error: KafkaError | None, message: Message) -> None:
    send.completed = now()
    if error is None:
        send.outcome = Outcome.OK
        send.partition, send.offset = message.partition(), message.offset()
    else:
        send.outcome = left_by(of_librdkafka(error), only_attempt=False)
        send.error = error.name()


def poll_until(producer: Producer, done: Callable[[], bool], timeout_s: float) -> None:
    """Serve delivery callbacks until something is true, or the time is up."""
    deadline = time.monotonic() + timeout_s
    while not done() and time.monotonic() < deadline:
        producer.poll(0.05)
