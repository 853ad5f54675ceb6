"""01.3: which flight stands at a given offset of a given partition?"""

from __future__ import annotations

import json
from collections.abc import Mapping

from kafka import TopicPartition

from labs.base.flights import flights
from labs.base.words import Words
from labs.exercise.exercise import ANSWER, Exercise
from labs.exercise.judging import Judging
from labs.exercise.verdict import CantTell, NotYet
from labs.kafka.admin import ask
from labs.workload.topic import serving

PARTITIONS, RECORDS = 3, 1200
#: How many records of each partition are deleted, so that its log does not start at offset 0.
DELETED = 40


def prepare(judging: Judging) -> Mapping[str, str]:
    """Flights in three partitions, and a place among them at which no other reading agrees."""
    topic = judging.topic(partitions=PARTITIONS)
    sent = list(flights(RECORDS))
    load = judging.stream(topic, RECORDS, payload=lambda n: (None, sent[n].value))
    load.wait()
    before = {TopicPartition(topic, p): DELETED for p in range(PARTITIONS)}
    ask(serving(judging.cluster), lambda client: client.delete_records(before))
    at = {(s.partition, s.offset): name(s.value) for s in load.sends}
    distinct = [
        (partition, offset)
        for partition, offset in at
        if partition is not None and offset is not None and _is_clear(at, partition, offset)
    ]
    partition, offset = judging.random.choice(sorted(distinct))
    return {"TOPIC": topic, "PARTITION": str(partition), "OFFSET": str(offset)}


def _is_clear(at: Mapping[tuple[int | None, int | None], str], partition: int, offset: int) -> bool:
    """Whether each way to be wrong leads to another flight, and all lie in the log."""
    others = [(p, offset) for p in range(PARTITIONS) if p != partition]
    others += [(partition, offset - 1), (partition, offset + DELETED)]
    names = [at.get(place) for place in others]
    return offset > DELETED and None not in names and at[partition, offset] not in names


def name(value: bytes) -> str:
    """A flight's carrier and number, such as `UA1545`."""
    flight = json.loads(value)
    return f"{flight['carrier']}{flight['flight']}"


def judge(judging: Judging) -> tuple[str, ...]:
    """Compare the answer with what stands there, and with what stands where one may look."""
    topic = judging.asked["TOPIC"]
    partition, offset = int(judging.asked["PARTITION"]), int(judging.asked["OFFSET"])
    answer = judging.answer.replace(" ", "").upper()
    if not answer:
        raise NotYet("unanswered")

    def at(partition: int, offset: int) -> str:
        value = judging.value_at(topic, partition, offset)
        return "" if value is None else name(value)

    right = at(partition, offset)
    if not right:
        raise CantTell("gone", topic=topic)
    if answer == right:
        return (judging.exercise.says("evidence", "there", answer=answer),)
    wrong = judging.exercise.says("evidence", "not_there", answer=answer)
    if answer == at(partition, offset + DELETED):
        raise NotYet("counted_records", wrong, answer=answer, start=DELETED)
    if answer == at(partition, offset - 1):
        raise NotYet("counted_from_one", wrong, answer=answer)
    for other in set(range(PARTITIONS)) - {partition}:
        if answer == at(other, offset):
            raise NotYet("other_partition", wrong, answer=answer, partition=other)
    raise NotYet("elsewhere", wrong, answer=answer)


EXERCISE = Exercise(
    "01.3",
    ANSWER,
    Words(__file__),
    judge,
    minutes=5,
    contract=("TOPIC", "PARTITION", "OFFSET"),
    prepare=prepare,
)
