"""12.2: which schema does a record name? It stands in the record's bytes.

The topic is as one that was copied from elsewhere, whose registry nobody can ask.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from labs.base.words import Words
from labs.exercise.exercise import ANSWER, Exercise
from labs.exercise.judging import Judging
from labs.exercise.verdict import CantTell, NotYet

RECORDS = 40


def prepare(judging: Judging) -> Mapping[str, str]:
    """Records of some schemas, and a place among them."""
    topic, random = judging.topic(), judging.random
    producer = judging.producer(acks="all")
    ids = [_id(judging) for _ in range(4)]
    for number in range(RECORDS):
        carrier = b"\x04UA" if number % 2 else b"\x04B6"
        head = struct.pack(">bI", 0, ids[random.randrange(len(ids))])
        producer.send(topic, head + carrier + bytes([2 * (number % 60)]))
    producer.flush()
    return {"TOPIC": topic, "OFFSET": str(random.randrange(5, RECORDS))}


def _id(judging: Judging) -> int:
    """An id of which each byte is another, and whose wrong readings differ."""
    second, third, fourth = judging.random.sample(range(2, 100), 3)
    return int.from_bytes(bytes([1, second, third, fourth]))


def judge(judging: Judging) -> tuple[str, ...]:
    """Compare the answer with what stands there, and with what one gets who reads it wrongly."""
    topic, offset = judging.asked["TOPIC"], int(judging.asked["OFFSET"])
    answer = judging.answer.replace(",", "").strip()
    if not answer:
        raise NotYet("unanswered")
    value = judging.value_at(topic, 0, offset)
    if value is None:
        raise CantTell("gone", topic=topic)
    if answer == str(int.from_bytes(value[1:5])):
        return (judging.exercise.says("evidence", "there", answer=answer, offset=offset),)
    wrong = judging.exercise.says("evidence", "not_there", answer=answer, offset=offset)
    readings = {
        "lowest_first": int.from_bytes(value[1:5], "little"),
        "with_magic": int.from_bytes(value[:4]),
        "one_byte": value[4],
        "two_bytes": int.from_bytes(value[3:5]),
    }
    for reason, reading in readings.items():
        if answer == str(reading):
            raise NotYet(reason, wrong, answer=answer)
    raise NotYet("elsewhere", wrong, answer=answer)


EXERCISE = Exercise(
    "12.2",
    ANSWER,
    Words(__file__),
    judge,
    minutes=5,
    contract=("TOPIC", "OFFSET"),
    prepare=prepare,
)
