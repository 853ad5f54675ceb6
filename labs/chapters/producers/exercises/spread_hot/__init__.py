"""02.1: a key that spreads a hot airline over the partitions and still keeps each plane's order."""

from __future__ import annotations

import json
from collections import Counter
from zlib import crc32

from labs.base.flights import Flight, flights
from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import how_it_ended
from labs.exercise.verdict import NotYet
from labs.workload.history import Log

PARTITIONS, RECORDS = 4, 2000
#: The airline of nine flights in ten, and another.
HOT, OTHER = "B6", "UA"
HOT_OF_TEN = 9
#: No partition may hold more of the records than this: 1 / PARTITIONS would be even.
SHARE = 0.45
#: How much of the time that is left the program may take.
PATIENCE = 0.8


def judge(judging: Judging) -> tuple[str, ...]:
    """Give it flights, and look where each has come to stand."""
    topic = judging.topic(partitions=PARTITIONS)
    sent = [flight.value.decode() for flight in _flights()]
    program = judging.program(topic=topic)
    judging.say("starting")
    program.start()
    program.feed(sent)
    judging.say("sending", count=len(sent))
    code = program.wait_end(PATIENCE * judging.remaining_s)
    if code:
        raise NotYet("failed", *program.last_words(), how=how_it_ended(code))
    log = judging.read(topic)
    _require_all(judging, sent, log)
    counts = Counter(read.partition for read in log.reads)
    partition, most = counts.most_common(1)[0]
    share = most / len(log.reads)
    told = judging.exercise.says("evidence", "share", partition=partition, count=most, share=share)
    if share > SHARE:
        raise NotYet("hot", told, partition=partition, share=share, limit=SHARE)
    _require_order(judging, sent, log)
    return (told, judging.exercise.says("evidence", "ordered", count=len(_planes(sent))))


def _flights() -> list[Flight]:
    """Of ten flights nine are the hot airline's, and each has a plane."""
    both = [f for f in flights(8 * RECORDS, {HOT, OTHER}) if f.tailnum]
    hot = (f for f in both if f.carrier == HOT)
    other = (f for f in both if f.carrier == OTHER)
    ten = [hot] * HOT_OF_TEN + [other] * (10 - HOT_OF_TEN)
    return [next(ten[number % 10]) for number in range(RECORDS)]


def _planes(sent: list[str]) -> dict[str, list[int]]:
    """Plane → the checksums of its flights, in their order."""
    found: dict[str, list[int]] = {}
    for line in sent:
        found.setdefault(json.loads(line)["tailnum"], []).append(crc32(line.encode()))
    return found


def _require_all(judging: Judging, sent: list[str], log: Log) -> None:
    due = {crc32(line.encode()) for line in sent}
    for read in log.reads:
        if read.digest not in due:
            raise NotYet("altered", partition=read.partition, offset=read.offset)
    if lost := len(due - {read.digest for read in log.reads}):
        raise NotYet("lost", judging.exercise.says("evidence", "lost", count=lost), count=lost)


def _require_order(judging: Judging, sent: list[str], log: Log) -> None:
    places = {read.digest: (read.partition, read.offset) for read in reversed(log.reads)}
    for plane, digests in _planes(sent).items():
        stands = [places[digest] for digest in digests]
        if stands == sorted(stands) and stands[0][0] == stands[-1][0]:
            continue
        partitions = sorted({partition for partition, _ in stands})
        told = judging.exercise.says("evidence", "plane", plane=plane, partitions=partitions,
                                     count=len(stands))  # fmt: skip
        raise NotYet("order" if len(partitions) > 1 else "swapped", told, plane=plane)


EXERCISE = Exercise("02.1", PROGRAM, Words(__file__), judge, minutes=5, contract=("TOPIC",))
