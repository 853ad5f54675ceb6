"""Several of the learner's programs at once: the members of one group."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from labs.exercise.coordinator import GroupState, described
from labs.exercise.judging import Judging
from labs.exercise.program import Line, Program
from labs.exercise.verdict import NotYet

#: KIP-848's clocks are the group's own, on the brokers: a dead member is missed after 6 s here
#: (45 s by default), and a member hears of a change each second (5 s), if the brokers allow that.
CLOCKS = {
    "consumer_session_timeout_ms": "6000",
    "consumer_heartbeat_interval_ms": "1000",
}

#: The group's coordinator is asked no more often than that, s.
PAUSE_S = 0.1


def wait(programs: Sequence[Program], until: Callable[[], object], timeout_s: float) -> None:
    """Wait for something while all of these run; as `Program.wait`."""
    first, *others = programs

    def done() -> bool:
        if until():
            return True
        for program in others:
            program.require_alive()
        return False

    first.wait(done, timeout_s)


def await_shares(judging: Judging, programs: Sequence[Program], group: str) -> GroupState:
    """Wait until the group has these members, each with one partition, and each has written.

    Raises:
        NotYet: one has ended, or they do not share the partitions in time.
    """
    found = GroupState()

    def shared() -> bool:
        nonlocal found
        time.sleep(PAUSE_S)
        found = described(judging.cluster, group)
        each = [len(member.partitions) for member in found.members]
        return found.stable and each == [1] * len(programs) and all(p.lines for p in programs)

    try:
        wait(programs, shared, judging.patience_s)
    except NotYet as why:
        if why.why != "hangs" or len(found.members) == len(programs):
            raise
        raise NotYet("not_together", *why.evidence, members=len(found.members),
                     programs=len(programs)) from None  # fmt: skip
    return found


def lines(programs: Sequence[Program]) -> list[Line]:
    """What all of them have written, in the order in which it came."""
    return sorted((line for program in programs for line in program.lines), key=lambda li: li.time)
