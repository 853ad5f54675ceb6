"""acks.min_isr and acks.two_brokers_down: at and below `min.insync.replicas`."""

from __future__ import annotations

from collections.abc import Mapping

from labs.base.words import Words
from labs.chapters.acks.common import (
    NOT_ENOUGH,
    acknowledged,
    acks_setting,
    errors,
    leader_alone,
    min_isr_setting,
    producer,
    rate_setting,
    since,
    topic,
    while_all_is_well,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Measured, Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Bars

words = Words(__file__)

# -- two of three brokers die ----------------------------------------------------------------------

#: How long the producer waits for an answer, ms.
ANSWER_MS = 1000
TIMED_OUT = "RequestTimedOutError"

REFUSED, READABLE, HIDDEN = "refused", "readable", "hidden"


def _two_brokers_down(run: Run) -> None:
    topic(run)
    leader, followers = run.leader(), run.followers()
    # One request at a time, and given up soon: else all would wait behind the first one.
    client = producer(run, request_timeout_ms=ANSWER_MS, max_in_flight_requests_per_connection=1)
    load = run.load(client, run["rate"])
    while_all_is_well(run)
    for follower in followers:
        run.fault("kill", follower)
    alone = run.wait(
        lambda: run.elapsed() if leader_alone(run, leader) else None, words("awaited.leader_alone")
    )
    run.say(words("two_brokers_down.says.alone", leader=leader))
    run.sleep(1.5)
    if run["acks"] == "all" and run["min_insync_replicas"] > 1:
        run.wait(lambda: _refused(run), words("two_brokers_down.awaited.refused"))
    load.stop(flush_s=1)
    _what_can_be_read(run, alone)
    run.fault("start", followers[0])
    run.verdict()
    outcome = "no_error" if run["acks"] == "0" else _outcome(run.measurements)
    run.conclude(words(f"two_brokers_down.told.{outcome}", leader=leader, **run.values))
    run.show(run.story(words(f"two_brokers_down.title.{outcome}", **run.values)))


def _refused(run: Run) -> int:
    return sum(errors(run.history.sends)[name] for name in NOT_ENOUGH)


def _what_can_be_read(run: Run, alone: float) -> None:
    """What a fresh consumer finds, against what has been acknowledged."""
    run.say(words("two_brokers_down.says.reading"))
    found = run.read()
    sends = since(run.history.sends, run.began + alone)
    promised = [s.offset for s in acknowledged(run.history.sends) if s.offset is not None]
    end = found.ends.get(0, 0)
    run.measurements |= {
        "acknowledged_by_the_leader_alone": len(acknowledged(sends)),
        "not_enough_replicas": _refused(run),
        "timed_out": errors(run.history.sends)[TIMED_OUT],
        "highest_acknowledged_offset": max(promised, default=None),
        "readable_end_offset": end,
        "acknowledged_but_hidden": sum(offset >= end for offset in promised),
    }


def _outcome(m: Mapping[str, Measured]) -> str:
    if m["not_enough_replicas"]:
        return REFUSED
    return HIDDEN if m["acknowledged_but_hidden"] else READABLE


def _which(result: Result) -> str | None:
    m = result.measurements
    outcome = _outcome(m)
    return outcome if outcome != READABLE or m["acknowledged_by_the_leader_alone"] else None


TWO_BROKERS_DOWN = Experiment(
    "acks.two_brokers_down",
    words,
    (acks_setting("1"), min_isr_setting(), rate_setting(50)),
    _two_brokers_down,
    Options((REFUSED, READABLE, HIDDEN), _which),
    about=("highest_acknowledged_offset", "readable_end_offset", "acknowledged_but_hidden"),
)

# -- every size of the ISR against every minimum ---------------------------------------------------

MINIMA = (1, 2, 3)
RATE = 200
ONE, TWO, THREE = "one", "two", "three"


def _min_isr(run: Run) -> None:
    run.make_topic()
    leader, followers = run.leader(), run.followers()
    client = producer(run)
    table: dict[str, list[float]] = {}
    for size in (3, 2, 1):
        if size < 3:
            # With a minimum of 1 the ISR shrinks without leaving an ELR (KIP-966). In Kafka 4.3.1 a
            # change of the minimum while there is one can keep a killed broker from registering:
            # tests/upstream/elr_cleared.md.
            run.set_topic({"min.insync.replicas": "1"})
            run.fault("stop", followers[size - 1])
            run.wait(lambda n=size: _isr_size(run) == n, words("min_isr.awaited.size", size=size))  # type: ignore[misc]
        row = table.setdefault(_row(size), [])
        for minimum in MINIMA:
            run.say(words("min_isr.says.sending", size=size, minimum=minimum))
            run.set_topic({"min.insync.replicas": str(minimum)})
            load = run.load(client, RATE, count=run["records"])
            load.wait()
            row.append(len(acknowledged(load.sends)))
    run.measurements |= {
        f"acknowledged_isr_{size}_min_{minimum}": table[_row(size)][position]
        for size in (3, 2, 1)
        for position, minimum in enumerate(MINIMA)
    }
    run.measurements["not_enough_replicas"] = _refused(run)
    run.conclude(words("min_isr.told", leader=leader, **run.values))
    run.show(_table(words("min_isr.title", **run.values), table, run["records"]))


def _table(title: str, table: dict[str, list[float]], records: int) -> Bars:
    labels = [f"min.insync.replicas={minimum}" for minimum in MINIMA]
    return Bars(title, labels, table, f"acknowledged_of:{records}", names=words.under("shown"))


def _row(size: int) -> str:
    return f"in_sync:{size}"


def _isr_size(run: Run) -> int:
    seen = run.timeline.latest() if run.timeline else None
    return len(seen.isr) if seen else 0


def _allowed(result: Result) -> str | None:
    m = result.measurements
    served = [minimum for minimum in MINIMA if m[f"acknowledged_isr_1_min_{minimum}"]]
    return {1: ONE, 2: TWO, 3: THREE}.get(len(served))


MIN_ISR_TABLE = Experiment(
    "acks.min_isr",
    words,
    (
        Choice("acks", ("1", "all"), "all"),
        Number("records", 10, 100, 20, "records", 10),
    ),
    _min_isr,
    Options((ONE, TWO, THREE), _allowed),
)
