"""02.2: a producer that keeps each plane's order and loses nothing through a leader's death.

The followers are paused before the leader is killed: so what it alone has is lost, each time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from zlib import crc32

from kafka.record import MemoryRecords

from labs.base.flights import flights
from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import how_it_ended
from labs.exercise.verdict import NotYet
from labs.observe.offsets import log_ends
from labs.workload.history import Log

PARTITIONS, PLANES = 3, 12
#: How many messages of one plane come one behind the other.
BURST = 5
#: Messages a second, and how many come at once before the input ends.
RATE, AT_LAST = 250, 400
#: How many messages are there before anything breaks.
BEFORE = 150
#: How long the followers are paused, s: less than a session (3 s), so that they stay in the ISR.
LAG_S = 1.5
#: How much of the time that is left a start, and the rest after the last message, may take.
START, END = 0.5, 0.8
#: More batches than this a producer does not send to a broker that has not answered: the limit of
#: `max.in.flight.requests.per.connection` in Java and kafka-python.
IN_FLIGHT = 5
#: Every broker has a copy of each partition; this one is asked how far they reach.
_ASKED = 1


@dataclass
class Messages:
    """What the program is given: a line each, `PLANE NUMBER FLIGHT`; `last` ends it."""

    sent: list[str] = field(default_factory=list)
    last: threading.Event = field(default_factory=threading.Event)

    def __iter__(self) -> Iterator[str]:
        lines = _lines()
        while not self.last.wait(1 / RATE):
            yield self._noted(next(lines))
        for line in islice(lines, AT_LAST):
            yield self._noted(line)

    def _noted(self, line: str) -> str:
        self.sent.append(line)
        return line


def _lines() -> Iterator[str]:
    """Messages of a few planes, in turn; each plane numbers its own, and has several at a time.

    So batches that follow one another have the same plane, however small they are.
    """
    seen = {flight.tailnum: flight for flight in flights(200) if flight.tailnum}
    for burst in count(0, BURST):
        for plane, flight in islice(seen.items(), PLANES):
            route = f"{flight.carrier}{flight.flight} {flight.origin}-{flight.dest}"
            yield from (f"{plane} {burst + each} {route}" for each in range(1, BURST + 1))


@dataclass(frozen=True)
class Death:
    """The leader of `partition` that was killed.

    `batches`: those on its disk, as their values' checksums. `sent`: how many messages the program
    had been given when another led.
    """

    broker: int
    partition: int
    batches: tuple[frozenset[int], ...]
    sent: int


def judge(judging: Judging) -> tuple[str, ...]:
    """Kill a leader whose followers lag, let the program come to its end, and compare."""
    topic = judging.topic(partitions=PARTITIONS, min_insync_replicas="2")
    messages = Messages()
    program = judging.program(topic=topic)
    judging.say("starting")
    program.start()
    program.feed(messages)
    try:
        program.wait(
            lambda: sum(_ends(judging, topic).values()) >= BEFORE, START * judging.remaining_s
        )
        time.sleep(judging.random.uniform(0, 1))
        death = _let_die(judging, topic, messages)
        time.sleep(judging.random.uniform(0.5, 1.5))
        program.require_alive()
    finally:
        messages.last.set()
    judging.say("ending", count=AT_LAST)
    code = program.wait_end(END * judging.remaining_s)
    log = judging.read(topic)
    _require_planes_in_one_place(judging, messages.sent, log)
    _require_all(judging, messages.sent, log, death)
    _require_order(judging, messages.sent, log)
    if code:
        raise NotYet("failed", *program.last_words(), how=how_it_ended(code))
    says = judging.exercise.says
    return (
        says("evidence", "all_there", count=len(messages.sent)),
        says("evidence", "died", broker=death.broker, partition=death.partition),
    )


def _let_die(judging: Judging, topic: str, messages: Messages) -> Death:
    """The leader with most messages dies, and what its followers lack is gone with it."""
    ends = _ends(judging, topic)
    partition = max(ends, key=lambda index: ends[index])
    leader, _ = judging.kill_ahead(topic, lambda: time.sleep(LAG_S), partition)
    batches = _batches(judging, leader, f"{topic}-{partition}")
    judging.say("electing", partition=partition)
    awaited = judging.exercise.says("awaited", "led", topic=topic, partition=partition)
    wait_for(lambda: judging.leader(topic, partition) != leader, awaited)
    return Death(leader, partition, batches, len(messages.sent))


def _ends(judging: Judging, topic: str) -> dict[int, int]:
    """How far one broker's copies reach, by partition."""
    with judging.cluster.line(_ASKED, timeout_s=10) as line:
        found = log_ends(line, [(topic, index) for index in range(PARTITIONS)])
    return {index: end for (_, index), end in found.items()}


def _batches(judging: Judging, broker: int, folder: str) -> tuple[frozenset[int], ...]:
    """The batches of a copy, as they lie on a broker's disk."""
    content = b"".join(judging.cluster.files(broker, f"{folder}/*.log").values())
    batches = MemoryRecords(content)
    found = []
    while batches.has_next():
        found.append(frozenset(crc32(record.value or b"") for record in batches.next_batch()))
    return tuple(found)


# -- what is compared ------------------------------------------------------------------------------


def _require_planes_in_one_place(judging: Judging, sent: list[str], log: Log) -> None:
    """Every record is a message, and all of one plane are in one partition."""
    planes = {crc32(line.encode()): line.split()[0] for line in sent}
    first: dict[str, int] = {}
    for read in log.reads:
        plane = planes.get(read.digest)
        if plane is None:
            raise NotYet("altered", partition=read.partition, offset=read.offset)
        if first.setdefault(plane, read.partition) != read.partition:
            found = {"plane": plane, "one": first[plane], "other": read.partition}
            raise NotYet("spread", judging.exercise.says("evidence", "spread", **found), **found)


def _require_all(judging: Judging, sent: list[str], log: Log, death: Death) -> None:
    there = {read.digest for read in log.reads}
    lost = [line for line in sent if crc32(line.encode()) not in there]
    if not lost:
        return
    says = judging.exercise.says
    gone = says("evidence", "lost", message=_named(lost[0]), count=len(lost))
    digests = {crc32(line.encode()) for line in lost}
    alone = [batch for batch in death.batches if batch & digests]
    if len(alone) > IN_FLIGHT:
        values = {"broker": death.broker, "partition": death.partition, "batches": len(alone)}
        on_disk = set().union(*alone) & digests
        died = says("evidence", "alone", count=len(on_disk), **values)
        raise NotYet("leader_alone", gone, died, **values)
    if sent.index(lost[0]) >= death.sent:
        raise NotYet("not_flushed", gone, count=len(lost))
    raise NotYet("gave_up", gone, count=len(lost))


def _require_order(judging: Judging, sent: list[str], log: Log) -> None:
    """Of records that stand there twice, the first counts."""
    lines = {crc32(line.encode()): line for line in sent}
    latest: dict[str, int] = {}
    seen: set[int] = set()
    for read in sorted(log.reads, key=lambda read: (read.partition, read.offset)):
        if read.digest in seen:
            continue
        seen.add(read.digest)
        plane, number = lines[read.digest].split()[:2]
        if int(number) < latest.get(plane, 0):
            told = judging.exercise.says(
                "evidence", "swapped", message=_named(lines[read.digest]), after=latest[plane],
                partition=read.partition, offset=read.offset,
            )  # fmt: skip
            raise NotYet("swapped", told, plane=plane)
        latest[plane] = int(number)


def _named(line: str) -> str:
    """`PLANE NUMBER` of a message."""
    return " ".join(line.split()[:2])


EXERCISE = Exercise(
    "02.2", PROGRAM, Words(__file__), judge, minutes=12, contract=("TOPIC",), breaks=True
)
