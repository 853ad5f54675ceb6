"""replication.last_standing: all go one by one. Whose return brings a leader? (KIP-966)"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from labs.base.clock import now
from labs.base.words import Words
from labs.chapters.replication.common import (
    HOW,
    await_partition,
    how_setting,
    min_isr_setting,
    one_try,
    rate_setting,
    saw,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.story import IN_ISR, LEADER, OUT, UNSEEN
from labs.experiment.views import Lanes, Span
from labs.observe.snapshot import Partition

words = Words(__file__)

ELIGIBLE = "eligible"
KINDS = (LEADER, IN_ISR, ELIGIBLE, OUT, UNSEEN)

#: How long each returned broker is given to be elected, s.
CHANCE_S = 1.0

FIRST, SECOND, LAST = "first", "second", "last"


def _last_standing(run: Run) -> None:
    run.make_topic(config={"min.insync.replicas": str(run["min_insync_replicas"])})
    last, (second, first) = run.leader(), run.followers()
    load = run.load(one_try(run, "all"), run["rate"])
    run.say(words("says.copying"))
    run.sleep(0.3)
    for broker in (first, second):
        run.fault(HOW[run["how"]], broker)
        gone = await_partition(run, _without(broker), words("awaited.left", broker=broker))
        run.sleep(0.3)
    run.measurements["elr_before_the_last"] = _ids(gone.elr)
    run.fault(HOW[run["how"]], last)
    load.stop(flush_s=0.2)
    elected, seen = None, {}
    for broker, name in ((first, FIRST), (second, SECOND)):
        run.fault("start", broker)
        seen[broker] = _given_a_chance(run, last)
        if seen[broker].leader == broker:
            elected = name
            break
    began = now()
    run.measurements |= {
        "elr_when_the_first_returned": _ids(seen[first].elr),
        "elr_when_the_second_returned": _ids(seen[second].elr) if second in seen else "",
    }
    counts = run.verdict().counts
    offline_s = 0.0 if elected else round(now() - began, 2)
    run.measurements["offline_until_all_were_back_s"] = offline_s
    leader = run.leader()
    if elected is None and leader == last:
        elected = LAST
    # Else one was elected when nobody looked any more: whose return brought that can't be told.
    run.measurements["elected"] = elected
    values = {
        "first": first,
        "second": second,
        "last": last,
        "leader": leader,
        "who": words(f"last_standing.who.{elected or 'unknown'}"),
        "there": counts.acknowledged - counts.lost,
        "all": counts.acknowledged,
    }
    run.conclude(words("last_standing.told", **values, **run.values))
    story = run.story(words("last_standing.title", **values))
    run.show(replace(story, leaders=_lanes(run)))


def _without(broker: int) -> Callable[[Partition], bool]:
    return lambda p: broker not in p.isr


def _given_a_chance(run: Run, last: int) -> Partition:
    """The partition after a returned broker had time to be elected."""
    # The last leader may stand in the metadata until it is fenced.
    await_partition(run, lambda p: p.leader != last, words("awaited.given_up", broker=last))
    until = now() + CHANCE_S
    while now() < until and not saw(run, lambda p: p.leader is not None):
        run.sleep(0.05)
    return run.partition()


def _ids(brokers: tuple[int, ...]) -> str:
    return " ".join(map(str, sorted(brokers)))


def _lanes(run: Run) -> Lanes:
    """A lane a broker: leader, in the ISR, eligible without being in it, or neither."""
    assert run.timeline is not None
    sights = list(run.timeline.sights[0])
    stops = [sight.time for sight in sights[1:]] + [now()]
    brokers = sorted({b for s in sights if s.partition for b in s.partition.replicas})
    lanes: dict[str, list[Span]] = {f"broker:{broker}": [] for broker in brokers}
    for sight, until in zip(sights, stops, strict=True):
        for broker in brokers:
            kind = _kind(sight.partition, broker)
            spans = lanes[f"broker:{broker}"]
            start = (
                spans.pop().start if spans and spans[-1].kind == kind else sight.time - run.began
            )
            spans.append(Span(start, until - run.began, kind))
    return Lanes("", lanes, KINDS, names=words.under("shown"))


def _kind(partition: Partition | None, broker: int) -> str:
    if partition is None:
        return UNSEEN
    if partition.leader == broker:
        return LEADER
    if broker in partition.isr:
        return IN_ISR
    return ELIGIBLE if broker in partition.elr else OUT


def _whose_return(result: Result) -> str | None:
    elected = result.measurements["elected"]
    return None if elected is None else str(elected)


LAST_STANDING = Experiment(
    "replication.last_standing",
    words,
    (how_setting("SIGTERM", ("SIGTERM", "SIGKILL")), min_isr_setting(2), rate_setting(50)),
    _last_standing,
    Options((FIRST, SECOND, LAST), _whose_return),
)
