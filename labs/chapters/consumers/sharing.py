"""More members: who gets which partitions, and how much faster the group becomes."""

from __future__ import annotations

from collections.abc import Mapping

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.figures import figure
from labs.base.words import Words, listed
from labs.experiment.experiment import Experiment
from labs.experiment.filling import fill
from labs.experiment.groups import NAMES, drain, group_of, join, judge, processed
from labs.experiment.lanes import named, owned
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number
from labs.experiment.views import Bars, Mark
from labs.workload.group import Group
from labs.workload.judgements import LOG, PROCESSING

words = Words(__file__)

#: How long each size of the group is measured, s, and how long it takes to join, at most.
MEASURE_S, JOINING_S = 1.5, 2.5

#: How long a member takes to look up its committed offset and to fetch its first records, s.
SETTLE_S = 0.3
HEARTBEAT_MS = 500


def _members(run: Run) -> None:
    members, partitions = run["members"], run["partitions"]
    run.make_topic(partitions=partitions, watch=False)
    group = group_of(run)
    plan = {
        "process_ms": run["process_ms"],
        "max_records": 50,
        "options": {"heartbeat_interval_ms": HEARTBEAT_MS},
    }
    started = [group.add(name, **plan) for name in NAMES[:members]]
    fill(run, _enough(run))
    run.show_live(lambda: owned(run, group, "", []))
    rates: list[float] = []
    marks: list[Mark] = []
    for member in started:
        if rates:
            marks.append(Mark(run.elapsed(), f"joins:{member.name}"))
        owners = join(run, group, member)
        rates.append(_rate(run, group))
    until = now()
    idle = [m.name for m in started if m.name not in owners.values()]
    for member in started:
        member.pace(0.0)
    drain(run, group)
    group.leave()
    judge(run, group)
    _tell(run, rates, idle)
    title = _about(idle, "owners", shares=_shares(owners))
    run.show(owned(run, group, title, marks, until, words.under("shown")))


def _enough(run: Run) -> int:
    """So many records that the topic never runs dry while it is measured."""
    each = (MEASURE_S + JOINING_S) * 1000 / run["process_ms"]
    return int(sum(min(n + 1, run["partitions"]) for n in range(run["members"])) * each)


def _rate(run: Run, group: Group) -> float:
    """Records/s that the group processes now.

    Raises:
        LabsError: it processed none, so there is nothing to compare with.
    """
    run.say(words("members.says.measuring", count=sum(m.joined for m in group.members.values())))
    run.sleep(SETTLE_S)
    begin, before = now(), processed(group.reads)
    run.sleep(MEASURE_S)
    count, took_s = processed(group.reads) - before, now() - begin
    if not count:
        raise LabsError(words("members.failed.none"), hint=words("members.failed.hint"))
    return count / took_s


def _shares(owners: Mapping[int, str]) -> str:
    each = {name: [p for p, owner in owners.items() if owner == name] for name in NAMES}
    return ", ".join(
        words("members.share", name=name, partitions=named(partitions))
        for name, partitions in each.items()
        if partitions
    )


def _about(idle: list[str], what: str, **values: object) -> str:
    """A sentence that names the idle members, if there are any."""
    if not idle:
        return words(f"members.{what}.all_busy", **values)
    return words(f"members.{what}.idle", count=len(idle), idle=listed(idle), **values)


def _tell(run: Run, rates: list[float], idle: list[str]) -> None:
    run.measurements |= {
        f"with_{n}_member{'s' * (n > 1)}_records_per_s": rate for n, rate in enumerate(rates, 1)
    }
    run.measurements["idle_members"] = len(idle)
    best = max(rates)
    run.measurements["gain_of_last_member"] = rates[-1] / rates[-2] if len(rates) > 1 else 1.0
    run.measurements["gain_of_group"] = best / rates[0]
    first, last = figure(rates[0]), figure(rates[-1])
    run.conclude(_about(idle, "told", first=first, last=last, **run.values))
    labels = ["one_member", *(f"members:{n}" for n in range(2, len(rates) + 1))]
    title = words("members.title", times=figure(rates[-1] / rates[0]), **run.values)
    run.show(
        Bars(title, labels, {"rate": rates}, "group_records_per_s", names=words.under("shown"))
    )


NO, YES, DEPENDS = "no", "yes", "depends"


def _last(result: Result) -> str | None:
    if int(result.settings["members"]) != int(result.settings["partitions"]) + 1:
        return None
    return NO if result.measurements["idle_members"] else YES


MEMBERS = Experiment(
    "consumers.members",
    words,
    (
        Number("members", 1, 6, 4),
        Number("partitions", 1, 6, 3),
        Number("process_ms", 2, 50, 10, "ms"),
    ),
    _members,
    Options((NO, YES, DEPENDS), _last),
    breaks=False,
    judges=(LOG, PROCESSING),
)
