"""acks.min_isr and acks.two_brokers_down: at and below `min.insync.replicas`."""

from __future__ import annotations

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
from labs.experiment.result import Result
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
    alone = run.wait(lambda: run.elapsed() if leader_alone(run, leader) else None, "it was alone")
    run.say(f"the ISR is broker {leader} alone; sending on")
    run.sleep(1.5)
    if run["acks"] == "all" and run["min_insync_replicas"] > 1:
        run.wait(lambda: _refused(run), "a send was refused")
    load.stop(flush_s=1)
    _what_can_be_read(run, alone)
    run.fault("start", followers[0])
    run.verdict()
    run.conclude(_told(run, leader))
    run.show(run.story(_title(run)))


def _refused(run: Run) -> int:
    return sum(errors(run.history.sends)[name] for name in NOT_ENOUGH)


def _what_can_be_read(run: Run, alone: float) -> None:
    """What a fresh consumer finds, against what has been acknowledged."""
    run.say("reading with a fresh consumer")
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


def _told(run: Run, leader: int) -> str:
    m, minimum = run.measurements, run["min_insync_replicas"]
    begin = f"With broker {leader} alone in the ISR and min.insync.replicas={minimum}"
    if m["not_enough_replicas"]:
        return (
            f"{begin}, {m['not_enough_replicas']} sends with acks=all were refused"
            f" (NotEnoughReplicas); before that, {m['timed_out']} timed out: they had waited for"
            " brokers that were dead but still in the ISR"
        )
    if run["acks"] == "0":
        return f"{begin}, the producer with acks=0 went on and got no error"
    if m["acknowledged_but_hidden"]:
        return (
            f"{begin}, records were acknowledged up to offset {m['highest_acknowledged_offset']},"
            f" but consumers could read only below {m['readable_end_offset']}:"
            f" {m['acknowledged_but_hidden']} were hidden until a replica came back"
        )
    alone = m["acknowledged_by_the_leader_alone"]
    return f"{begin}, acks={run['acks']} went on: {alone} records were on this one broker only"


def _title(run: Run) -> str:
    m = run.measurements
    if m["not_enough_replicas"]:
        waited, refused = m["timed_out"], m["not_enough_replicas"]
        return f"acks=all: {waited} sends timed out, then {refused} were refused"
    if run["acks"] == "0":
        return "acks=0: the producer gets no error"
    if m["acknowledged_but_hidden"]:
        hidden = m["acknowledged_but_hidden"]
        return f"acks={run['acks']}: {hidden} records acknowledged that nobody could read"
    alone = m["acknowledged_by_the_leader_alone"]
    return f"acks={run['acks']}: {alone} acknowledged by the leader alone"


def _which(result: Result) -> str | None:
    m = result.measurements
    if m["not_enough_replicas"]:
        return REFUSED
    if m["acknowledged_but_hidden"]:
        return HIDDEN
    return READABLE if m["acknowledged_by_the_leader_alone"] else None


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
            run.wait(lambda n=size: _isr_size(run) == n, f"the ISR was {size}")  # type: ignore[misc]
        row = table.setdefault(_row(size), [])
        for minimum in MINIMA:
            run.say(f"{size} in sync, min.insync.replicas={minimum}")
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
    one, two = table[_row(1)], table[_row(2)]
    run.conclude(
        f"With acks={run['acks']} and broker {leader} alone in sync, min.insync.replicas=1 had"
        f" {one[0]:.0f} of {run['records']} records acknowledged, 2 had {one[1]:.0f}; with one"
        f" follower down, 3 had {two[2]:.0f}"
    )
    refused = run.measurements["not_enough_replicas"]
    run.show(_table(f"acks={run['acks']}: {refused} sends refused", table, run["records"]))


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
        Choice("acks", ("1", "all"), "all", "1: the leader has it; all: the whole ISR has it"),
        Number("records", 10, 100, 20, "how many are sent for each pair", "records", 10),
    ),
    _min_isr,
    Options((ONE, TWO, THREE), _allowed),
)
