"""What the experiments on share groups share."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.experiment.filling import evenly
from labs.experiment.groups import configure, group_of
from labs.experiment.run import Run
from labs.experiment.views import Lines, Mark
from labs.workload.consumers import LIBRDKAFKA, SHARE
from labs.workload.group import Group
from labs.workload.judgements import Processing

words = Words(__file__)

#: How long a group may take to process what there is, s.
DONE_S = 40.0

#: A share group begins at the topic's end unless it is told otherwise, and its clocks are here
#: shorter than by default, so that nobody waits.
_HERE = {
    "share.auto.offset.reset": "earliest",
    "share.heartbeat.interval.ms": "1000",
    "share.session.timeout.ms": "6000",
}

#: A member of a share group takes at most so many records at a time.
AT_ONCE = 5


def share_group_of(run: Run, settings: Mapping[str, str] | None = None) -> Group:
    """An empty share group on the run's topic, with these settings beside the lab's."""
    group = group_of(run, LIBRDKAFKA)
    configure(run, group, {**_HERE, **(settings or {})})
    return group


def share_plan(**plan: Any) -> dict[str, Any]:
    """What a member of a share group is to be."""
    return {"protocol": SHARE, "max_records": AT_ONCE, **plan}


def fill_singly(run: Run, count: int) -> None:
    """Write records, each a batch of its own: a share group hands out whole batches."""
    run.say(f"writing {count:,} records")
    producer, payload = evenly(run, batch_size=0)
    run.load(producer, 0, count, payload=payload).wait()


def await_stable(run: Run, group: Group) -> None:
    """Wait until the group has a member with partitions."""

    def stable() -> bool:
        listed = run.ask(lambda client: client.list_groups())
        return [g["group_state"] for g in listed if g["group_id"] == group.name] == ["Stable"]

    run.wait(stable, f"the share group {group.name} had a member")


def numbers_done(group: Group) -> set[int | None]:
    """The records that were processed."""
    return {read.number for read in group.reads}


def await_all(run: Run, group: Group, but: Collection[int] = ()) -> str:
    """Wait until every record was processed; returns why it may not have been, or ""."""
    due = {send.number for send in run.history.sends} - set(but)
    run.say("waiting until every record is processed")
    with contextlib.suppress(LabsError):
        run.wait(lambda: due <= numbers_done(group), "every record was processed", DONE_S)
    left = due - numbers_done(group)
    return f"{len(left)} records were not processed in time" if left else ""


def judge_queue(run: Run, group: Group, unfinished: str) -> Processing:
    """Judge what the group did with the records."""
    run.verdict()
    return run.judge_processing(group.reads, unfinished)


def by_offset(run: Run, group: Group, title: str, marks: list[Mark]) -> Lines:
    """Who processed which offset when."""
    series = {
        f"processed_by:{name}": [(r.time - run.began, float(r.offset)) for r in list(member.reads)]
        for name, member in group.members.items()
        if member.reads
    }
    return Lines(title, series, "elapsed_s", "offset", marks, dots=True, names=words.under("shown"))
