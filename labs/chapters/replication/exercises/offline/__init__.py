"""04.1: which broker brings an offline partition back without losing a record, and when none does.

Both replicas die: first one, and after more records the other. Only the second has all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from labs.base.errors import LabsError
from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import how_it_ended, is_number
from labs.exercise.verdict import CantTell, NotYet
from labs.observe.segments import read_copy

#: Records that both replicas have, and those that only the last leader has.
BOTH, ONE = 300, 200
#: How much of the time that is left a program may take to answer.
PATIENCE = 0.5
#: How long a started broker may take until it leads, s.
ELECTION_S = 4.0

IMPOSSIBLE = "impossible"


@dataclass(frozen=True)
class Offline:
    """A partition without a leader: who left first, and who led last."""

    topic: str
    first: int
    last: int


def judge(judging: Judging) -> tuple[str, ...]:
    """Take a partition offline, ask the program what to do, and do it."""
    offline = _take_offline(judging)
    broken = [str(offline.first), str(offline.last)]
    judging.random.shuffle(broken)
    for disk in ("", *broken):
        _require_right(judging, offline, disk, _answer(judging, offline, disk))
    return _start(judging, offline)


def _take_offline(judging: Judging) -> Offline:
    topic = judging.topic(replicas=2)
    judging.stream(topic, BOTH).wait()
    first = judging.leader(topic)
    (last,) = (broker for broker in judging.partition(topic).replicas if broker != first)
    judging.fault("kill", first)
    says = judging.exercise.says
    left = says("awaited", "left", broker=first)
    wait_for(lambda: judging.partition(topic).isr == (last,), left)
    judging.say("more", count=ONE, broker=last)
    judging.stream(topic, ONE).wait()
    judging.fault("kill", last)
    offline = says("awaited", "offline", topic=topic)
    wait_for(lambda: judging.partition(topic).leader is None, offline)
    return Offline(topic, first, last)


def _answer(judging: Judging, offline: Offline, disk: str) -> str:
    """The one line that the program writes."""
    judging.say("asking_broken" if disk else "asking", disk=disk)
    program = judging.program(topic=offline.topic, broken_disk=disk)
    program.start()
    code = program.wait_end(PATIENCE * judging.remaining_s)
    lines = [line.text.strip() for line in program.lines if line.text.strip()]
    if code:
        raise NotYet("failed", *program.last_words(), how=how_it_ended(code))
    if len(lines) != 1:
        raise NotYet("not_one_line", count=len(lines))
    return lines[0]


def _require_right(judging: Judging, offline: Offline, disk: str, answer: str) -> None:
    says, last = judging.exercise.says, offline.last
    word, _, number = answer.partition(" ")
    if answer != IMPOSSIBLE and not (word == "start" and is_number(number)):
        raise NotYet("unreadable_line", line=answer[:80])
    told = says("evidence", "answered", answer=answer, disk=disk or "none")
    if answer == IMPOSSIBLE:
        if disk == str(last):
            return
        raise NotYet("was_possible", told, broker=last)
    broker = int(number)
    if number == disk:
        raise NotYet("disk_is_lost", told, broker=broker)
    if broker == offline.first:
        raise _may_not_lead(judging, offline, told)
    if broker != last:
        raise NotYet("no_copy", told, broker=broker)


def _may_not_lead(judging: Judging, offline: Offline, told: str) -> NotYet:
    """Start the one that left first, as it was told: nobody leads."""
    first, last = offline.first, offline.last
    copies = {broker: read_copy(judging.cluster, broker, offline.topic) for broker in (first, last)}
    judging.fault("start", first)
    try:
        led = judging.exercise.says("awaited", "led")
        wait_for(lambda: judging.partition(offline.topic).leader, led, ELECTION_S)
    except LabsError:
        ends = {"first": first, "end": copies[first].log_end}
        lacks = judging.exercise.says("evidence", "lacks", **ends, last=last,
                                      all=copies[last].log_end)  # fmt: skip
        return NotYet("not_in_isr", told, lacks, broker=first, seconds=ELECTION_S)
    raise CantTell("leads", broker=first)


def _start(judging: Judging, offline: Offline) -> tuple[str, ...]:
    """What the program said, done: everything is there."""
    judging.fault("start", offline.last)
    leader = judging.leader(offline.topic)
    there = len(judging.read(offline.topic).reads)
    if (leader, there) != (offline.last, BOTH + ONE):
        raise CantTell("not_whole", leader=leader, count=there)
    return (judging.exercise.says("evidence", "whole", broker=leader, count=there),)


EXERCISE = Exercise(
    "04.1",
    PROGRAM,
    Words(__file__),
    judge,
    minutes=12,
    contract=("TOPIC", "BROKEN_DISK"),
    breaks=True,
)
