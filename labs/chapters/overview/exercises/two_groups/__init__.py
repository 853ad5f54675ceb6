"""01.2: one program, started for two groups: each reads the whole log, and goes on where it was."""

from __future__ import annotations

from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.groups import committed, members, readers, remove_dead
from labs.exercise.judging import Judging
from labs.exercise.places import (
    Place,
    await_all,
    await_places,
    missing,
    repeated,
    require_values,
    written,
)
from labs.exercise.program import Program
from labs.exercise.verdict import NotYet
from labs.workload.history import Log

#: Two teams: each has a group of its own.
TEAMS = ("dashboard", "billing")
#: Records that are there before the programs start; how many more come in a second until both
#: have begun; and how many come afterwards, and again while one program is stopped.
BEFORE, RATE, AT_LAST = 300, 60, 60
#: How much of the patience a group may need until it has committed; the clients do every 5 s.
COMMITTING = 0.5


def judge(judging: Judging) -> tuple[str, ...]:
    """Run it for both teams, then stop it for one, and start it again."""
    topic = judging.topic(partitions=3)
    judging.stream(topic, BEFORE).wait()
    programs = {team: judging.program(topic=topic, group=_group(topic, team)) for team in TEAMS}
    later = judging.stream(topic, None, RATE)
    for team, program in programs.items():
        judging.say("starting", team=team)
        program.start()
    for program in programs.values():
        _await_begun(judging, program)
    _require_two_groups(judging, topic, programs)
    later.stop()
    judging.stream(topic, AT_LAST).wait()  # so that each partition ends behind the start of both
    log = judging.read(topic)
    for team, program in programs.items():
        judging.say("reading", team=team)
        await_all(program, log, judging.patience_s)
        _require_all(judging, topic, log, team, programs)
    team = judging.random.choice(TEAMS)
    _require_goes_on(judging, topic, log, team, programs[team])
    says = judging.exercise.says
    return (
        says("evidence", "all_there", count=len(log.reads)),
        says("evidence", "went_on", team=team, count=AT_LAST),
    )


def _group(topic: str, team: str) -> str:
    return f"{topic}-{team}"


def _await_begun(judging: Judging, program: Program) -> None:
    program.wait(lambda: program.lines, judging.patience_s)


# -- each reads everything -------------------------------------------------------------------------


def _require_two_groups(judging: Judging, topic: str, programs: dict[str, Program]) -> None:
    """Both may have joined one group: then it divides the partitions between them."""
    own = {_group(topic, team) for team in TEAMS}
    for group, count in readers(judging.cluster, topic).items():
        if group in own or count < len(TEAMS):
            continue
        for program in programs.values():
            program.kill()
        remove_dead(judging.cluster, group)  # or the next try would wait for the dead
        told = judging.exercise.says("evidence", "members", group=group, count=count)
        raise NotYet("one_group", told, group=group)


def _require_all(
    judging: Judging, topic: str, log: Log, team: str, programs: dict[str, Program]
) -> None:
    found = written(programs[team].lines)
    missed = missing(log, found)
    if not missed:
        return
    _require_two_groups(judging, topic, programs)
    says = judging.exercise.says
    partition, offset = missed[0]
    place = {"partition": partition, "offset": offset, "team": team}
    gone = says("evidence", "missing", **place, count=len(missed))
    own = [each.place[1] for each in found if each.place[0] == partition]
    if not own:
        raise NotYet("one_partition", gone, **place)
    if offset < min(own):
        began = says("evidence", "began", partition=partition, first=min(own))
        raise NotYet("began_at_end", gone, began, **place)
    raise NotYet("skipped", gone, **place)


# -- and goes on where it was ----------------------------------------------------------------------


def _require_goes_on(judging: Judging, topic: str, log: Log, team: str, program: Program) -> None:
    """Stop it, send more, and start it again: only what is new may come."""
    group = _group(topic, team)
    in_group = bool(members(judging.cluster, group))
    if in_group:
        judging.say("committing", team=team)
        judging.await_(
            lambda: _committed_all(judging, group, topic, log),
            judging.exercise.says("awaited", "end"),
            COMMITTING * judging.patience_s,
        )
    judging.say("stopping", team=team, count=AT_LAST)
    program.stop()
    remove_dead(judging.cluster, group)
    load = judging.stream(topic, AT_LAST)
    load.wait()
    new = {
        (s.partition, s.offset)
        for s in load.sends
        if s.partition is not None and s.offset is not None
    }
    program.start()
    await_places(program, new, judging.patience_s)
    found = written(program.lines)
    if again := repeated(found).get(1):
        raise _again(judging, topic, team, again)
    require_values(log, found)
    if lost := new - {each.place for each in found}:
        partition, offset = min(lost)
        place = {"partition": partition, "offset": offset, "team": team}
        raise NotYet(
            "stopped",
            judging.exercise.says("evidence", "missing", **place, count=len(lost)),
            **place,
        )


def _committed_all(judging: Judging, group: str, topic: str, log: Log) -> bool:
    at = committed(judging.cluster, group, topic)
    return all(at.get(partition, 0) >= end for partition, end in log.ends.items())


def _again(judging: Judging, topic: str, team: str, again: list[Place]) -> NotYet:
    """Why a record came again: by what did Kafka know the program?"""
    says, group = judging.exercise.says, _group(topic, team)
    partition, offset = again[0]
    told = says("evidence", "again", partition=partition, offset=offset, count=len(again))
    if committed(judging.cluster, group, topic):
        return NotYet("committed_late", told, team=team)
    others = [
        g for g in readers(judging.cluster, topic) if g not in {_group(topic, t) for t in TEAMS}
    ]
    if others:
        return NotYet(
            "other_group",
            told,
            says("evidence", "joined", group=others[0]),
            group=group,
            other=others[0],
        )
    return NotYet("no_group", told, group=group)


EXERCISE = Exercise("01.2", PROGRAM, Words(__file__), judge, minutes=8, contract=("TOPIC", "GROUP"))
