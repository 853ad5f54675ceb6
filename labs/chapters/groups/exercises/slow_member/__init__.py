"""07.1: one member is slow, and a fourth joins: the others go on, and nothing is missed.

One record takes long to handle. While its member is at it, a fourth member joins: with the eager
protocol, and a handler that holds up `poll`, everybody waits for that record. Then all are killed
in the middle of it, and one is started again: an offset that was committed too early loses it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from itertools import pairwise

from labs.base.clock import now
from labs.base.flights import flights
from labs.base.words import Words
from labs.chapters.groups.exercises import team
from labs.exercise.coordinator import described
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.groups import committed, remove_dead
from labs.exercise.judging import Judging
from labs.exercise.places import Place, written
from labs.exercise.program import Program
from labs.exercise.verdict import CantTell, NotYet

PARTITIONS = 3
#: How many records come in a second.
RATE = 24
#: How long the other partitions are watched after the fourth has joined, s; on a machine that is
#: slow, three times as long as a start takes there. Members hear of it with their next heartbeat,
#: which may take 3 s.
WATCH_S = 8.0
#: For so much of that time, in one piece, a partition may get no record handled.
LIMIT = 0.4
#: How long the slow record takes beyond that, and beyond the time that a start takes here, s.
SPARE_S = 1.5
#: So often a further member may come too late, on a machine that has much to do.
TRIES = 3
#: A program's clock and ours are one; that a line is early by so much is not the clock's fault, s.
EARLY_S = 0.5


@dataclass(frozen=True)
class Slow:
    """The record that takes long: where it is, since when, and for how long, s.

    `watch_s`: how long the others are watched meanwhile.
    """

    place: Place
    at: float
    takes_s: float
    watch_s: float


def judge(judging: Judging) -> tuple[str, ...]:
    """Make one slow, have a fourth join, watch the others, kill all, and look what is missing."""
    topic = judging.topic(partitions=PARTITIONS)
    group = judging.group(topic)
    judging.set_group(group, **team.CLOCKS)
    bodies = [(str(f.tailnum).encode(), f.value) for f in flights(2000)]
    load = judging.stream(topic, None, RATE, payload=lambda n: bodies[n % len(bodies)])
    programs = [judging.program(topic=topic, group=group) for _ in range(PARTITIONS)]
    judging.say("starting", count=len(programs))
    began = now()
    for program in programs:
        program.start()
    at_work = {member.id for member in team.await_shares(judging, programs, group).members}
    start_s = team.lines(programs)[0].time - began
    slow, joined = _have_one_join(judging, programs, topic, group, at_work, start_s)
    judging.say("joined")
    team.wait(programs, lambda: now() > joined + slow.watch_s, 2 * slow.watch_s)
    _require_members(judging, group, at_work, slow)
    _require_handled(programs, slow)
    _require_others(judging, programs, slow, joined)
    load.stop()
    for program in programs:
        program.kill()
    told = committed(judging.cluster, group, topic)
    if not told:
        raise NotYet("never_committed", group=group)
    remove_dead(judging.cluster, group)
    judging.say("killed")
    log = judging.read(topic)
    due = {(read.partition, read.offset) for read in log.reads}
    _finish(judging, programs, due, told, slow)
    _require_all(judging, programs, due, told)
    return (judging.exercise.says("evidence", "all_there", records=len(due)),)


# -- what is done to them --------------------------------------------------------------------------


def _send_slow(judging: Judging, topic: str, programs: list[Program], start_s: float) -> Slow:
    """Send the slow record to one of the partitions; returns when its member is at it."""
    partition = judging.random.randrange(PARTITIONS)
    watch_s = max(WATCH_S, 3 * start_s)
    takes_s = round(watch_s + start_s + SPARE_S, 1)
    flight = {**json.loads(next(flights(1)).value), "takes_s": takes_s}
    sent = judging.producer(acks="all").send(
        topic, json.dumps(flight).encode(), partition=partition
    )
    offset = sent.get(timeout=30).offset
    at = now()
    team.wait(programs, lambda: (partition, offset - 1) in _places(programs), judging.patience_s)
    until = now() + EARLY_S  # it may take a moment to go on to the next one
    team.wait(programs, lambda: now() > until, judging.patience_s)
    return Slow((partition, offset), at, takes_s, watch_s)


def _have_one_join(
    judging: Judging,
    programs: list[Program],
    topic: str,
    group: str,
    at_work: set[str],
    start_s: float,
) -> tuple[Slow, float]:
    """While one is at a slow record, start one more program; returns when it was in the group.

    A start takes its time, here about `start_s`. One that came too late is no trial: then again.

    Raises:
        CantTell: it came too late each time.
    """
    for _ in range(TRIES):
        slow = _send_slow(judging, topic, programs, start_s)
        judging.say("slow", partition=slow.place[0], seconds=round(slow.takes_s))
        programs.append(judging.program(topic=topic, group=group))
        programs[-1].start()
        began = now()
        _await_join(judging, programs, group, at_work, slow)
        joined, start_s = now(), 2 * (now() - began)
        if joined + slow.watch_s < slow.at + slow.takes_s:
            return slow, joined
        team.wait(programs, lambda: slow.place in _places(programs), judging.patience_s)  # noqa: B023
    raise CantTell("joined_late")


def _await_join(
    judging: Judging, programs: list[Program], group: str, at_work: set[str], slow: Slow
) -> None:
    """Wait until all programs are in the group."""

    def joined() -> bool:
        time.sleep(team.PAUSE_S)
        return len(_require_members(judging, group, at_work, slow)) == len(programs)

    team.wait(programs, joined, judging.patience_s)


def _finish(
    judging: Judging,
    programs: list[Program],
    due: set[Place],
    told: dict[int, int],
    slow: Slow,
) -> None:
    """Start one again, and wait until it has handled what was not committed."""
    left = {place for place in due if place[1] >= told.get(place[0], 0)}
    again = programs[0]
    again.start()
    seen = len(again.lines)

    def over() -> bool:
        mine = [each.place for each in written(again.lines[seen:])]
        if mine.count(slow.place) > 1:
            raise NotYet("handed_on", _said_of(judging, slow), seconds=slow.takes_s)
        return left <= _places(programs)

    try:
        again.wait(over, slow.takes_s + judging.patience_s)
    except NotYet as found:
        if found.why != "hangs":
            raise
    again.kill()


# -- what is asked of them -------------------------------------------------------------------------


def _require_members(judging: Judging, group: str, at_work: set[str], slow: Slow) -> set[str]:
    """Nobody was removed from the group; returns who is in it."""
    members = {member.id for member in described(judging.cluster, group).members}
    if members and not at_work <= members:
        raise NotYet("handed_on", _said_of(judging, slow), seconds=slow.takes_s)
    return members


def _said_of(judging: Judging, slow: Slow) -> str:
    partition, offset = slow.place
    return judging.exercise.says("evidence", "slow", partition=partition, offset=offset,
                                 seconds=slow.takes_s)  # fmt: skip


def _require_handled(programs: list[Program], slow: Slow) -> None:
    early = slow.at + slow.takes_s - EARLY_S
    for line in team.lines(programs):
        if line.time < early and written([line])[0].place == slow.place:
            raise NotYet("not_handled", took=round(line.time - slow.at, 1), seconds=slow.takes_s)


def _require_others(judging: Judging, programs: list[Program], slow: Slow, joined: float) -> None:
    """No other partition's records have waited for the slow one.

    Raises:
        NotYet: some did, and did so until its member was done.
        CantTell: some waited for something else.
    """
    others = set(range(PARTITIONS)) - {slow.place[0]}
    waits = {p: _longest_wait(programs, p, slow.at) for p in others}
    waited = {p: wait for p, wait in waits.items() if wait > LIMIT * slow.watch_s}
    if not waited:
        return
    partition = max(waited, key=lambda p: waited[p])
    longest = {"partition": partition, "seconds": round(waited[partition], 1)}
    seen = judging.exercise.says("evidence", "waited", **longest, ago=round(now() - joined, 1))
    if _go_on(programs, set(waited), slow.at + slow.takes_s - EARLY_S):
        raise CantTell("paused", **longest)
    raise NotYet("others_waited", _said_of(judging, slow), seen)


def _go_on(programs: list[Program], partitions: set[int], until: float) -> bool:
    """Whether a record of each of these partitions is handled from now until then."""
    begun, found = now(), set[int]()
    while now() < until and not partitions <= found:
        time.sleep(team.PAUSE_S)
        since = [line for line in team.lines(programs) if line.time > begun]
        found = {each.place[0] for each in written(since)}
    return partitions <= found


def _longest_wait(programs: list[Program], partition: int, since: float) -> float:
    """How long no record of a partition was handled, at the longest, s."""
    all_lines = team.lines(programs)
    own = [li.time for li in all_lines if written([li])[0].place[0] == partition]
    times = [since, *(time for time in own if time > since), now()]
    return max(after - before for before, after in pairwise(times))


def _require_all(
    judging: Judging, programs: list[Program], due: set[Place], told: dict[int, int]
) -> None:
    missed = sorted(due - _places(programs))
    if not missed:
        return
    says = judging.exercise.says
    for partition, offset in missed:
        if offset < told.get(partition, 0):
            at = says("evidence", "committed", partition=partition, offset=offset,
                      committed=told[partition])  # fmt: skip
            raise NotYet("committed_first", at, partition=partition, offset=offset)
    partition, offset = missed[0]
    gone = says("evidence", "missing", partition=partition, offset=offset, count=len(missed))
    raise NotYet("missed", gone, partition=partition, offset=offset)


def _places(programs: list[Program]) -> set[Place]:
    return {each.place for each in written(team.lines(programs))}


EXERCISE = Exercise(
    "07.1", PROGRAM, Words(__file__), judge, minutes=20, contract=("TOPIC", "GROUP")
)
