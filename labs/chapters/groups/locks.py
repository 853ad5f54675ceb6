"""A member of a share group is lost with records in its hands: when do others get them?"""

from __future__ import annotations

from labs.base.clock import now
from labs.base.figures import seconds
from labs.base.words import Words
from labs.chapters.groups.queues import (
    await_all,
    await_taken,
    by_offset,
    fill_singly,
    judge_queue,
    share_group_of,
    share_plan,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Mark
from labs.kafka.features import SHARE_GROUPS
from labs.workload.group import Group
from labs.workload.judgements import LOG, PROCESSING
from labs.workload.member import Event

words = Words(__file__)

SIGKILL, SIGSTOP = "SIGKILL", "SIGSTOP"
RECORDS, PROCESS_MS = 20, 50

#: A goes on working for so long after its lock has ended: it is lost with all that it took, s.
LONGER_S = 2.0


def _locks(run: Run) -> None:
    run.make_topic(watch=False)
    lock_ms = str(1000 * run["lock_s"])
    group = share_group_of(run, {"share.record.lock.duration.ms": lock_ms})
    first = group.add("A", **share_plan(nap_s=run["lock_s"] + LONGER_S))
    second = group.add("B", **share_plan(process_ms=PROCESS_MS))
    run.show_live(lambda: by_offset(run, group, "", []))
    fill_singly(run, RECORDS)
    # One after the other: if both joined at once, B might take all there is before A has joined.
    taken = await_taken(run, first)
    await_taken(run, second)
    at = now()
    run.say(words("locks.says.losing"))
    if run["how"] == SIGKILL:
        first.kill()
    else:
        first.freeze()
    unfinished = await_all(run, group)
    if run["how"] == SIGSTOP:
        run.say(words("locks.says.waking"))
        first.thaw()
        run.wait(lambda: len(first.reads) >= taken.count, words("locks.awaited.done"))
    group.leave()
    judge_queue(run, group, unfinished)
    _tell(run, group, taken, at)


def _tell(run: Run, group: Group, taken: Event, at: float) -> None:
    start = dict(taken.offsets)[0]
    held = range(start, start + taken.count)
    back = min((r.time for r in group.members["B"].reads if r.offset in held), default=None)
    twice = len(group.reads) - len({read.offset for read in group.reads})
    run.measurements |= {
        "taken_records": len(held),
        "lost_after_ms": 1000 * (at - taken.time),
        "back_after_ms": None if back is None else 1000 * (back - taken.time),
        "processed_twice_records": twice,
    }
    lost = "killed" if run["how"] == SIGKILL else "freezes"
    id = f"locks.told.{lost}_{'never_back' if back is None else 'back'}"
    later, after = (seconds((back or at) - since) for since in (at, taken.time))
    told = words(id, later=later, after=after, **run.values)
    run.conclude(told)
    run.show(by_offset(run, group, told, [Mark(at - run.began, f"{lost}:A")]))


AT_ONCE, AFTER_LOCK, NEVER = "at_once", "after_lock", "never"

#: A lock runs from when the broker hands a record out, a little before A reports it.
NEARLY = 0.9


def _when(result: Result) -> str | None:
    """None: on a very busy machine B joined so late that A's lock had ended before A was lost."""
    lock_ms = NEARLY * 1000 * int(result.settings["lock_s"])
    back, lost = (result.measurements[name] for name in ("back_after_ms", "lost_after_ms"))
    if not isinstance(back, int | float):
        return NEVER
    if isinstance(lost, int | float) and lost >= lock_ms:
        return None
    return AFTER_LOCK if back >= lock_ms else AT_ONCE


LOCKS = Experiment(
    "groups.locks",
    words,
    (
        Choice("how", (SIGKILL, SIGSTOP), SIGKILL),
        Number("lock_s", 3, 15, 6, "s"),
    ),
    _locks,
    Options((AT_ONCE, AFTER_LOCK, NEVER), _when),
    breaks=False,
    judges=(LOG, PROCESSING),
    needs={("how", SIGKILL): SHARE_GROUPS, ("how", SIGSTOP): SHARE_GROUPS},
    about=("processed_twice_records",),
)  # fmt: skip
