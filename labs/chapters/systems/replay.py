"""Messages are read and acknowledged. Then somebody wants to read them again: who still has them?

Kafka keeps by time and size, whoever has read. A queue of RabbitMQ gives a message away; its stream
is a log. Pulsar keeps what a subscription has not acknowledged, and beside that what the
namespace's retention says. It deletes by ledgers, and only closed ones: so the topic is unloaded
before it is read, which closes its ledger, and trimmed when all is acknowledged. (Unloaded right
after the reading, it could forget the acknowledgements that it had not written down yet: all would
be there again, as not yet read.)
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from kafka import TopicPartition

from labs.base.words import Words
from labs.chapters.systems.beside import (
    entries_of,
    fresh_queue,
    path_of,
    pulsar_admin,
    pulsar_client,
    pulsar_namespace,
    rabbit_connection,
    rabbitmq_for,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Bars
from labs.services.service import Service

words = Words(__file__)

TOPIC, QUEUE, STREAM, PULSAR = "kafka_topic", "rabbitmq_quorum", "rabbitmq_stream", "pulsar_topic"
PLACES = (TOPIC, QUEUE, STREAM, PULSAR)
DEFAULT, HOUR = "default", "hour"
RETENTION = {"retentionTimeInMinutes": 60, "retentionSizeInMB": 100}
NAME, TRIM_S, READ_S = "labs.replay", 20.0, 20.0


def _replay(run: Run) -> None:
    run.say(words("replay.says.starting"))
    rabbit, without = rabbitmq_for(run)
    run.make_topic(watch=False)
    run.load(run.producer(acks="all"), 0, run["records"]).wait(READ_S)
    values = [send.value for send in run.history.sends]
    run.say(words("replay.says.reading"))
    found = {TOPIC: _kafka(run, len(values))}
    if rabbit:
        channel = rabbit_connection(rabbit, heartbeat_s=0).channel()
        run.closing(channel.connection.close)
        found[QUEUE] = _queue(rabbit, channel, values)
        found[STREAM] = _stream(rabbit, channel, values)
    found[PULSAR] = _pulsar(run, values)
    _tell(run, found, without)


def _kafka(run: Run, count: int) -> int:
    """Read all, commit, seek to the beginning, and read again; returns how many come."""
    consumer = run.consumer(group_id=run.topic, enable_auto_commit=False)
    place = TopicPartition(run.topic, 0)
    consumer.assign([place])
    for _ in range(2):
        consumer.seek_to_beginning(place)
        deadline, came = time.monotonic() + READ_S, 0
        while came < count and time.monotonic() < deadline:
            came += sum(map(len, consumer.poll(timeout_ms=500).values()))
        consumer.commit()
    return came


def _queue(one: Service, channel: Any, values: list[bytes]) -> int:
    fresh_queue(one, NAME)
    channel.confirm_delivery()
    for value in values:
        channel.basic_publish("", NAME, value)
    _drain(channel, NAME, len(values))
    return int(channel.queue_declare(NAME, passive=True).method.message_count)


def _stream(one: Service, channel: Any, values: list[bytes]) -> int:
    name = f"{NAME}.stream"
    fresh_queue(one, name, {"x-queue-type": "stream", "x-initial-cluster-size": 1})
    for value in values:
        channel.basic_publish("", name, value)
    channel.basic_qos(prefetch_count=100)
    offset = {"x-stream-offset": "first"}
    for _ in range(2):
        came = _drain(channel, name, len(values), offset)
    return came


def _drain(channel: Any, name: str, count: int, arguments: Any = None) -> int:
    """Read and acknowledge so many; returns how many came."""
    came = 0
    for method, _, _ in channel.consume(name, arguments=arguments, inactivity_timeout=READ_S):
        if method is None:
            break
        channel.basic_ack(method.delivery_tag)
        came += 1
        if came == count:
            break
    channel.cancel()
    return came


def _pulsar(run: Run, values: list[bytes]) -> int:
    policies = {"retention": RETENTION} if run["pulsar_retention"] == HOUR else {}
    client = pulsar_client(run)  # from now on it can be imported
    import pulsar

    namespace = pulsar_namespace("replay-hour" if policies else "replay-default", policies)
    topic = f"persistent://{namespace}/flights"
    client.subscribe(topic, NAME, initial_position=pulsar.InitialPosition.Earliest).close()
    producer = client.create_producer(topic)
    for value in values:
        producer.send(value)
    producer.close()
    pulsar_admin("PUT", f"{path_of(topic)}/unload")  # its ledger is closed
    consumer = client.subscribe(topic, NAME)
    for _ in values:
        consumer.acknowledge(consumer.receive(int(1000 * READ_S)))
    consumer.close()
    return _kept_by_pulsar(run, client, topic, bool(policies))


def _kept_by_pulsar(run: Run, client: Any, topic: str, kept: bool) -> int:
    """How many come again, once what may be deleted is deleted.

    Raises:
        LabsError: it did not delete in time what nothing keeps. What is there then is no answer.
    """
    import pulsar

    consumer = client.subscribe(topic, NAME)
    acknowledged = partial(_all_acknowledged, topic)
    run.wait(acknowledged, words("replay.awaited.acknowledged"), TRIM_S)
    pulsar_admin("POST", f"{path_of(topic)}/trim")
    if not kept:
        run.wait(partial(_trimmed, topic), words("replay.awaited.trimmed"), TRIM_S)
    consumer.seek(pulsar.MessageId.earliest)
    came = 0
    for _ in range(entries_of(topic)):
        try:
            consumer.receive(int(1000 * READ_S))
        except pulsar.Timeout:
            break
        came += 1
    return came


def _all_acknowledged(topic: str) -> bool:
    """Whether Pulsar has taken all acknowledgements: the client does not wait for that."""
    seen = pulsar_admin("GET", f"{path_of(topic)}/stats")
    return not seen["subscriptions"][NAME]["msgBacklog"]


def _trimmed(topic: str) -> bool:
    """Whether Pulsar, asked to delete, has nothing left."""
    pulsar_admin("POST", f"{path_of(topic)}/trim")
    return not entries_of(topic)


def _tell(run: Run, found: dict[str, int], without: str) -> None:
    run.measurements |= {f"{place}_again_records": count for place, count in found.items()}
    which = "all" if QUEUE in found else "without"
    run.conclude(words(f"replay.told.{which}", without=without, **run.values))
    retention = words(f"replay.values.pulsar_retention.{run['pulsar_retention']}")
    told = {**run.values, "pulsar_retention": retention}
    title = words(f"replay.title.{'kept' if found[PULSAR] else 'gone'}", **told)
    series = {"again": list(map(float, found.values()))}
    run.show(Bars(title, list(found), series, "records_again", names=words.under("shown")))


_LOGS, _AND_PULSAR, _ALL = "logs", "and_pulsar", "all"


def _who(result: Result) -> str:
    told = result.measurements
    again = {place for place in PLACES if told.get(f"{place}_again_records")}
    if QUEUE in again:
        return _ALL
    return _AND_PULSAR if PULSAR in again else _LOGS


REPLAY = Experiment(
    "systems.replay",
    words,
    (
        Choice("pulsar_retention", (DEFAULT, HOUR), DEFAULT, formerly={"one hour": HOUR}),
        Number("records", 20, 100, 40, "records", 10),
    ),
    _replay,
    Options((_LOGS, _AND_PULSAR, _ALL), _who),
    breaks=False,
    about=tuple(f"{place}_again_records" for place in PLACES),
)
