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
from labs.workload.history import Outcome
from labs.workload.judgements import Processing
from labs.workload.member import Event, Member

words = Words(__file__)

#: How long a group may take to process what there is, and brokers to acknowledge it, s.
DONE_S = 40.0

#: How long a member may take from joining until it has records, s.
TAKEN_S = 40.0

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
    run.say(words("says.writing", count=count))
    producer, payload = evenly(run, batch_size=0)
    run.load(producer, 0, count, payload=payload).wait(DONE_S)


def await_taken(run: Run, member: Member) -> Event:
    """Have a member join, and wait until it has taken records; returns its first poll.

    Raises:
        LabsError: it took none, or its process or its client gave up.
    """
    run.say(words("says.taking", member=member.name))
    member.join()
    awaited = words("awaited.taken", member=member.name)
    return run.wait(lambda: taken_by(member), awaited, TAKEN_S)


def taken_by(member: Member) -> Event | None:
    """The first poll that brought a member records; None: not yet.

    Raises:
        LabsError: its process or its client gave up.
    """
    member.check()
    if taken := member.first("polled"):
        return taken
    if failed := member.first("error"):
        raise LabsError(
            words("failed.member", member=member.name, error=failed.text),
            hint=words("failed.hint"),
        )
    return None


def numbers_done(group: Group) -> set[int | None]:
    """The records that were processed."""
    return {read.number for read in group.reads}


def await_all(run: Run, group: Group, but: Collection[int] = ()) -> str:
    """Wait until every record was processed; returns why it may not have been, or ""."""
    sent = {send.number for send in run.history.sends if send.outcome is not Outcome.FAIL}
    due = sent - set(but)
    run.say(words("says.finishing"))
    with contextlib.suppress(LabsError):
        run.wait(lambda: due <= numbers_done(group), words("awaited.all_done"), DONE_S)
    left = len(due - numbers_done(group))
    return words("unfinished", count=left) if left else ""


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
