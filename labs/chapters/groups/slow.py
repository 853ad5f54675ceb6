"""Who is removed from a group: one that polls too late, one that is silent for too long."""

from __future__ import annotations

from labs.base.clock import now
from labs.base.figures import seconds
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.filling import fill
from labs.experiment.groups import SESSION_MS, drain, group_of, join, judge, shared_out
from labs.experiment.lanes import owned
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Mark
from labs.workload.group import Group
from labs.workload.judgements import LOG, PROCESSING

words = Words(__file__)

# -- max.poll.interval.ms --------------------------------------------------------------------------

RECORDS = 40

#: What is drawn of the time after a failed commit, s: A joins again, which is another story.
SHOWN_S = 0.2


def _max_poll(run: Run) -> None:
    run.make_topic(partitions=2, watch=False)
    group = group_of(run)
    interval_s = run["max_poll_interval_s"]
    options = {"max_poll_interval_ms": int(1000 * interval_s), "heartbeat_interval_ms": 500}
    plan = {"commit": "after", "options": options}
    slow, quick = group.add("A", nap_s=run["busy_s"], **plan), group.add("B", **plan)
    run.show_live(lambda: owned(run, group, "", []))
    join(run, group, slow, quick)
    fill(run, RECORDS)
    polled = run.wait(lambda: slow.first("polled"), words("awaited.first_records"))
    run.say(words("says.busy", busy_s=run["busy_s"]))
    run.wait(
        lambda: slow.first("committed") or slow.errors,
        words("awaited.committed"),
        run["busy_s"] + interval_s + 20,
    )
    slow.pace(0.0)
    shared_out(run, group)
    drain(run, group)
    until = min(now(), slow.errors[0].time + SHOWN_S if slow.errors else now())
    group.leave()
    taken = next((t for t in group.tenures() if t.member == "B" and t.since > polled.time), None)
    _tell_poll(run, group, polled.time, taken.since if taken else None, until)


def _tell_poll(run: Run, group: Group, polled: float, taken: float | None, until: float) -> None:
    slow = group.members["A"]
    error = slow.errors[0].error if slow.errors else None
    run.measurements |= {
        "put_out": int(error is not None),
        "put_out_after_ms": 1000 * (taken - polled) if taken and error else None,
        "processed_twice_records": judge(run, group).repeated,
        "commit_error": error,
    }
    what = "removed" if error else "stayed"
    after = seconds(taken - polled if taken else 0)
    run.conclude(words(f"max_poll.told.{what}", after=after, **run.values))
    marks = [Mark(polled - run.began, "polls:A")]
    if slow.errors:
        marks.append(Mark(slow.errors[0].time - run.began, "commit_fails:A"))
    title = words(f"max_poll.title.{what}", **run.values)
    run.show(owned(run, group, title, marks, until, words.under("shown")))


STAYS, TWICE, LOST = "stays", "twice", "lost"


def _outcome(result: Result) -> str | None:
    processing = result.processing
    if processing is None or processing.missed is None:
        return None
    if result.measurements["commit_error"] is None:
        return STAYS
    return LOST if processing.missed else TWICE


MAX_POLL = Experiment(
    "groups.max_poll",
    words,
    (
        Number("busy_s", 1, 8, 4, "s"),
        Number("max_poll_interval_s", 1, 30, 2, "s"),
    ),
    _max_poll,
    Options((STAYS, TWICE, LOST), _outcome),
    breaks=False,
    judges=(LOG, PROCESSING),
    formerly=("consumers.max_poll",),
)

# -- a slow handler, and a frozen process ----------------------------------------------------------

HANDLER, FROZEN = "handler", "frozen"

#: What A's batch takes when it is not the handler that is slow, s: time enough to freeze it.
SHORT_S = 1.0


def _silent(run: Run) -> None:
    run.make_topic(partitions=2, watch=False)
    group = group_of(run)
    options = {"session_timeout_ms": SESSION_MS, "heartbeat_interval_ms": 500}
    plan = {"commit": "after", "options": options}
    frozen, for_s = run["how"] == FROZEN, run["for_s"]
    first = group.add("A", nap_s=SHORT_S if frozen else for_s, **plan)
    second = group.add("B", **plan)
    run.show_live(lambda: owned(run, group, "", []))
    join(run, group, first, second)
    fill(run, RECORDS)
    polled = run.wait(lambda: first.first("polled"), words("awaited.first_records"))
    if frozen:
        run.say(words("silent.says.frozen"))
        first.freeze()
        run.sleep(for_s)
        first.thaw()
    else:
        run.say(words("says.busy", busy_s=for_s))
    run.wait(
        lambda: first.first("committed") or first.errors, words("awaited.committed"), for_s + 20
    )
    first.pace(0.0)
    shared_out(run, group)
    drain(run, group)
    until = now()
    group.leave()
    _tell_silent(run, group, polled.time, until)


def _tell_silent(run: Run, group: Group, polled: float, until: float) -> None:
    twice = judge(run, group).repeated
    taken = next((t for t in group.tenures() if t.member == "B" and t.since > polled), None)
    removed = bool(group.members["A"].errors)
    run.measurements |= {
        "removed": int(removed),
        "removed_after_ms": 1000 * (taken.since - polled) if taken and removed else None,
        "processed_twice_records": twice,
    }
    after = seconds(taken.since - polled if taken else 0)
    id = f"silent.told.{run['how']}_{'removed' if removed else 'stayed'}"
    told = words(id, after=after, session_s=SESSION_MS / 1000, **run.values)
    run.conclude(told)
    shown = words.under("shown")
    kind = "freezes:A" if run["how"] == FROZEN else "polls:A"
    run.show(owned(run, group, told, [Mark(polled - run.began, kind)], until, shown))


REMOVED = "removed"


def _kept(result: Result) -> str | None:
    return REMOVED if result.measurements["removed"] else STAYS


SILENT = Experiment(
    "groups.silent",
    words,
    (
        Choice("how", (HANDLER, FROZEN), HANDLER),
        Number("for_s", 2, 12, 9, "s"),
    ),
    _silent,
    Options((STAYS, REMOVED), _kept),
    breaks=False,
    judges=(LOG, PROCESSING),
)  # fmt: skip
