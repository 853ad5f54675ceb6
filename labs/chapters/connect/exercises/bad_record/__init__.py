"""11.2: a connector says RUNNING, and writes nothing: which record stopped its task?"""

from __future__ import annotations

import json
import os
from typing import Any

from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.chapters.connect.connectors import JSON
from labs.chapters.connect.exercises.asking import CHANGE_S, Connect
from labs.exercise.exercise import ANSWER, Exercise
from labs.exercise.groups import committed
from labs.exercise.judging import Judging
from labs.exercise.program import is_number
from labs.exercise.verdict import NotYet

START = "exercise-11-2-"
#: Records before the sink has committed, and after it; how many partitions.
BEFORE, AFTER, PARTITIONS = 30, 60, 3
#: What is JSON, and no flight: it surprises readers, and no converter.
STRANGE = b"[]"


def prepare(judging: Judging) -> dict[str, str]:
    """A sink that has written some records; then some more come, and one of them is no JSON."""
    topic = judging.topic(partitions=PARTITIONS)
    connect = Connect(judging.tell)
    connect.remove(START)
    name = START + topic[-6:]
    says = judging.exercise.says
    config = {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "topics": topic,
        "file": os.devnull,
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": JSON,
        "value.converter.schemas.enable": "false",
    }
    connect.put(name, config, says("awaited", "connector"))
    producer = judging.producer()
    for number in range(BEFORE):
        producer.send(topic, _flight(number), partition=number % PARTITIONS)
    producer.flush()
    group = f"connect-{name}"
    wait_for(
        lambda: sum(committed(judging.cluster, group, topic).values()) >= BEFORE,
        says("awaited", "committed"),
        CHANGE_S,
    )
    late = range(AFTER // 3, AFTER - PARTITIONS * 2)
    bad = judging.random.choice([n for n in late if n % PARTITIONS != 1])
    strange = judging.random.choice([n for n in range(3, AFTER // 3) if n % PARTITIONS == 0])
    for number in range(AFTER):
        value = _flight(number + BEFORE)
        if number == strange:
            value = STRANGE
        elif number == bad:
            value = value.replace(b'"', b"'")
        producer.send(topic, value, partition=number % PARTITIONS)
    producer.flush()
    wait_for(lambda: connect.task_state(name) == "FAILED", says("awaited", "failed"), CHANGE_S)
    return {"CONNECT": connect.url, "CONNECTOR": name, "TOPIC": topic}


def _flight(number: int) -> bytes:
    return json.dumps({"number": number, "flight": f"UA{1000 + number}"}).encode()


def judge(judging: Judging) -> tuple[str, ...]:
    """Is it the place of the record that is no JSON?"""
    topic, name = judging.asked["TOPIC"], judging.asked["CONNECTOR"]
    if not judging.exists(topic):
        raise NotYet("gone", topic=topic)
    says, answer = judging.exercise.says, judging.answer
    words = answer.split()
    if len(words) != 2 or not all(map(is_number, words)):
        raise NotYet("no_place", answer=answer[:80])
    partition, offset = map(int, words)
    records = judging.records(topic)
    broken = [record for record in records if not _is_json(record.value)]
    if not broken:
        raise NotYet("gone", topic=topic)
    bad = min(broken, key=lambda record: record.offset)  # another one was sent later
    told = says("evidence", "not_it", partition=partition, offset=offset)
    if (partition, offset) == (bad.partition, bad.offset):
        return (says("evidence", "it", partition=partition, offset=offset),)
    value = {(r.partition, r.offset): r.value for r in records}.get((partition, offset))
    if value == STRANGE:
        raise NotYet("strange", told)
    if committed(judging.cluster, f"connect-{name}", topic).get(partition) == offset:
        raise NotYet("committed", partition=partition, offset=offset)
    if value is None:
        raise NotYet("nothing_there", partition=partition, offset=offset)
    raise NotYet("elsewhere", told)


def _is_json(value: Any) -> bool:
    try:
        json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


EXERCISE = Exercise(
    "11.2",
    ANSWER,
    Words(__file__),
    judge,
    minutes=8,
    contract=("CONNECT", "CONNECTOR", "TOPIC"),
    prepare=prepare,
)
