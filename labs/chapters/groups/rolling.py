"""A rolling restart: every member once, one after another. Who notices?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from labs.base.clock import now
from labs.base.figures import seconds
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.filling import evenly
from labs.experiment.groups import SESSION_MS, configure, drain, group_of, judge
from labs.experiment.lanes import gap_ms, working
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Mark
from labs.kafka.features import NEW_GROUPS
from labs.workload.consumers import LIBRDKAFKA
from labs.workload.group import Group
from labs.workload.judgements import LOG, PROCESSING
from labs.workload.member import Member

words = Words(__file__)

EAGER, COOPERATIVE, STATIC, KIP_848 = "eager", "cooperative", "static", "kip-848"
_STRATEGY = {
    EAGER: "range",
    STATIC: "range",
    COOPERATIVE: "cooperative-sticky",
    KIP_848: "consumer",
}
PARTITIONS, RATE, PAUSE_S, AFTER_S = 6, 120, 0.35, 1.0
NAMES = "ABC"


def _rolling(run: Run) -> None:
    run.make_topic(partitions=PARTITIONS, watch=False)
    group = group_of(run, LIBRDKAFKA)
    if run["members"] == KIP_848:
        clocks = {"session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 1000}
        configure(run, group, {f"consumer.{name}": str(ms) for name, ms in clocks.items()})
    members = {name: group.add(name, **_plan(run, name)) for name in NAMES}
    again = {name: group.add(f"{name}2", **_plan(run, name)) for name in NAMES}
    run.show_live(lambda: working(group.reads, run.began, PAUSE_S))
    producer, payload = evenly(run)
    load = run.load(producer, RATE, payload=payload)
    for member in members.values():
        member.join()
    run.wait(lambda: _settled(group), words("awaited.all_owned"))
    run.sleep(AFTER_S)
    began = now()
    downs = [_restart(run, group, members[name], again[name]) for name in NAMES]
    run.sleep(AFTER_S)
    until = now()
    load.stop()
    drain(run, group)
    group.leave()
    judge(run, group)
    _tell(run, group, began, until, downs)


def _plan(run: Run, name: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if run["members"] != KIP_848:
        options = {"session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 500}
    if run["members"] == STATIC:
        options["group.instance.id"] = f"desk-{name}"
    return {"protocol": _STRATEGY[run["members"]], "options": options}


def _settled(group: Group) -> bool:
    owners = group.owners()
    return len(owners) == PARTITIONS and len(set(owners.values())) == len(NAMES)


def _restart(run: Run, group: Group, old: Member, new: Member) -> tuple[str, float]:
    """Stop a member in good order and start it again; returns which, and when that began."""
    run.say(words("rolling.says.restarting", member=old.name))
    at = now()
    old.leave()
    old.await_end(10)
    run.sleep(max(at + run["away_s"] - now(), 0))
    new.join()
    again = words("awaited.shared_again")
    run.wait(lambda: new.first("assigned") and _settled(group), again)
    run.sleep(AFTER_S)
    return old.name, at


def _tell(
    run: Run, group: Group, began: float, until: float, downs: list[tuple[str, float]]
) -> None:
    leaving = {name: at for name, at in downs}
    taken = [
        t
        for t in group.tenures()
        if began <= (t.until or 0) <= until and not _own(t.member, t.until or 0, leaving)
    ]
    gaps = gap_ms(group.reads, range(PARTITIONS), began, until)
    run.measurements |= {
        "taken_from_others_times": len(taken),
        "longest_gap_ms": max(gaps.values()),
        "restart_took_ms": 1000 * (until - began),
    }
    longest = seconds(max(gaps.values()) / 1000)
    told = words("rolling.told", longest=longest, **run.values)
    run.conclude(told)
    marks = [Mark(at - run.began, f"closes:{name}") for name, at in downs]
    lanes = working([r for r in group.reads if r.time >= began - AFTER_S], run.began, PAUSE_S)
    run.show(replace(lanes, title=told, marks=marks, names=words.under("shown")))


def _own(member: str, time: float, leaving: dict[str, float]) -> bool:
    """Whether the member gave it back since it was itself being restarted."""
    return member in leaving and time >= leaving[member]


NONE, SOME, ALL = "none", "some", "all"


def _taken(result: Result) -> str | None:
    taken = int(result.measurements["taken_from_others_times"] or 0)
    #: Two others have four partitions; three restarts take each of them at least once.
    return NONE if taken == 0 else ALL if taken >= 3 * 4 else SOME


ROLLING = Experiment(
    "groups.rolling",
    words,
    (
        Choice("members", (EAGER, COOPERATIVE, STATIC, KIP_848), EAGER),
        Number("away_s", 1, 5, 1, "s"),
    ),
    _rolling,
    Options((NONE, SOME, ALL), _taken),
    breaks=False,
    judges=(LOG, PROCESSING),
    needs={("members", KIP_848): NEW_GROUPS},
    about=("taken_from_others_times", "longest_gap_ms"),
)  # fmt: skip
