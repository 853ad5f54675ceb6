"""Retries: an answer comes too late, and the client sends again."""

from __future__ import annotations

from itertools import pairwise

from labs.base.words import Words
from labs.chapters.exactly_once.log_picture import log_of, numbered
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number, Switch
from labs.workload.history import Outcome, Read

words = Words(__file__)

LEADER, FOLLOWER = "leader", "follower"
FLUSH_S = 12.0


def _retries(run: Run) -> None:
    run.make_topic(config={"min.insync.replicas": "2"})
    leader = run.leader()
    victim = leader if run["paused"] == LEADER else run.followers()[0]
    producer = run.producer(
        acks="all",
        enable_idempotence=run["idempotence"],
        max_in_flight_requests_per_connection=run["max_in_flight"],
        request_timeout_ms=run["request_timeout_ms"],
        delivery_timeout_ms=max(run["delivery_timeout_ms"], run["request_timeout_ms"]),
    )
    load = run.load(producer, rate=run["rate"])
    run.say(words("retries.says.well"))
    run.sleep(1)
    run.wait(
        lambda: any(s.outcome is Outcome.OK for s in load.sends[run["rate"] // 2 :]),
        words("retries.awaited.acknowledged"),
    )
    run.fault("pause", victim)
    run.say(words("retries.says.paused", victim=victim))
    run.sleep(run["pause_s"])
    run.fault("resume", victim)
    run.sleep(1)
    load.stop(FLUSH_S)
    counts = run.verdict().counts
    run.measurements |= {
        "duplicated_records": counts.duplicated,
        "reordered_records": counts.reordered,
        "longest_wait_ms": round(max((s.latency_s or 0) * 1000 for s in load.sends)),
    }
    how = words(f"how.{'with' if run['idempotence'] else 'without'}")
    values = {"victim": victim, "how": how, "sent": counts.sent, **run.values}
    longer = run["pause_s"] * 1000 > run["request_timeout_ms"]
    run.conclude(words(f"retries.told.{'longer' if longer else 'no_longer'}", **values))
    run.show(run.story(words("retries.title.story", **values)))
    run.show(log_of(words("retries.title.log", **values), _around_what_is_odd(numbered(run))))


#: How many records are shown before and after what went wrong.
_AROUND = 12


def _around_what_is_odd(reads: list[Read]) -> list[Read]:
    """The part of the log in which the records do not follow each other; all if they do."""
    odd = [r.offset for before, r in pairwise(reads) if (r.number or 0) != (before.number or 0) + 1]
    if not odd:
        return reads
    return [r for r in reads if min(odd) - _AROUND <= r.offset <= max(odd) + _AROUND]


_NOTHING, _TWICE, _MIXED = "nothing", "twice", "mixed"


def _log_after_retries(result: Result) -> str | None:
    counts = result.report.counts
    if counts.duplicated and counts.reordered:
        return _MIXED
    if counts.duplicated:
        return _TWICE
    return None if counts.reordered else _NOTHING


RETRIES = Experiment(
    "exactly_once.retries",
    words,
    (
        Switch("idempotence", False),
        Number("max_in_flight", 1, 5, 5, "requests"),
        Number("pause_s", 0.5, 5, 2, "s", 0.5),
        Number("request_timeout_ms", 500, 5000, 1000, "ms", step=100),
        Number("delivery_timeout_ms", 1000, 30000, 30000, "ms", step=500),
        Choice(
            "paused",
            (LEADER, FOLLOWER),
            LEADER,
            formerly={"the leader": LEADER, "a follower": FOLLOWER},
        ),
        Number("rate", 10, 500, 100, "records/s", 10),
    ),
    _retries,
    Options((_NOTHING, _TWICE, _MIXED), _log_after_retries),
    formerly=("producers.retries",),
)
