"""Committed offsets expire: a group that was away for too long has none any more."""

from __future__ import annotations

from typing import Any

from kafka.protocol.consumer import OffsetCommitRequest

from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.filling import fill
from labs.experiment.groups import drain, group_of, join, judge, places
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Bars
from labs.workload.group import Group
from labs.workload.judgements import LOG, PROCESSING

words = Words(__file__)

LATEST, EARLIEST = "latest", "earliest"
BEFORE, MEANWHILE, AFTERWARDS = 100, 20, 30

#: How long the committed offset of this run is kept, s; by default `offsets.retention.minutes`.
KEPT_S = 3

#: A request of this version may say how long its offsets are kept; later ones may not (KIP-211).
SAYS_HOW_LONG = 4


def _expiry(run: Run) -> None:
    run.make_topic(watch=False)
    group = group_of(run)
    first = group.add("A", commit="after")
    options = {"auto_offset_reset": run["auto_offset_reset"]}
    second = group.add("B", commit="after", options=options)
    fill(run, BEFORE)
    join(run, group, first)
    run.wait(lambda: len(first.reads) >= BEFORE, words("expiry.awaited.all"))
    first.leave()
    first.await_end(10)
    _keep(run, group)
    run.say(words("expiry.says.away"))
    fill(run, MEANWHILE)
    run.sleep(run["away_s"])
    kept = places(run, group)
    join(run, group, second)
    run.wait(lambda: second.first("at") or second.reads, words("expiry.awaited.position"))
    fill(run, AFTERWARDS)
    last = BEFORE + MEANWHILE + AFTERWARDS - 1
    to_the_end = words("expiry.awaited.end")
    run.wait(lambda: any(r.offset == last for r in list(second.reads)), to_the_end)
    drain(run, group)
    group.leave()
    judge(run, group)
    _tell(run, group, kept)


def _keep(run: Run, group: Group) -> None:
    """Commit the group's offset anew, to be kept for `KEPT_S` only."""
    request: Any = OffsetCommitRequest
    topic = request.OffsetCommitRequestTopic
    partition = topic.OffsetCommitRequestPartition(
        partition_index=0, committed_offset=BEFORE, committed_metadata=""
    )
    asked = request[SAYS_HOW_LONG](
        group_id=group.name,
        generation_id_or_member_epoch=-1,
        member_id="",
        retention_time_ms=1000 * KEPT_S,
        topics=[topic(name=run.topic, partitions=[partition])],
    )
    run.wait(lambda: _committed(run, asked), words("expiry.awaited.committed"))


def _committed(run: Run, asked: Any) -> bool:
    """Ask every broker: only the group's coordinator does it."""
    for node in run.cluster.status().serving:
        with run.cluster.line(node.id, 5.0) as line:
            answer = line.ask(asked)
        if [p.error_code for t in answer.topics for p in t.partitions] == [0]:
            return True
    return False


def _tell(run: Run, group: Group, kept: dict[int, int]) -> None:
    began = group.members["B"].reads[0].offset
    skipped, again = max(0, began - BEFORE), max(0, BEFORE - began)
    run.measurements |= {
        "committed_offset_when_back": kept.get(0),
        "next_member_began_at_offset": began,
        "skipped_readable_records": skipped,
        "read_again_records": again,
    }
    told = words(f"expiry.told.{'kept' if kept else 'expired'}", committed=BEFORE, **run.values)
    run.conclude(told)
    bars = {"records": [float(BEFORE), float(MEANWHILE), float(skipped), float(again)]}
    labels = ["read_by:A", "came_meanwhile", "skipped", "read_again"]
    run.show(Bars(told, labels, bars, "records", names=words.under("shown")))


STOPPED, END, BEGINNING = "stopped", "end", "beginning"


def _began(result: Result) -> str | None:
    began = int(result.measurements["next_member_began_at_offset"] or 0)
    return {BEFORE: STOPPED, 0: BEGINNING}.get(began, END)


EXPIRY = Experiment(
    "groups.expiry",
    words,
    (
        Number("away_s", 1, 10, 6, "s", facts={"kept_s": KEPT_S}),
        Choice("auto_offset_reset", (LATEST, EARLIEST), LATEST),
    ),
    _expiry,
    Options((STOPPED, END, BEGINNING), _began),
    breaks=False,
    judges=(LOG, PROCESSING),
    by_wall=lambda _: words("by_wall.committed_offsets"),
)  # fmt: skip
