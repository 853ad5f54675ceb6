"""10.2: how many messages does a new reader get from each system, after acknowledgements?

Each got the same number of messages, and a reader has acknowledged some: Kafka keeps all of them, a
queue keeps the others, and Pulsar keeps the ledgers in which something is not acknowledged.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from labs.base.words import Words
from labs.chapters.systems.beside import (
    entries_of,
    fresh_queue,
    path_of,
    pulsar_admin,
    pulsar_namespace,
    rabbit_connection,
    waiting_in,
)
from labs.chapters.systems.exercises.asked import amqp_url, pulsar, rabbit
from labs.exercise.exercise import ANSWER, Exercise
from labs.exercise.judging import Judging
from labs.exercise.verdict import CantTell, NotYet
from labs.services.service import Service

MESSAGES, QUEUE, BOARD = 40, "exercise.10.2", "board"
TRIMMED_S = 30.0


def prepare(judging: Judging) -> Mapping[str, str]:
    """Fill each, and have a reader acknowledge a part; where that ends is drawn anew."""
    random, one = judging.random, rabbit(judging)
    client, told = pulsar(judging)
    try:
        topic, group = _kafka(judging, random.randrange(5, 35))
        _rabbit(one, random.randrange(5, 19))
        first = random.randrange(8, 18)
        place = _pulsar(client, first, random.randrange(3, 8))
    finally:
        client.close()
    packages = f"{told['packages']}:{one.server.parts[0].ensure()}"
    return {
        "TOPIC": topic,
        "GROUP": group,
        "QUEUE": QUEUE,
        "PULSAR_TOPIC": place,
        "PULSAR_URL": told["pulsar_url"],
        "AMQP_URL": amqp_url(one),
        "PACKAGES": packages,
    }


def _kafka(judging: Judging, committed: int) -> tuple[str, str]:
    topic = judging.topic()
    judging.stream(topic, MESSAGES).wait()
    group, place = judging.group(topic), TopicPartition(topic, 0)
    consumer = KafkaConsumer(
        bootstrap_servers=judging.cluster.bootstrap, group_id=group, enable_auto_commit=False
    )
    consumer.assign([place])
    consumer.commit({place: OffsetAndMetadata(committed, "", -1)})
    consumer.close()
    return topic, group


def _rabbit(one: Service, acknowledged: int) -> None:
    fresh_queue(one, QUEUE)
    connection = rabbit_connection(one)
    channel = connection.channel()
    channel.confirm_delivery()
    for number in range(MESSAGES):
        channel.basic_publish("", QUEUE, b"%d" % number)
    for _ in range(acknowledged):
        method, _, _ = channel.basic_get(QUEUE)
        channel.basic_ack(method.delivery_tag)
    connection.close()


def _pulsar(client: Any, first: int, more: int) -> str:
    """Two ledgers. Of the second one a part is acknowledged, so it stays whole."""
    topic = f"persistent://{pulsar_namespace('exercise-10-2', {})}/departures"
    path = path_of(topic)
    client.subscribe(topic, BOARD).close()
    for numbers in (range(first), range(first, MESSAGES)):
        producer = client.create_producer(topic)
        for number in numbers:
            producer.send(b"%d" % number)
        producer.close()
        if numbers.start == 0:
            pulsar_admin("PUT", f"{path}/unload")  # the ledger is closed
    consumer = client.subscribe(topic, BOARD)
    for _ in range(first + more):
        consumer.acknowledge(consumer.receive(20_000))
    consumer.close()
    deadline = time.monotonic() + TRIMMED_S
    while entries_of(topic) != MESSAGES - first:
        if time.monotonic() > deadline:
            raise CantTell("untrimmed")
        pulsar_admin("POST", f"{path}/trim")
        time.sleep(0.3)
    return topic


def judge(judging: Judging) -> tuple[str, ...]:
    """Compare each number with what is there, and with what one thinks who knows another system."""
    one = rabbit(judging)
    client, _ = pulsar(judging)
    client.close()
    given = judging.answer.replace(",", " ").split()
    if not given:
        raise NotYet("unanswered")
    if len(given) != 3 or not all(number.isdecimal() for number in given):
        raise NotYet("three_numbers", answer=judging.answer)
    kafka, queue, pulsar_has = map(int, given)
    topic = judging.asked["TOPIC"]
    in_kafka = len(judging.read(topic).reads)
    if kafka != in_kafka:
        reason = "commit_deletes" if kafka < in_kafka else "kafka_other"
        raise NotYet(reason, answer=kafka)
    in_queue = waiting_in(one, QUEUE)
    if queue != in_queue:
        raise NotYet("queue_keeps" if queue == MESSAGES else "queue_other", answer=queue)
    place = judging.asked["PULSAR_TOPIC"]
    in_pulsar = entries_of(place)
    if pulsar_has != in_pulsar:
        left = int(
            pulsar_admin("GET", f"{path_of(place)}/stats")["subscriptions"][BOARD]["msgBacklog"]
        )
        known = {MESSAGES: "pulsar_keeps", left: "only_unacknowledged"}
        raise NotYet(known.get(pulsar_has, "pulsar_other"), answer=pulsar_has)
    return (judging.exercise.says("evidence", "all", kafka=kafka, queue=queue, pulsar=pulsar_has),)


EXERCISE = Exercise(
    "10.2",
    ANSWER,
    Words(__file__),
    judge,
    minutes=8,
    contract=(
        "TOPIC",
        "GROUP",
        "QUEUE",
        "PULSAR_TOPIC",
        "PULSAR_URL",
        "AMQP_URL",
        "PACKAGES",
    ),
    prepare=prepare,
)
