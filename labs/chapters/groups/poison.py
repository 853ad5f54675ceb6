"""A record that nobody can process, in a share group: how often is it tried, and what then?"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.chapters.groups.queues import (
    DONE_S,
    await_all,
    by_offset,
    fill_singly,
    judge_queue,
    share_group_of,
    share_plan,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number, Value
from labs.experiment.views import Mark
from labs.kafka.features import SHARE_GROUPS
from labs.workload.group import Group
from labs.workload.judgements import LOG, PROCESSING
from labs.workload.member import Event

words = Words(__file__)

RELEASE, REJECT = "release", "reject"
RECORDS, BAD, PROCESS_MS = 30, 7, 20

#: After the last delivery that is due: a further one would have come by then, s.
QUIET_S = 3.0


def _poison(run: Run) -> None:
    run.make_topic(watch=False)
    group = share_group_of(run, {"share.delivery.count.limit": str(run["limit"])})
    plan = share_plan(process_ms=PROCESS_MS, fails=(BAD,), on_failure=run["acknowledge"])
    members = [group.add(name, **plan) for name in "AB"]
    run.show_live(lambda: by_offset(run, group, "", []))
    fill_singly(run, RECORDS)
    for member in members:
        member.join()
    unfinished = await_all(run, group, but=(BAD,))
    allowed = _allowed(run.settings)
    with contextlib.suppress(LabsError):
        run.wait(
            lambda: len(_tries(group)) >= allowed, words("poison.awaited.given_up", bad=BAD), DONE_S
        )
    run.sleep(QUIET_S)
    group.leave()
    judge_queue(run, group, unfinished)
    _tell(run, group)


def _allowed(settings: Mapping[str, Value]) -> int:
    """How often the record may be delivered."""
    return int(settings["limit"]) if settings["acknowledge"] == RELEASE else 1


def _tries(group: Group) -> list[Event]:
    """The deliveries of the record that nobody can process."""
    return [event for event in group.events if event.kind == "refused"]


def _tell(run: Run, group: Group) -> None:
    tries = _tries(group)
    run.measurements |= {
        "deliveries": len(tries),
        "highest_delivery_count": max((event.count for event in tries), default=0),
        "other_records_processed": len({read.number for read in group.reads}),
    }
    told = words("poison.told", bad=BAD, count=len(tries), **run.values)
    run.conclude(told)
    marks = [Mark(event.time - run.began, f"delivery:{event.count}") for event in tries]
    run.show(by_offset(run, group, told, marks))


GIVEN_UP, BLOCKS, FOR_EVER = "given_up", "blocks", "for_ever"


def _fate(result: Result) -> str | None:
    if int(result.measurements["other_records_processed"] or 0) < RECORDS - 1:
        return BLOCKS
    deliveries = int(result.measurements["deliveries"] or 0)
    return GIVEN_UP if deliveries <= _allowed(result.settings) else FOR_EVER


POISON = Experiment(
    "groups.poison",
    words,
    (
        Choice("acknowledge", (RELEASE, REJECT), RELEASE),
        Number("limit", 2, 5, 3),
    ),
    _poison,
    Options((GIVEN_UP, BLOCKS, FOR_EVER), _fate),
    breaks=False,
    judges=(LOG, PROCESSING),
    needs={("acknowledge", RELEASE): SHARE_GROUPS, ("acknowledge", REJECT): SHARE_GROUPS},
)  # fmt: skip
