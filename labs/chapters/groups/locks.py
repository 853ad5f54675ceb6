"""A member of a share group is lost with records in its hands: when do others get them?"""

from __future__ import annotations

from labs.base.clock import now
from labs.base.figures import seconds
from labs.base.words import Words
from labs.chapters.groups.queues import (
    await_all,
    await_stable,
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

#: How long A works before it processes what it has taken, s: it is lost within that time.
BUSY_S = 3.0


def _locks(run: Run) -> None:
    run.make_topic(watch=False)
    lock_ms = str(1000 * run["lock_s"])
    group = share_group_of(run, {"share.record.lock.duration.ms": lock_ms})
    first = group.add("A", **share_plan(nap_s=BUSY_S))
    second = group.add("B", **share_plan(process_ms=PROCESS_MS))
    run.show_live(lambda: by_offset(run, group, "", []))
    first.join()
    await_stable(run, group)
    second.join()
    fill_singly(run, RECORDS)
    taken = run.wait(lambda: first.first("polled"), "A had taken records")
    at = now()
    run.say("A is lost, with records in its hands")
    if run["how"] == SIGKILL:
        first.kill()
    else:
        first.freeze()
    unfinished = await_all(run, group)
    if run["how"] == SIGSTOP:
        run.say("A wakes up, and goes on with what it had taken")
        first.thaw()
        run.wait(lambda: len(first.reads) >= taken.count, "A had processed it, too")
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
        "back_after_ms": None if back is None else 1000 * (back - taken.time),
        "processed_twice_records": twice,
    }
    lost = "was killed" if run["how"] == SIGKILL else "was frozen"
    after = f"{seconds(back - taken.time)} after A had taken them" if back else "not at all"
    told = f"A {lost} with {len(held)} records; B got them {after} (lock: {run['lock_s']} s)"
    run.conclude(told)
    mark = "killed:A" if run["how"] == SIGKILL else "freezes:A"
    run.show(by_offset(run, group, told, [Mark(at - run.began, mark)]))


AT_ONCE, AFTER_LOCK, NEVER = "at_once", "after_lock", "never"

#: A lock runs from when the broker hands a record out, a little before A reports it.
NEARLY = 0.9


def _when(result: Result) -> str | None:
    back = result.measurements["back_after_ms"]
    if not isinstance(back, int | float):
        return NEVER
    return AFTER_LOCK if back >= NEARLY * 1000 * int(result.settings["lock_s"]) else AT_ONCE


LOCKS = Experiment(
    "groups.locks",
    words,
    (
        Choice("how", (SIGKILL, SIGSTOP), SIGKILL,
               "how A is lost: killed, or frozen (its connection stays open)"),
        Number("lock_s", 3, 15, 6, "share.record.lock.duration.ms (default 30 s)", "s"),
    ),
    _locks,
    Options((AT_ONCE, AFTER_LOCK, NEVER), _when),
    breaks=False,
    judges=(LOG, PROCESSING),
    needs={("how", SIGKILL): SHARE_GROUPS, ("how", SIGSTOP): SHARE_GROUPS},
    about=("processed_twice_records",),
)  # fmt: skip
