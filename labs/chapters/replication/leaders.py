"""replication.failover and replication.rejoin: who leads next, and for how long."""

from __future__ import annotations

from kafka.protocol.admin import ElectionType

from labs.base.clock import now
from labs.base.figures import graded, seconds
from labs.base.words import Words
from labs.chapters.replication.common import HOW, await_partition, how_setting, rate_setting
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number, Switch
from labs.workload.history import Outcome

words = Words(__file__)

# -- failover --------------------------------------------------------------------------------------

CLUSTER, CLIENT = "cluster", "client"


def _failover(run: Run) -> None:
    run.make_topic(config={"min.insync.replicas": "2"})
    old = run.leader()
    timeout_ms = int(run["request_timeout_s"] * 1000)
    load = run.load(run.producer(acks="all", request_timeout_ms=timeout_ms), run["rate"])
    run.say(words("says.well"))
    run.sleep(1.5)
    at = run.fault(HOW[run["how"]], old)
    new = await_partition(
        run, lambda p: p.leader not in (None, old), words("awaited.new_leader")
    ).leader
    run.say(words("failover.says.elected", new=new))
    elected = now()
    run.wait(
        lambda: any(s.intended > elected and s.outcome is Outcome.OK for s in load.sends),
        words("failover.awaited.acknowledged"),
        timeout_s=3 * run["request_timeout_s"] + 10,
    )
    run.sleep(0.5)
    load.stop()
    _measure_failover(run, old, at)
    run.verdict()


def _measure_failover(run: Run, old: int, at: float) -> None:
    assert run.timeline is not None
    led_by = run.timeline.first(lambda p: p.leader not in (None, old), at)
    gap_s = _leaderless_s(run, old, at)
    worst = max(send.latency_s or 0.0 for send in run.history.sends)
    run.measurements |= {
        "new_leader_after_ms": round((led_by - at) * 1000) if led_by else None,
        "leaderless_ms": None if gap_s is None else round(gap_s * 1000),
        "longest_wait_ms": round(worst * 1000),
    }
    unled = words("unknown_time") if gap_s is None else seconds(gap_s)
    values = {"how": run["how"], "unled": unled, "worst": seconds(worst)}
    run.conclude(words("failover.told", old=old, new=run.leader(), **values))
    run.show(run.story(words("failover.title", **values)))


def _leaderless_s(run: Run, old: int, at: float) -> float | None:
    """From the old leader's last answer as a leader to the new leader's first one.

    None: one of them never answered as a leader.

    Each broker is asked every 50 ms; only one that leads names a high watermark.
    """
    assert run.timeline is not None
    led = [r for r in run.timeline.reaches[0] if r.high_watermark is not None]
    firsts = [r.time for r in led if r.broker != old and r.time > at]
    lasts = [r.time for r in led if r.broker == old]
    return max(0.0, min(firsts) - max(lasts)) if firsts and lasts else None


def _whose_clock(result: Result) -> str | None:
    m = result.measurements
    if m["new_leader_after_ms"] is None:
        return None
    late = float(m["longest_wait_ms"] or 0) - float(m["new_leader_after_ms"])
    limit = 500 * float(result.settings["request_timeout_s"]) - 500
    return graded(late, [(limit, CLUSTER)], CLIENT)


FAILOVER = Experiment(
    "replication.failover",
    words,
    (
        how_setting("SIGKILL"),
        Number("request_timeout_s", 4, 30, 8, "s"),
        rate_setting(50),
    ),
    _failover,
    Options((CLUSTER, CLIENT), _whose_clock),
    about=("leaderless_ms", "longest_wait_ms"),
)

# -- rejoin ----------------------------------------------------------------------------------------

#: The controller looks for leaders that are not the preferred ones every 300 s
#: (`leader.imbalance.check.interval.seconds`); two seconds show that it is not done at once.
WATCH_S = 2.0

COMES_BACK, STAYS = "comes_back", "stays"
#: Who leads when all are back.
OLD_ONE, NEW_ONE = "old", "new"


def _rejoin(run: Run) -> None:
    run.make_topic(config={"min.insync.replicas": "2"})
    first = run.partition()
    old, everyone = first.leader, set(first.replicas)
    assert old is not None
    load = run.load(run.producer(acks="all"), run["rate"])
    run.sleep(1)
    run.fault(HOW[run["how"]], old)
    led = await_partition(run, lambda p: p.leader not in (None, old), words("awaited.new_leader"))
    run.sleep(0.5)
    started = run.fault("start", old)
    awaited = words("rejoin.awaited.in_isr", old=old)
    back = await_partition(run, lambda p: set(p.isr) == everyone, awaited)
    caught_up = now()
    run.say(words("rejoin.says.back", old=old))
    run.sleep(WATCH_S)
    stays = run.partition()
    _note_epochs(run, first.epoch, led.epoch, stays.epoch)
    run.measurements["back_in_isr_s"] = round(caught_up - started, 2)
    run.measurements["leader_when_back"] = OLD_ONE if back.leader == old else NEW_ONE
    if run["preferred_election"]:
        run.elect(ElectionType.PREFERRED)
        awaited = words("rejoin.awaited.led_again", old=old)
        last = await_partition(run, lambda p: p.leader == old, awaited)
        run.measurements["epoch_after_preferred_election"] = last.epoch
        run.sleep(0.5)
    load.stop()
    run.verdict()
    told = "given_back" if run["preferred_election"] else "stays"
    run.conclude(words(f"rejoin.told.{told}", old=old, stood=stays.leader, **run.values))
    run.show(run.story(words("rejoin.title", old=old, **run.values)))


def _note_epochs(run: Run, at_first: int, after_failover: int, after_return: int) -> None:
    run.measurements |= {
        "epoch_at_first": at_first,
        "epoch_after_failover": after_failover,
        "epoch_after_return": after_return,
    }


def _who_leads(result: Result) -> str:
    return COMES_BACK if result.measurements["leader_when_back"] == OLD_ONE else STAYS


REJOIN = Experiment(
    "replication.rejoin",
    words,
    (
        how_setting("SIGTERM", ("SIGTERM", "SIGKILL")),
        Switch("preferred_election", True),
        rate_setting(),
    ),
    _rejoin,
    Options((COMES_BACK, STAYS), _who_leads),
    about=(
        "epoch_after_failover",
        "epoch_after_return",
        "epoch_after_preferred_election",
        "back_in_isr_s",
    ),
)
