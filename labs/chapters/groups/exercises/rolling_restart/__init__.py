"""07.2: every member is restarted, one after another, without a rebalance.

Three members have a partition each. Each one gets SIGTERM, stays away, and is started again; one of
them stays away for longer than the least session timeout. The group's epoch (the classic protocol's
generation) must be what it was before, and each member must have its own partition again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

from labs.base.clock import now
from labs.base.words import Words
from labs.chapters.groups.exercises import team
from labs.exercise.coordinator import GroupState, described, epoch
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.places import missing, written
from labs.exercise.program import Program
from labs.exercise.verdict import NotYet

NAMES = ("desk-1", "desk-2", "desk-3")
#: How many records come in a second, and how many at last: so that each partition ends behind it.
RATE, AT_LAST = 30, 90
#: How long a restart takes, s. The least session timeout is 6 s (group.min.session.timeout.ms).
SHORT_S, LONG_S = 1.0, 8.0
#: One that can't come back is waited for no longer than that, s; its session takes 45 s.
VAIN_S = 10.0


def judge(judging: Judging) -> tuple[str, ...]:
    """Restart each member, one of them slowly, and compare the group before and after."""
    topic = judging.topic(partitions=len(NAMES))
    group = judging.group(topic)
    judging.set_group(group, consumer_heartbeat_interval_ms="1000")
    load = judging.stream(topic, None, RATE)
    members = {n: judging.program(topic=topic, group=group, instance=n) for n in NAMES}
    judging.say("starting", count=len(members))
    for program in members.values():
        program.start()
    before, first = _begin(judging, members, group), epoch(judging.cluster, group)
    owned = _owned(members, before)
    order = judging.random.sample(NAMES, len(NAMES))
    slowly = judging.random.choice(NAMES)
    for name in order:
        _restart(judging, members, name, LONG_S if name == slowly else SHORT_S, group, before)
        _require_epoch(judging, name, first, epoch(judging.cluster, group))
    load.stop()
    judging.stream(topic, AT_LAST).wait()
    _require_all(judging, topic, members)
    _require_own(judging, members, owned)
    return (
        judging.exercise.says("evidence", "same_epoch", epoch=first),
        *(judging.exercise.says("evidence", "own", name=n, partition=owned[n]) for n in NAMES),
    )


def _begin(judging: Judging, members: Mapping[str, Program], group: str) -> GroupState:
    """Wait until each has a partition.

    Raises:
        NotYet: they do not get along.
    """
    try:
        return team.await_shares(judging, [*members.values()], group)
    except NotYet:
        found = described(judging.cluster, group)
        names = sorted({member.instance for member in found.members} - {""})
        if len(names) == 1 and len(found.members) < len(members):
            seen = judging.exercise.says("evidence", "names", names=", ".join(names))
            raise NotYet("same_name", seen, programs=len(members)) from None
        raise


def _owned(members: Mapping[str, Program], group: GroupState) -> dict[str, int]:
    """Each member's partition, by the coordinator's word: a line may come late, from before.

    Who took another name than it was given is known by what it wrote last.
    """
    told = {m.instance: min(m.partitions) for m in group.members}
    return {
        name: told[name] if name in told else written(program.lines)[-1].place[0]
        for name, program in members.items()
    }


def _restart(
    judging: Judging,
    members: Mapping[str, Program],
    name: str,
    away_s: float,
    group: str,
    before: GroupState,
) -> None:
    """Stop one in good order, and start it again after a while; nothing may change in the group."""
    judging.say("restarting", name=name, seconds=round(away_s))
    program = members[name]
    others = [other for other in members.values() if other is not program]
    program.stop()
    back = now() + away_s
    taken = _is_taken(described(judging.cluster, group), name)

    def unchanged() -> None:
        time.sleep(team.PAUSE_S)
        _require_unchanged(judging, name, before, described(judging.cluster, group))

    def over() -> bool:
        unchanged()
        return now() > back

    def works() -> bool:
        unchanged()
        return program.lines[-1].life == program.lives - 1

    team.wait(others, over, away_s + judging.patience_s)
    program.start()
    try:
        team.wait([program, *others], works, VAIN_S if taken else judging.patience_s)
    except NotYet as found:
        if taken and found.why in ("hangs", "ended"):
            raise NotYet("not_closed", *found.evidence, name=name) from None
        raise


def _is_taken(group: GroupState, name: str) -> bool:
    """Whether a program's name still counts as that of a living member, though it has ended."""
    return group.new and any(m.instance == name and not m.away for m in group.members)


def _require_unchanged(judging: Judging, name: str, before: GroupState, seen: GroupState) -> None:
    """The same members are in the group, and no rebalance is under way.

    Raises:
        NotYet: it is not so; the reason is what the members' names say.
    """
    names = {member.instance for member in before.members}
    present = {member.instance for member in seen.members}
    if not present:
        return  # nobody could tell
    static = "" not in names
    same = names == present if static else _ids(before) == _ids(seen)
    if same and (seen.stable or seen.new):
        return
    says = judging.exercise.says
    shown = says("evidence", "names", names=", ".join(sorted(present - {""})) or "none")
    told = [shown] if seen.stable else [says("evidence", "under_way"), shown]
    if not static:
        raise NotYet("left", *told, name=name)
    if present - names:
        raise NotYet("new_name", *told, name=name)
    if names - present:
        raise NotYet("session_over", *told, name=name)
    raise NotYet("rebalanced", *told, name=name)


def _ids(group: GroupState) -> set[str]:
    return {member.id for member in group.members}


def _require_epoch(judging: Judging, name: str, before: int | None, seen: int | None) -> None:
    """No rebalance has come and gone unseen."""
    if None not in (before, seen) and seen != before:
        told = judging.exercise.says("evidence", "epoch", before=before, now=seen)
        raise NotYet("rebalanced", told, name=name)


def _require_all(judging: Judging, topic: str, members: Mapping[str, Program]) -> None:
    """Every record of the topic was written by somebody."""
    log, programs = judging.read(topic), [*members.values()]
    judging.say("finishing")
    with contextlib.suppress(NotYet):
        team.wait(programs, lambda: not missing(log, written(team.lines(programs))),
                  judging.patience_s)  # fmt: skip
    if missed := missing(log, written(team.lines(programs))):
        partition, offset = missed[0]
        seen = judging.exercise.says("evidence", "missing", partition=partition, offset=offset,
                                     count=len(missed))  # fmt: skip
        raise NotYet("missed", seen, partition=partition, offset=offset)


def _require_own(
    judging: Judging, members: Mapping[str, Program], owned: Mapping[str, int]
) -> None:
    """Each member has written records of its own partition alone since it was restarted."""
    for name, program in members.items():
        for each in written(program.lines):
            if each.life and each.place[0] != owned[name]:
                partition, offset = each.place
                seen = judging.exercise.says("evidence", "other", name=name, partition=partition,
                                             offset=offset, own=owned[name])  # fmt: skip
                raise NotYet("rebalanced", seen, name=name)


EXERCISE = Exercise(
    "07.2", PROGRAM, Words(__file__), judge, minutes=8, contract=("TOPIC", "GROUP", "INSTANCE")
)
