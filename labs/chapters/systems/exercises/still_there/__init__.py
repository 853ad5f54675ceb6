"""10.2: how many messages does a new reader get from each system, after acknowledgements?

Each got the same number of messages, and a reader has acknowledged some: Kafka keeps all of them, a
queue keeps the others, and Pulsar keeps the ledgers in which something is not acknowledged. Where
RabbitMQ can't be had, it is about the other two.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random
from typing import Any
from urllib.error import HTTPError

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
    rabbitmq,
)
from labs.chapters.systems.exercises.asked import amqp_url, pulsar
from labs.exercise.exercise import ANSWER, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import is_number
from labs.exercise.verdict import CantTell, NotYet
from labs.services.service import Service

MESSAGES, QUEUE, BOARD = 40, "exercise.10.2", "board"
TRIMMED_S = 30.0


def prepare(judging: Judging) -> Mapping[str, str]:
    """Fill each, and have a reader acknowledge a part; where that ends is drawn anew."""
    random, one = judging.random, rabbitmq(judging.tell)
    client, told = pulsar(judging)
    try:
        topic, group = _kafka(judging, random.randrange(5, 35))
        place = _pulsar(client, random.randrange(8, 18), random.randrange(3, 8))
    finally:
        client.close()
    names = {"TOPIC": topic, "GROUP": group}
    names |= {"PULSAR_TOPIC": place, "PULSAR_URL": told["pulsar_url"], "PACKAGES": told["packages"]}
    if one is not None:
        _rabbit(one, _taken(topic))
        names |= {"QUEUE": QUEUE, "AMQP_URL": amqp_url(one)}
        names["PACKAGES"] += f":{one.server.parts[0].ensure()}"
    return names


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


def _taken(topic: str) -> int:
    """How many messages of the queue were acknowledged: drawn from the topic's name, a new one.

    So the judge knows it, whatever a reader has taken since, or still holds: no client can ask a
    queue for what others hold.
    """
    return Random(topic).randrange(5, 19)


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
    checks = {"kafka": _check_kafka, "queue": _check_queue, "pulsar": _check_pulsar}
    if "QUEUE" not in judging.asked:
        del checks["queue"]
    given = judging.answer.replace(",", " ").split()
    if not given:
        raise NotYet("unanswered")
    if len(given) != len(checks) or not all(is_number(number) for number in given):
        raise NotYet("numbers", answer=judging.answer[:80], count=len(checks))
    for check, number in zip(checks.values(), given, strict=True):
        check(judging, int(number))
    says = judging.exercise.says
    return tuple(
        says("evidence", which, count=int(n)) for which, n in zip(checks, given, strict=True)
    )


def _check_kafka(judging: Judging, answer: int) -> None:
    if not judging.exists(judging.asked["TOPIC"]):
        raise NotYet("gone", what=judging.asked["TOPIC"])
    there = len(judging.read(judging.asked["TOPIC"]).reads)
    if answer != there:
        raise NotYet("commit_deletes" if answer < there else "kafka_other", answer=answer)


def _check_queue(judging: Judging, answer: int) -> None:
    if answer != MESSAGES - _taken(judging.asked["TOPIC"]):
        raise NotYet("queue_keeps" if answer == MESSAGES else "queue_other", answer=answer)


def _check_pulsar(judging: Judging, answer: int) -> None:
    client, _ = pulsar(judging)  # it may have been stopped since
    client.close()
    place = judging.asked["PULSAR_TOPIC"]
    try:
        there = entries_of(place)
        board = pulsar_admin("GET", f"{path_of(place)}/stats")["subscriptions"][BOARD]
    except (HTTPError, KeyError):
        raise NotYet("gone", what=place) from None
    if answer != there:
        known = {MESSAGES: "pulsar_keeps", int(board["msgBacklog"]): "only_unacknowledged"}
        raise NotYet(known.get(answer, "pulsar_other"), answer=answer)


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
