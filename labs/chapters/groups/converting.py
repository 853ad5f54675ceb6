"""A group changes its protocol while it runs, member by member (KIP-848)."""

from __future__ import annotations

from dataclasses import replace

from labs.base.clock import now
from labs.base.figures import seconds
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.filling import evenly
from labs.experiment.groups import SESSION_MS, drain, group_of, join, judge
from labs.experiment.lanes import gap_ms, working
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice
from labs.experiment.views import Mark
from labs.kafka.features import NEW_GROUPS
from labs.workload.consumers import LIBRDKAFKA
from labs.workload.group import Group
from labs.workload.judgements import LOG, PROCESSING
from labs.workload.member import Member

words = Words(__file__)

RANGE, COOPERATIVE = "range", "cooperative-sticky"
CLASSIC, CONSUMER = "classic", "consumer"
PARTITIONS, RATE, PAUSE_S, AFTER_S = 6, 120, 0.35, 1.0
NAMES = "ABC"

#: How long a new member may wait for partitions: the others learn of it with their heartbeats, s.
HANDED_OVER_S = 60.0


def _converting(run: Run) -> None:
    run.make_topic(partitions=PARTITIONS, watch=False)
    group = group_of(run, LIBRDKAFKA)
    clocks = {"session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 500}
    old = [group.add(n, protocol=run["assignor"], options=clocks) for n in NAMES]
    new = [group.add(f"{n}2", protocol="consumer") for n in NAMES]
    run.show_live(lambda: working(group.reads, run.began, PAUSE_S))
    producer, payload = evenly(run)
    load = run.load(producer, RATE, payload=payload)
    join(run, group, *old)
    run.sleep(AFTER_S)
    types = [_type(run, group)]
    began, marks, refusal = now(), [], ""
    for one, other in zip(old, new, strict=True):
        marks.append(Mark(run.elapsed(), f"is_replaced:{one.name}"))
        refusal = _replace(run, group, one, other)
        types.append(_type(run, group))
        if refusal:
            break
    run.sleep(AFTER_S)
    until = now()
    load.stop()
    drain(run, group)
    group.leave()
    missed = judge(run, group).missed
    gaps = gap_ms(group.reads, range(PARTITIONS), began, until)
    run.measurements |= {
        "type_before": types[0],
        "type_with_one_new_member": types[1],
        "type_with_new_members_only": None if refusal else types[-1],
        "refused_because": refusal or None,
        "longest_gap_ms": max(gaps.values()),
        "never_processed_records": missed,
    }
    run.conclude(words(f"converting.told.{'refused' if refusal else 'was_let_in'}", **run.values))
    lanes = working([r for r in group.reads if r.time >= began - AFTER_S], run.began, PAUSE_S)
    longest = seconds(max(gaps.values()) / 1000)
    title = words("converting.title", longest=longest, **run.values)
    run.show(replace(lanes, title=title, marks=marks, names=words.under("shown")))


def _replace(run: Run, group: Group, old: Member, new: Member) -> str:
    """One member goes in good order, one with the new protocol comes; why it was refused, or ""."""
    run.say(words("converting.says.replacing", old=old.name, new=new.name))
    old.leave()
    old.await_end(10)
    new.join()
    had_some = words("converting.awaited.had_some", new=new.name)
    run.wait(lambda: new.errors or group.share_of(new.name), had_some, HANDED_OVER_S)
    members = 2 if new.errors else 3
    run.wait(
        lambda: (
            len(owners := group.owners()) == PARTITIONS and len(set(owners.values())) == members
        ),
        words("awaited.shared_again"),
        HANDED_OVER_S,
    )
    run.sleep(AFTER_S)
    return new.errors[0].text if new.errors else ""


def _type(run: Run, group: Group) -> str:
    """What `kafka-consumer-groups --list --type` tells: classic or consumer."""
    listed = run.ask(lambda client: client.list_groups())
    return str(next(g["group_type"] for g in listed if g["group_id"] == group.name))


CONVERTS, WAITS, REFUSED = "converts", "waits", "refused"


def _what(result: Result) -> str | None:
    if result.measurements["refused_because"]:
        return REFUSED
    return CONVERTS if result.measurements["type_with_one_new_member"] == CONSUMER else WAITS


CONVERTING = Experiment(
    "groups.converting",
    words,
    (
        Choice("assignor", (RANGE, COOPERATIVE), RANGE),
    ),
    _converting,
    Options((CONVERTS, WAITS, REFUSED), _what),
    breaks=False,
    judges=(LOG, PROCESSING),
    needs={("assignor", RANGE): NEW_GROUPS, ("assignor", COOPERATIVE): NEW_GROUPS},
)  # fmt: skip
