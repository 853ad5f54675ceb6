"""Whose restart the others do not notice: a static member's (KIP-345)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from labs.base.clock import now
from labs.base.figures import seconds
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.filling import evenly
from labs.experiment.groups import SESSION_MS, drain, group_of, join, judge
from labs.experiment.lanes import gap_ms, named, working
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number, Switch
from labs.experiment.views import Mark
from labs.workload.judgements import LOG, PROCESSING

words = Words(__file__)

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
    run.wait(lambda: len(group.owners()) == 3, words("static_member.awaited.joined"))
    join(run, group, second, third)
    run.sleep(BEFORE_S)
    own_share = group.share_of("C")
    at = now()
    run.say(words("static_member.says.restarting"))
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
    times = {"away": seconds(back - at), "waited": seconds(own / 1000)}
    id = f"static_member.told.{'static' if run['static'] else 'ordinary'}"
    told = words(id, share=named(own_share), taken=len(taken), **times)
    run.conclude(told)
    marks = [Mark(at - run.began, "closes:C"), Mark(back - run.began, "is_back:C")]
    lanes = working(group.reads, run.began, PAUSE_S, words.under("shown"))
    run.show(replace(lanes, title=told, marks=marks))


NOBODY, EVERYBODY = "nobody", "everybody"
ONLY_C = "only_c"


def _noticed(result: Result) -> str | None:
    taken = int(result.measurements["interrupted_partitions_of_others"] or 0)
    return {0: NOBODY, 2: EVERYBODY}.get(taken)


STATIC_MEMBER = Experiment(
    "groups.static_member",
    words,
    (
        Switch("static", True),
        Number("away_s", 1, 9, 2, "s"),
    ),
    _static_member,
    Options((NOBODY, ONLY_C, EVERYBODY), _noticed),
    breaks=False,
    judges=(LOG, PROCESSING),
    formerly=("consumers.static_member",),
)
