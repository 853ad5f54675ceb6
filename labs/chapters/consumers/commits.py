"""When an offset is committed decides what a crash costs: records twice, or never."""

from __future__ import annotations

from typing import Any

from labs.base.clock import now
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.filling import fill
from labs.experiment.groups import SESSION_MS, drain, group_of, join, judge, places, shared_out
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number, Switch
from labs.experiment.views import Lines, Mark
from labs.workload.group import Group
from labs.workload.judgements import LOG, PROCESSING
from labs.workload.member import Member

words = Words(__file__)

AUTO, AUTO_ASYNC, BEFORE, AFTER = "auto", "auto_async", "before", "after"

RECORDS, BATCH = 300, 50
AUTO_COMMIT_MS = 500

#: The crash comes in the middle of a batch, the third or a later one.
CRASH_AFTER, CRASH_WITHIN = 2 * BATCH, range(BATCH // 3, 2 * BATCH // 3)

_PLANS: dict[str, dict[str, Any]] = {
    AUTO: {"commit": "auto"},
    AUTO_ASYNC: {"commit": "auto", "asynchronous": True},
    BEFORE: {"commit": "before"},
    AFTER: {"commit": "after"},
}


def _commits(run: Run) -> None:
    run.make_topic(watch=False)
    group = group_of(run)
    options = {
        "session_timeout_ms": SESSION_MS,
        "heartbeat_interval_ms": 1000,
        "auto_commit_interval_ms": AUTO_COMMIT_MS,
    }
    plan = {"process_ms": run["process_ms"], "max_records": BATCH, "options": options}
    first, second = (group.add(name, **plan, **_PLANS[run["when"]]) for name in "AB")
    fill(run, RECORDS)
    run.show_live(lambda: _view(run, group, "", []))
    join(run, group, first)
    run.say(words("commits.says.processing"))
    run.wait(lambda: _midway(first), words("commits.awaited.midway"))
    at = _end(run, first)
    place = places(run, group).get(0, 0)
    done = max(read.offset for read in first.reads)
    second.pace(1.0)
    second.join()
    run.say(words("commits.says.joining"))
    shared_out(run, group)
    drain(run, group)
    group.leave()
    processing = judge(run, group)
    missed, twice = processing.missed, processing.repeated
    run.measurements |= {
        "never_processed_records": missed,
        "processed_twice_records": twice,
        "committed_at_crash_offset": place,
        "processed_at_crash_offset": done + 1,
    }
    fate = words(f"commits.fate.{'unknown' if missed is None else 'known'}", **run.values)
    how = "killed" if run["crash"] else "left"
    run.conclude(words(f"commits.told.{how}", done=done, place=place, fate=fate))
    title = words(f"commits.title.{run['when']}", fate=fate)
    run.show(_view(run, group, title, [Mark(at - run.began, f"a_{how}:{place}")]))


def _midway(member: Member) -> bool:
    done = len(member.reads)
    return done >= CRASH_AFTER and done % BATCH in CRASH_WITHIN


def _end(run: Run, member: Member) -> float:
    if run["crash"]:
        run.say(words("commits.says.killing"))
        return member.kill()
    at = now()
    member.leave()
    member.await_end(10)
    return at


def _view(run: Run, group: Group, title: str, marks: list[Mark]) -> Lines:
    series = {
        f"processed_by:{member.name}": [(r.time - run.began, r.offset) for r in list(member.reads)]
        for member in group.members.values()
    }
    shown = {name: points for name, points in series.items() if points}
    return Lines(title, shown, "elapsed_s", "offset", marks, dots=True, names=words.under("shown"))


ONCE, TWICE, NEVER = "once", "twice", "never"


def _fate(result: Result) -> str | None:
    processing = result.processing
    if not result.settings["crash"] or processing is None or processing.missed is None:
        return None
    if processing.missed and processing.repeated:
        return None
    return NEVER if processing.missed else TWICE if processing.repeated else ONCE


COMMITS = Experiment(
    "consumers.commits",
    words,
    (
        Choice("when", (AUTO, AUTO_ASYNC, BEFORE, AFTER), AUTO),
        Switch("crash", True),
        Number("process_ms", 5, 20, 10, "ms"),
    ),
    _commits,
    Options((ONCE, TWICE, NEVER), _fate),
    breaks=False,
    judges=(LOG, PROCESSING),
)  # fmt: skip
