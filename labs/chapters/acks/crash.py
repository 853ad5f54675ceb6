"""acks.leader_crash: the leader dies before its followers have the newest records."""

from __future__ import annotations

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.chapters.acks.common import (
    acks_setting,
    min_isr_setting,
    producer,
    rate_setting,
    topic,
    while_all_is_well,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number
from labs.experiment.views import Logs, Replica

words = Words(__file__)

#: For so long a follower is waited for to be elected, s: it must be unfenced again first.
ELECTION_S = 8.0


def _leader_crash(run: Run) -> None:
    topic(run)
    leader, followers = run.leader(), run.followers()
    client = producer(run, request_timeout_ms=4000, max_block_ms=1000)
    load = run.load(client, run["rate"])
    while_all_is_well(run)
    for follower in followers:
        run.fault("pause", follower)
    run.say(words("leader_crash.says.paused"))
    run.sleep(run["lag_s"])
    before = _copies(run, leader)
    run.fault("kill", leader)
    load.stop(flush_s=0.5)
    for follower in followers:
        run.fault("resume", follower)
    elected = _elected(run, followers)
    counts = run.verdict().counts
    run.measurements["lost_of_acknowledged"] = (
        round(counts.lost / counts.acknowledged, 4) if counts.acknowledged else None
    )
    run.measurements |= {
        "unreadable_records": counts.sent - counts.readable,
        "a_follower_was_elected": "no" if elected is None else "yes",
    }
    _tell(run, leader, elected)
    run.show(before)


def _elected(run: Run, followers: list[int]) -> int | None:
    """The follower that leads in the end; None if none may (it was out of the ISR)."""
    try:
        return run.wait(
            lambda: next((f for f in followers if f == run.partition().leader), None),
            words("leader_crash.awaited.elected"),
            ELECTION_S,
        )
    except LabsError:
        return None


def _copies(run: Run, leader: int) -> Logs:
    assert run.timeline is not None
    seen, ends = run.timeline.latest(), run.timeline.log_ends()
    isr = seen.isr if seen else ()
    water = min(run.timeline.high_watermark() or 0, ends.get(leader, 0))
    # A paused broker was last asked a moment before; whoever is in the ISR has all up to the mark.
    ends |= {broker: max(end, water) for broker, end in ends.items() if broker in isr}
    copies = [
        Replica(
            broker,
            "leader" if broker == leader else "paused",
            broker in isr,
            end,
            water if broker == leader else None,
        )
        for broker, end in sorted(ends.items())
    ]
    only_here = ends.get(leader, 0) - max((e for b, e in ends.items() if b != leader), default=0)
    return Logs(words("leader_crash.before", count=only_here, leader=leader), copies)


def _tell(run: Run, leader: int, elected: int | None) -> None:
    counts = run.verdict().counts
    silent = run["acks"] == "0"
    told = "unasked" if silent else "waiting" if elected is None else "elected"
    values = {**run.values, "leader": leader, "elected": elected, "within_s": ELECTION_S}
    run.conclude(words(f"leader_crash.told.{told}", counts=counts, **values))
    title = "unasked" if silent else "acknowledged"
    run.show(run.story(words(f"leader_crash.title.{title}", counts=counts, **values)))


def _fate(result: Result) -> str | None:
    counts = result.report.counts
    if counts.acknowledged == 0:
        return None
    return "some" if counts.lost else "none"


LEADER_CRASH = Experiment(
    "acks.leader_crash",
    words,
    (
        acks_setting("1"),
        rate_setting(),
        Number("lag_s", 1, 5, 2, "s"),
        min_isr_setting(),
    ),
    _leader_crash,
    Options(("none", "some"), _fate),
)
