"""Who is removed from a group, and whose restart the others do not notice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from labs.base.clock import now
from labs.base.figures import seconds
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.filling import evenly, fill
from labs.experiment.groups import SESSION_MS, drain, group_of, join, judge, shared_out
from labs.experiment.lanes import gap_ms, named, owned, working
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number, Switch
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
    polled = run.wait(lambda: slow.first("polled"), "A had got its first records")
    run.say(f"A works for {run['busy_s']} s before it polls again")
    run.wait(
        lambda: slow.first("committed") or slow.errors,
        "A had committed",
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
    processing = judge(run, group)
    twice = processing.repeated
    run.measurements |= {
        "put_out": int(error is not None),
        "put_out_after_ms": 1000 * (taken - polled) if taken and error else None,
        "processed_twice_records": twice,
        "commit_error": error,
    }
    if error:
        told = (
            f"A was removed {seconds(taken - polled if taken else 0)} after its poll, although its"
            f" heartbeats went on; its commit failed ({error}), and {twice} records were"
            " processed twice"
        )
    else:
        told = f"A worked for {run['busy_s']} s and stayed; {twice} records were processed twice"
    run.conclude(told)
    marks = [Mark(polled - run.began, "polls:A")]
    if slow.errors:
        marks.append(Mark(slow.errors[0].time - run.began, "commit_fails:A"))
    title = "A is removed, and B processes its records" if error else "A stays"
    run.show(owned(run, group, f"{title} ({twice} processed twice)", marks, until,
                   words.under("shown")))  # fmt: skip


STAYS, TWICE, LOST = "stays", "twice", "lost"


def _outcome(result: Result) -> str | None:
    processing = result.processing
    if processing is None or processing.missed is None:
        return None
    if result.measurements["commit_error"] is None:
        return STAYS
    return LOST if processing.missed else TWICE


MAX_POLL = Experiment(
    "consumers.max_poll",
    words,
    (
        Number("busy_s", 1, 8, 4, "how long A works before it polls again", "s"),
        Number("max_poll_interval_s", 1, 30, 2, "max.poll.interval.ms (default 300 s)", "s"),
    ),
    _max_poll,
    Options((STAYS, TWICE, LOST), _outcome),
    breaks=False,
    judges=(LOG, PROCESSING),
)

# -- static membership -----------------------------------------------------------------------------

RATE, BEFORE_S, AFTER_S, PAUSE_S = 90, 1.5, 1.0, 0.5


def _static_member(run: Run) -> None:
    run.make_topic(partitions=3, watch=False)
    group = group_of(run)
    options = {"session_timeout_ms": SESSION_MS, "heartbeat_interval_ms": 500}

    def plan(name: str) -> dict[str, Any]:
        static = {"group_instance_id": f"desk-{name}"} if run["static"] else {}
        return {"options": {**options, **static}}

    first, second, third = (group.add(name, **plan(name)) for name in "ABC")
    again = group.add("C again", **plan("C"))
    run.show_live(lambda: working(group.reads, run.began, PAUSE_S))
    producer, payload = evenly(run)
    load = run.load(producer, RATE, payload=payload)
    first.join()
    run.wait(lambda: len(group.owners()) == 3, "A had joined")
    join(run, group, second, third)
    run.sleep(BEFORE_S)
    own_share = group.share_of("C")
    at = now()
    run.say("C is restarted")
    third.leave()
    third.await_end(10)
    run.sleep(max(at + run["away_s"] - now(), 0))
    back = now()
    join(run, group, again)
    run.sleep(AFTER_S)
    until = now()
    load.stop()
    drain(run, group)
    group.leave()
    judge(run, group)
    gaps = gap_ms(group.reads, range(run.partitions), at, until)
    taken = {
        t.partition
        for t in group.tenures()
        if t.member in "AB" and t.since < until and at <= (t.until or 0) <= until
    }
    taken -= set(own_share)
    own = max(gap for p, gap in gaps.items() if p in own_share)
    run.measurements |= {
        "interrupted_partitions_of_others": len(taken),
        "longest_gap_of_c_ms": own,
        "longest_gap_of_others_ms": max(gap for p, gap in gaps.items() if p not in own_share),
        "away_ms": 1000 * (back - at),
    }
    kind = "a static member" if run["static"] else "an ordinary member"
    told = (
        f"C, {kind}, was away for {seconds(back - at)}: its {named(own_share)} waited"
        f" {seconds(own / 1000)}, and {len(taken)} of the others' partitions were taken"
        " from their owners"
    )
    run.conclude(told)
    marks = [Mark(at - run.began, "closes:C"), Mark(back - run.began, "is_back:C")]
    lanes = working(group.reads, run.began, PAUSE_S, words.under("shown"))
    run.show(replace(lanes, title=told[0].upper() + told[1:], marks=marks))


NOBODY, EVERYBODY = "nobody", "everybody"
ONLY_C = "only_c"


def _noticed(result: Result) -> str | None:
    taken = int(result.measurements["interrupted_partitions_of_others"] or 0)
    return {0: NOBODY, 2: EVERYBODY}.get(taken)


STATIC_MEMBER = Experiment(
    "consumers.static_member",
    words,
    (
        Switch("static", True, "whether members have a group_instance_id (KIP-345)"),
        Number("away_s", 1, 9, 2, "how long the restart takes; the session timeout is 6 s", "s"),
    ),
    _static_member,
    Options((NOBODY, ONLY_C, EVERYBODY), _noticed),
    breaks=False,
    judges=(LOG, PROCESSING),
)
