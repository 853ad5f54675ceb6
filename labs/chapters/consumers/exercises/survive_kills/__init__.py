"""05.1: a consumer that misses nothing through three kills, and repeats little.

The departure board reads slowly, and the program is always behind: so each kill meets it between a
record and the commit that covers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.groups import committed, remove_dead
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

KILLS = 3
#: How many records, at least and at most, are written between a start and the kill.
LIFE = (130, 180)
#: How many of them may come again: a batch, and a second one.
AGAIN = 100
#: Records that are there before it starts, more than the board shows until the last kill; how many
#: more come in a second meanwhile, and how many come at last.
BEFORE, RATE, AT_LAST = 600, 60, 90
#: How many lines a second the board takes.
PACE = 100


@dataclass(frozen=True)
class Kill:
    """After a life was ended, and before the next: what was committed, and whether it was a member.

    The last one is ended by SIGTERM.
    """

    life: int
    committed: dict[int, int]
    joined: bool


def judge(judging: Judging) -> tuple[str, ...]:
    """Kill it three times while it works, let it come to the end, and look for what is missing."""
    topic = judging.topic(partitions=3)
    group = judging.group(topic)
    judging.stream(topic, BEFORE).wait()
    later = judging.stream(topic, None, RATE)
    program = judging.program(PACE, topic=topic, group=group)
    judging.say("starting")
    program.start()
    kills = [_kill(judging, program, topic, group) for _ in range(KILLS)]
    program.wait(lambda: program.lines[-1].life == KILLS, judging.patience_s)
    later.stop()
    judging.stream(topic, AT_LAST).wait()  # so that each partition ends behind the last kill
    program.pace = None
    judging.say("finishing")
    log = judging.read(topic)
    await_all(program, log, judging.patience_s)
    program.stop()
    found = written(program.lines)
    if missed := missing(log, found):
        last = Kill(program.lives, committed(judging.cluster, group, topic), joined=True)
        raise _missed(judging, missed, found, kills, last)
    if not committed(judging.cluster, group, topic) and not any(k.joined for k in kills):
        raise NotYet("other_group", group=group)
    _require_little_again(judging, found, kills)
    require_values(log, found)
    return (judging.exercise.says("evidence", "all_there", records=len(log.reads)),)


def _kill(judging: Judging, program: Program, topic: str, group: str) -> Kill:
    """Kill it in the middle of its work, and start it again."""
    enough = len(program.lines) + judging.random.randint(*LIFE)
    program.wait(lambda: len(program.lines) >= enough, judging.patience_s)
    program.kill()
    life, last = program.lives, program.lines[-1].text
    dead = remove_dead(judging.cluster, group)
    told = committed(judging.cluster, group, topic)
    judging.say("killed", kill=life, line=" ".join(last.split(" ", 2)[:2]))
    program.start()
    return Kill(life, told, bool(dead))


def _missed(
    judging: Judging, missed: list[Place], found: list[Written], kills: list[Kill], last: Kill
) -> NotYet:
    """Why a record was missed: one that was committed too early, else the first."""
    says = judging.exercise.says
    late = _began_late(found)  # it may have committed as well, behind what it never read
    kept_back = [place for place in missed if place[1] > _ends(found).get(place[0], -1)]
    early = None
    if not late:
        early = _committed_early(missed, kills) or _committed_early(kept_back, [last])
    (partition, offset), kill = early or (missed[0], None)
    place = {"partition": partition, "offset": offset}
    gone = says("evidence", "missing", **place, count=len(missed))
    if late:
        began = says("evidence", "began", partition=min(late), first=late[min(late)])
        return NotYet("began_at_end", gone, began, **place)
    if kill:
        at = says("evidence", "committed", **place, kill=kill.life,
                  committed=kill.committed[partition])  # fmt: skip
        return NotYet("committed_first", gone, at, **place, kill=kill.life)
    own = [w.place[1] for w in found if w.place[0] == partition]
    first = min(own, default=None)
    if first is None or offset < first:
        began = says("evidence", "began", partition=partition, first=first)
        return NotYet("began_at_end", gone, began, **place)
    if offset < max(own):
        return NotYet("skipped", gone, **place)
    return NotYet("stopped_early", gone, **place)


def _committed_early(missed: list[Place], kills: list[Kill]) -> tuple[Place, Kill] | None:
    """A missing record that counted as done when a kill came, and that kill."""
    for (partition, offset), kill in product(missed, kills):
        if offset < kill.committed.get(partition, 0):
            return (partition, offset), kill
    return None


def _ends(found: list[Written]) -> dict[int, int]:
    """The highest offset of each partition that was written."""
    return dict(sorted(each.place for each in found))


def _began_late(found: list[Written]) -> dict[int, int]:
    """Where its first life began behind the beginning of the log: partition → offset."""
    first: dict[int, int] = {}
    for each in found:
        partition, offset = each.place
        if each.life == 0:
            first[partition] = min(offset, first.get(partition, offset))
    return {partition: offset for partition, offset in first.items() if offset > 0}


def _require_little_again(judging: Judging, found: list[Written], kills: list[Kill]) -> None:
    """Little of what a life has written before its kill comes again, in whichever life."""
    for kill in kills:
        before = {each.place for each in found if each.life == kill.life - 1}
        again = sorted(before & {each.place for each in found if each.life >= kill.life})
        if len(again) > AGAIN:
            partition, offset = again[0]
            told = judging.exercise.says(
                "evidence", "again", partition=partition, offset=offset, kill=kill.life,
                count=len(again), committed=kill.committed.get(partition, "none"),
            )  # fmt: skip
            raise NotYet("committed_seldom", told, count=len(again), kill=kill.life, limit=AGAIN)


EXERCISE = Exercise(
    "05.1", PROGRAM, Words(__file__), judge, minutes=12, contract=("TOPIC", "GROUP")
)
