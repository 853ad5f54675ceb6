"""A work queue: more members than partitions, and all of them work (share groups, KIP-932)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import pairwise

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.figures import figure
from labs.base.words import Words, listed
from labs.chapters.groups.queues import (
    DONE_S,
    TAKEN_S,
    await_all,
    judge_queue,
    numbers_done,
    share_group_of,
    share_plan,
    taken_by,
)
from labs.experiment.experiment import Experiment
from labs.experiment.filling import evenly
from labs.experiment.groups import JOIN_S, NAMES, drain, group_of, judge
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Bars
from labs.kafka.features import NEW_GROUPS, SHARE_GROUPS
from labs.workload.consumers import LIBRDKAFKA
from labs.workload.group import Group
from labs.workload.judgements import LOG, PROCESSING
from labs.workload.member import Member

words = Words(__file__)

SHARE_GROUP, CONSUMER_GROUP = "share", "consumer"
PARTITIONS, PROCESS_MS = 2, 50
MEASURE_S = 2.5

#: For each member, a little more than it can do: nobody is idle for want of records, 1/s.
RATE = 1.2 * 1000 / PROCESS_MS

#: A share group hands out whole batches, so these hold no more than five records.
BATCH_BYTES = 900


def _queue(run: Run) -> None:
    run.make_topic(partitions=PARTITIONS, watch=False)
    share = run["group"] == SHARE_GROUP
    group = share_group_of(run) if share else group_of(run, LIBRDKAFKA)
    plan = share_plan() if share else {"protocol": "consumer", "max_records": 5}
    names = NAMES[: run["members"]]
    members = [group.add(name, process_ms=PROCESS_MS, **plan) for name in names]
    producer, payload = evenly(run, batch_size=BATCH_BYTES)
    load = run.load(producer, RATE * len(members), payload=payload)
    run.say(words("queue.says.joining", names=listed(names)))
    for member in members:
        member.join()
    if share:
        had_some = words("queue.awaited.had_some")
        run.wait(lambda: all([taken_by(m) for m in members]), had_some, TAKEN_S)
    else:
        owned = words("queue.awaited.owned")
        run.wait(lambda: _every_one_owned_by_another(group), owned, JOIN_S)
    done, took_s = _work(run, members, share)
    load.stop(DONE_S)
    for member in members:
        member.pace(0.0)
    unfinished = ""
    if share:
        unfinished = await_all(run, group)
    else:
        drain(run, group, DONE_S)
    group.leave()
    if share:
        judge_queue(run, group, unfinished)
    else:
        judge(run, group)
    _tell(run, group, done, took_s)


def _work(run: Run, members: Sequence[Member], share: bool) -> tuple[dict[str, int], float]:
    """How many records each member processes in some seconds, and in how many."""
    run.say(words("queue.says.working", **run.settings))
    before = {m.name: len(m.reads) for m in members}
    since = now()
    run.sleep(MEASURE_S)
    if share:  # on a busy machine one may need longer for a record
        with contextlib.suppress(LabsError):
            run.wait(
                lambda: all(len(m.reads) > before[m.name] for m in members),
                words("queue.awaited.all_worked"),
                DONE_S,
            )
    return {m.name: len(m.reads) - before[m.name] for m in members}, now() - since


def _every_one_owned_by_another(group: Group) -> bool:
    """Whether each partition has an owner of its own; who has none, is told nothing."""
    return len(set(group.owners().values())) == PARTITIONS


def _tell(run: Run, group: Group, done: dict[str, int], took_s: float) -> None:
    working = sum(count > 0 for count in done.values())
    rate = sum(done.values()) / took_s
    run.measurements |= {
        "working_members": working,
        "group_records_per_s": rate,
        "out_of_order_records": _out_of_order(group),
        "processed_records": len(numbers_done(group)),
    }
    values = {"all": len(done), "partitions": PARTITIONS, "rate": figure(rate), **run.values}
    told = words(f"queue.told.{run['group']}", **values)
    run.conclude(told)
    rates = {"rate": [count / took_s for count in done.values()]}
    labels = [f"member:{name}" for name in done]
    run.show(Bars(told, labels, rates, "member_records_per_s", names=words.under("shown")))


def _out_of_order(group: Group) -> int:
    """How often a record was processed after a later one of its partition."""
    offsets: dict[int, list[int]] = {}
    for read in group.reads:
        offsets.setdefault(read.partition, []).append(read.offset)
    return sum(a > b for of_one in offsets.values() for a, b in pairwise(of_one))


AS_PARTITIONS, EVERY = "as_partitions", "every"
ONE = "one"


def _who(result: Result) -> str | None:
    working = result.measurements["working_members"]
    members = int(result.settings["members"])
    if members <= PARTITIONS:
        return None
    return EVERY if working == members else AS_PARTITIONS


QUEUE = Experiment(
    "groups.queue",
    words,
    (
        Choice("group", (SHARE_GROUP, CONSUMER_GROUP), SHARE_GROUP),
        Number("members", 3, 5, 4),
    ),
    _queue,
    Options((AS_PARTITIONS, EVERY, ONE), _who),
    breaks=False,
    judges=(LOG, PROCESSING),
    needs={("group", SHARE_GROUP): SHARE_GROUPS, ("group", CONSUMER_GROUP): NEW_GROUPS},
)  # fmt: skip
