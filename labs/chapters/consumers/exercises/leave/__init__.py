"""05.2: a consumer that leaves its group at SIGTERM, so that nobody waits and nothing comes twice.

Whether it has left is asked of the group itself, when its process is over: no pause is measured.
"""

from __future__ import annotations

from contextlib import suppress

from labs.base.errors import LabsError
from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.groups import committed, members, static_members
from labs.exercise.judging import Judging
from labs.exercise.places import (
    Place,
    Written,
    await_all,
    missing,
    require_values,
    written,
)
from labs.exercise.program import Program
from labs.exercise.verdict import NotYet

#: Records that are there before it starts, more than both write until one leaves, and at last.
BEFORE, AT_LAST = 2000, 60
#: How many lines a second a board takes: both programs are always behind, in the midst of a batch.
PACE = 50
#: How long Kafka may take to strike out a member that has said that it leaves, s.
LEAVE_S = 2.0


def judge(judging: Judging) -> tuple[str, ...]:
    """Let two of it share the work, end the first, and see whether the second may go on."""
    topic = judging.topic(partitions=2)
    group = judging.group(topic)
    judging.stream(topic, BEFORE).wait()
    first, second = (judging.program(PACE, topic=topic, group=group) for _ in range(2))
    judging.say("starting")
    first.start()
    first.wait(lambda: first.lines, judging.patience_s)
    second.start()
    _both_work(judging, first, second)
    judging.say("leaving")
    first.pace = None
    first.stop()
    _require_left(judging, group)
    judging.stream(topic, AT_LAST).wait()
    second.pace = None
    judging.say("finishing")
    log = judging.read(topic)
    await_all(second, log, judging.patience_s)
    reached = committed(judging.cluster, group, topic)
    one, two = written(first.lines), written(second.lines)
    if missed := missing(log, [*one, *two]):
        raise _missed(judging, missed, reached)
    evidence = _require_none_again(judging, one, two)
    require_values(log, [*one, *two])
    second.stop()
    return evidence


def _both_work(judging: Judging, first: Program, second: Program) -> None:
    """Wait until each has a partition of its own, and the first has been at work on its own.

    The second has written something; whatever of its partition the first had in the pipe is read.
    """
    second.wait(lambda: second.lines, judging.patience_s)
    enough = len(first.lines) + judging.random.randint(60, 100)
    first.wait(lambda: len(first.lines) >= enough, judging.patience_s)


def _require_left(judging: Judging, group: str) -> None:
    with suppress(LabsError):
        left = judging.exercise.says("awaited", "left")
        wait_for(lambda: len(members(judging.cluster, group)) < 2, left, LEAVE_S)
        return
    static = static_members(judging.cluster, group)
    stayed = judging.exercise.says("evidence", "stayed", group=group)
    reason = "static_member" if static else "did_not_leave"
    raise NotYet(reason, stayed, name=static[0] if static else "")


def _missed(judging: Judging, missed: list[Place], reached: dict[int, int]) -> NotYet:
    says, (partition, offset) = judging.exercise.says, missed[0]
    gone = says("evidence", "missing", partition=partition, offset=offset, count=len(missed))
    if offset >= reached.get(partition, 0):
        return NotYet("did_not_leave", gone)
    at = says("evidence", "committed", partition=partition, committed=reached[partition])
    return NotYet("committed_unwritten", gone, at)


def _require_none_again(
    judging: Judging, one: list[Written], two: list[Written]
) -> tuple[str, ...]:
    """The second must have begun behind the first in the partition that the first had at last."""
    says, (partition, last) = judging.exercise.says, one[-1].place
    before = {each.place for each in one}
    if again := [e.place for e in two if e.place in before and e.place[0] == partition]:
        _, offset = again[0]
        twice = says("evidence", "again", partition=partition, offset=offset, count=len(again))
        raise NotYet("left_uncommitted", twice)
    return (says("evidence", "left", partition=partition, offset=last),)


EXERCISE = Exercise(
    "05.2", PROGRAM, Words(__file__), judge, minutes=10, contract=("TOPIC", "GROUP")
)
