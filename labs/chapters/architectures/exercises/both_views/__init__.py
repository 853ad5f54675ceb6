"""13.2: an answer from a batch view and the log behind its seam, or from a replay.

The first record behind the seam is one of those that are asked for: who is wrong by one, is seen.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

from labs.base.flights import Flight, flights
from labs.base.words import Words
from labs.exercise.exercise import ANSWER, Exercise
from labs.exercise.judging import Judging
from labs.exercise.verdict import CantTell, NotYet

RECORDS = 900
AIRLINES = ("UA", "B6", "EV", "DL", "AA")


def prepare(judging: Judging) -> Mapping[str, str]:
    """A log of flights, and what the last batch run has made of its beginning."""
    topic, batch, random = judging.topic(), judging.topic(), judging.random
    sent, airline = list(flights(RECORDS)), random.choice(AIRLINES)
    fits = [n for n in range(400, 700) if sent[n].carrier == airline]
    seam = random.choice(fits)
    producer = judging.producer(acks="all")
    for flight in sent:
        producer.send(topic, flight.value, flight.key)
    producer.send(batch, _view(sent[:seam], seam))
    producer.flush()
    return {"TOPIC": topic, "BATCH": batch, "AIRLINE": airline}


def _view(of: list[Flight], seam: int) -> bytes:
    counts = Counter(flight.carrier for flight in of)
    return json.dumps({"next_offset": seam, "flights": dict(sorted(counts.items()))}).encode()


def judge(judging: Judging) -> tuple[str, ...]:
    """Compare the answer with what both views say, and with what one gets who merges wrongly."""
    topic, airline = judging.asked["TOPIC"], judging.asked["AIRLINE"]
    answer = judging.answer.replace(",", "").strip()
    if not answer:
        raise NotYet("unanswered")
    batch = judging.asked["BATCH"]
    view = judging.value_at(batch, 0, 0)
    if view is None or not judging.exists(topic):
        raise CantTell("gone", topic=batch if view is None else topic)
    told = json.loads(view)
    seam, in_batch = told["next_offset"], told["flights"].get(airline, 0)
    own = [r.offset for r in judging.records(topic) if r.key == airline.encode()]
    behind = sum(offset >= seam for offset in own)
    says = judging.exercise.says
    if answer == str(len(own)):
        return (says("evidence", "both", before=in_batch, behind=behind, seam=seam),)
    wrong = {
        "batch_only": in_batch,
        "speed_only": behind,
        "overlap": in_batch + len(own),
        "off_by_one": len(own) - 1,
    }
    for reason, count in wrong.items():
        if answer == str(count):
            raise NotYet(reason, says("evidence", "wrong", answer=answer), seam=seam)
    raise NotYet("elsewhere", says("evidence", "wrong", answer=answer), seam=seam)


EXERCISE = Exercise(
    "13.2",
    ANSWER,
    Words(__file__),
    judge,
    minutes=8,
    contract=("TOPIC", "BATCH", "AIRLINE"),
    prepare=prepare,
)
