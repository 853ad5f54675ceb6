"""Chapter 3: what an acknowledgement promises, and what it costs."""

from __future__ import annotations

from typing import Any

from labs.experiment import Experiment, Options, Result, Run
from labs.settings import Choice, Number

ACKS = Choice("acks", ("0", "1", "all"), "1", "who must have a record before it is acknowledged")


def acks_of(run: Run) -> dict[str, Any]:
    """The producer's options for the run's `acks`: without retries, so that an error is seen."""
    value = run["acks"]
    return {"acks": value if value == "all" else int(value), "enable_idempotence": False}


def _leader_crash(run: Run) -> None:
    run.make_topic(config={"min.insync.replicas": str(run["min_insync_replicas"])})
    leader, followers = run.leader(), run.followers()
    producer = run.producer(**acks_of(run), retries=0, request_timeout_ms=4000, max_block_ms=1000)
    load = run.load(producer, rate=run["rate"])
    run.say("sending while all is well")
    run.sleep(1)
    for follower in followers:
        run.fault("pause", follower)
    run.say("the followers are paused; sending on")
    run.sleep(run["lag_s"])
    run.fault("kill", leader)
    load.stop(flush_s=0.5)
    for follower in followers:
        run.fault("resume", follower)
    run.wait(
        lambda: run.partition().leader in followers and run.partition().leader,
        "a follower was elected",
    )
    report = run.verdict()
    lost, acknowledged = report.counts.lost, report.counts.acknowledged
    run.measurements["lost_of_acknowledged"] = lost / acknowledged if acknowledged else 0.0
    run.conclude(
        f"{lost:,} of {acknowledged:,} acknowledged records are gone"
        f" (acks={run['acks']}, broker {leader} died before its followers had them)"
    )
    run.show(run.story(f"acks={run['acks']}: {lost:,} of {acknowledged:,} acknowledged are gone"))


def _fate(result: Result) -> str | None:
    counts = result.report.counts
    if counts.acknowledged == 0:
        return None
    return "some are lost" if counts.lost else "none is lost"


LEADER_CRASH = Experiment(
    "acks.leader_crash",
    "The leader dies before its followers have copied the newest records: what is lost?",
    (
        ACKS,
        Number("rate", 10, 500, 100, "how fast the producer sends", "records/s", 10),
        Number("lag_s", 1, 5, 2, "how long the followers lag before the leader dies", "s"),
        Number("min_insync_replicas", 1, 3, 2, "replicas an acks=all record needs"),
    ),
    _leader_crash,
    Options(
        "The leader acknowledged the records, then died. How many acknowledged ones are lost?",
        {
            "none is lost": "acks=1 is the leader's word alone: what only it had died with it.",
            "some are lost": "acks=all is the word of the whole ISR: every survivor had them.",
        },
        _fate,
    ),
)

EXPERIMENTS = (LEADER_CRASH,)
