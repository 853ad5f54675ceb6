"""Partitions change hands: who waits, and how long, by protocol and by cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from labs.base.clock import now
from labs.base.figures import seconds
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.filling import evenly
from labs.experiment.groups import SESSION_MS, configure, drain, group_of, judge
from labs.experiment.lanes import gap_ms, named, working
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lanes, Mark, Span
from labs.kafka.features import NEW_GROUPS
from labs.workload.consumers import LIBRDKAFKA
from labs.workload.group import Group
from labs.workload.judgements import LOG, PROCESSING
from labs.workload.member import Member

words = Words(__file__)

EAGER, COOPERATIVE, KIP_848 = "eager", "cooperative", "kip-848"
JOINS, LEAVES, DIES, SLOW = "joins", "leaves", "dies", "slow"

PARTITIONS, RATE = 6, 120
BEFORE_S, AFTER_S = 2.0, 1.5

#: A member counts as working while not longer than this without a record, s.
PAUSE_S = 0.35

_STRATEGY = {EAGER: "range", COOPERATIVE: "cooperative-sticky", KIP_848: "consumer"}


def _options(run: Run) -> dict[str, Any]:
    """The classic clocks are the client's; those of KIP-848 are the group's, on the broker."""
    if run["protocol"] == KIP_848:
        return {}
    return {
        "session.timeout.ms": SESSION_MS,
        "heartbeat.interval.ms": int(1000 * run["heartbeat_s"]),
    }


def _members(run: Run, group: Group) -> dict[str, Member]:
    names = "ABCD" if run["event"] in (JOINS, SLOW) else "ABC"
    plan = {"protocol": _STRATEGY[run["protocol"]], "options": _options(run)}
    naps = {"C": run["slow_s"] if run["event"] == SLOW else 0.0}
    return {name: group.add(name, nap_s=naps.get(name, 0.0), **plan) for name in names}


def _rebalance(run: Run) -> None:
    run.make_topic(partitions=PARTITIONS, watch=False)
    group = group_of(run, LIBRDKAFKA)
    members = _members(run, group)
    if run["protocol"] == KIP_848:
        clocks = {"session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": _heartbeat_ms(run)}
        configure(run, group, {f"consumer.{name}": str(ms) for name, ms in clocks.items()})
    newcomer = members.pop("D", None)
    run.show_live(lambda: _lanes(run, group))
    producer, payload = evenly(run)
    load = run.load(producer, RATE, payload=payload)
    for member in members.values():
        member.join()
    run.say(words("rebalance.says.joining"))
    run.wait(lambda: _settled(group, 3), words("awaited.all_owned"))
    run.sleep(BEFORE_S)
    before = group.owners()
    if run["event"] == SLOW:
        slow = words("rebalance.awaited.slow")
        run.wait(lambda: members["C"].first("polled", now() - 0.2), slow)
    at = _cause(run, members["C"], newcomer)
    run.wait(
        lambda: _settled(group, {JOINS: 4, SLOW: 4}.get(run["event"], 2)),
        words("rebalance.awaited.assigned_again"),
    )
    settled = max(e.time for e in group.events if e.kind == "assigned" and e.partitions)
    run.sleep(AFTER_S)
    until = now()
    after = group.owners()
    load.stop()
    for member in members.values():
        member.pace(0.0)
    drain(run, group)
    group.leave()
    judge(run, group)
    _tell(run, group, at, until, settled, Shares.of(run["event"], before, after))


def _heartbeat_ms(run: Run) -> int:
    return int(1000 * run["heartbeat_s"])


def _settled(group: Group, members: int) -> bool:
    owners = group.owners()
    return len(owners) == PARTITIONS and len(set(owners.values())) == members


def _cause(run: Run, third: Member, newcomer: Member | None) -> float:
    """Let it happen; returns when."""
    run.say(words(f"shown.{_EVENTS[run['event']]}"))
    if newcomer is not None:
        newcomer.join()
    elif run["event"] == LEAVES:
        third.leave()
    else:
        return third.kill()
    return now()


#: What stands in the picture for each event.
_EVENTS = {JOINS: "d_joins", LEAVES: "c_leaves", DIES: "c_killed", SLOW: "d_joins_c_slow"}


def _lanes(run: Run, group: Group, since: float = 0.0, until: float | None = None) -> Lanes:
    """Who processed each partition's records when; of a slow C, when it owned them."""
    end = until or now()
    reads = [read for read in group.reads if since <= read.time <= end]
    names = words.under("shown")
    if run["event"] != SLOW:
        return working(reads, run.began, PAUSE_S, names)
    quick = working([r for r in reads if r.member != "C"], run.began, PAUSE_S, names)
    lanes = {
        f"partition:{p}": list(quick.lanes.get(f"partition:{p}", ())) for p in range(PARTITIONS)
    }
    for tenure in group.tenures():
        if tenure.member == "C" and (tenure.until or end) > since:
            start, stop = max(tenure.since, since), min(tenure.until or end, end)
            span = Span(start - run.began, stop - run.began, "slow:C", "C")
            lanes[f"partition:{tenure.partition}"].append(span)
    return Lanes("", lanes, [*quick.kinds, "slow:C"], names=quick.names)


@dataclass(frozen=True)
class Shares:
    """The partitions by what became of them: only like is compared with like.

    `of_c`: those that C had or got, if C is the one that leaves, dies or is slow: they wait for C's
    own sake. Of the others, `kept` has the same owner before and after, `moved` another one.
    """

    of_c: tuple[int, ...]
    kept: tuple[int, ...]
    moved: tuple[int, ...]

    @staticmethod
    def of(event: str, before: Mapping[int, str], after: Mapping[int, str]) -> Shares:
        """From the owners before the event and in the end."""
        cs = {p for p in before if event != JOINS and "C" in (before[p], after.get(p))}
        others = [p for p in before if p not in cs]
        return Shares(
            tuple(sorted(cs)),
            tuple(p for p in others if before[p] == after.get(p)),
            tuple(p for p in others if before[p] != after.get(p)),
        )

    @property
    def others(self) -> tuple[int, ...]:
        """Those that C had nothing to do with; never none, for C has at most four of six."""
        return (*self.kept, *self.moved)


def _tell(run: Run, group: Group, at: float, until: float, settled: float, shares: Shares) -> None:
    gaps = gap_ms(group.reads, range(run.partitions), at, until)
    taken = _interrupted(group, at, until)
    worst = max(gaps, key=lambda p: gaps[p])
    figures = run.measurements
    figures["longest_gap_ms"] = gaps[worst]
    for name in ("kept", "moved", "of_c", "others"):
        longest = max((gaps[p] for p in getattr(shares, name)), default=None)
        figures[f"longest_gap_{name}_ms"] = longest
    figures["kept_partitions"] = len(shares.kept)
    figures["moved_partitions"] = len(shares.moved)
    figures["interrupted_partitions"] = len(taken)
    figures["settled_ms"] = 1000 * (settled - at)
    figures |= {f"gap_p{partition}_ms": gap for partition, gap in gaps.items()}
    event = _EVENTS[run["event"]]
    values = {"event": words(f"shown.{event}"), "protocol": run["protocol"], "all": PARTITIONS}
    waits = _waits(run, shares, "slow_c" if run["event"] == SLOW else "at_length")
    run.conclude(words("rebalance.told", partitions=_whole(taken), waits=waits, **values))
    title = words(
        "rebalance.title", taken=len(taken), waits=_waits(run, shares, "briefly"), **values
    )
    lanes = _lanes(run, group, at - BEFORE_S, until)
    marks = [Mark(at - run.began, event)]
    run.show(replace(lanes, title=title, marks=marks))


def _waits(run: Run, shares: Shares, how: str) -> str:
    """The longest wait of each kind of partition, as far as there are such."""
    gaps = {kind: run.measurements[f"longest_gap_{kind}_ms"] for kind in ("kept", "moved", "of_c")}
    return ", ".join(
        words(
            f"rebalance.waits.{how}.{kind}",
            wait=seconds(gap / 1000),
            some=len(getattr(shares, kind)),
            all=PARTITIONS,
        )
        for kind, gap in gaps.items()
        if isinstance(gap, float)
    )


def _whole(taken: set[int]) -> str:
    whole = len(taken) == PARTITIONS
    return words("rebalance.whole", all=PARTITIONS) if whole else named(taken)


def _interrupted(group: Group, at: float, until: float) -> set[int]:
    """The partitions that were taken from a member in that time (or that it left behind)."""
    return {t.partition for t in group.tenures() if t.since < at <= (t.until or 0) <= until}


ALL, MOVED, NONE = "all", "moved", "none"


def _stopped(result: Result) -> str | None:
    taken = result.measurements["interrupted_partitions"]
    return {PARTITIONS: ALL, 0: NONE}.get(int(taken or 0), MOVED)


REBALANCE = Experiment(
    "groups.rebalance",
    words,
    (
        Choice(
            "event",
            (JOINS, LEAVES, DIES, SLOW),
            JOINS,
        ),
        Choice(
            "protocol",
            (EAGER, COOPERATIVE, KIP_848),
            EAGER,
        ),
        Number("slow_s", 1, 6, 4, "s"),
        Number("heartbeat_s", 1, 5, 1, "s"),
    ),
    _rebalance,
    Options((ALL, MOVED, NONE), _stopped),
    breaks=False,
    judges=(LOG, PROCESSING),
    needs={("protocol", KIP_848): NEW_GROUPS},
    about=("longest_gap_others_ms", "settled_s"),
    formerly=("consumers.rebalance",),
)
