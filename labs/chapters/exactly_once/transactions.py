"""Transactions, as consumers see them: records that wait, and offsets without records."""

from __future__ import annotations

from typing import Any

from kafka import KafkaProducer

from labs.base.clock import now
from labs.base.figures import graded, seconds
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.filling import evenly
from labs.experiment.groups import drain, group_of, join, judge, places
from labs.experiment.offsets import Recorder, ends_of, onlooker
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Bars, Lines, Mark
from labs.workload import flight_payload, set_here
from labs.workload.group import Group
from labs.workload.history import Outcome
from labs.workload.judgements import LOG, PROCESSING
from labs.workload.reading import COMMITTED, UNCOMMITTED

words = Words(__file__)

# -- a hung transaction ----------------------------------------------------------------------------

RATE, BEFORE_S = 40, 1.0

#: A record that came later after its acknowledgement was kept back, ms.
HIDDEN_MS = 1000

#: Kafka looks for transactions that have timed out every so often
#: (transaction.abort.timed.out.transaction.cleanup.interval.ms), s.
ABORT_CHECK_S = 10.0


def _hung(run: Run) -> None:
    run.make_topic(watch=False)
    group = group_of(run)
    reader = group.add("A", options={"isolation_level": run["isolation_level"]})
    stable, end = onlooker(run, isolation_level=COMMITTED), onlooker(run)
    join(run, group, reader)
    producer, payload = evenly(run)
    load = run.load(producer, RATE, payload=payload)

    def ask() -> dict[str, float]:
        return {
            "log_end_offset": ends_of(run, end)[0],
            "last_stable_offset": ends_of(run, stable)[0],
        }

    offsets = Recorder(run, ask, 0.1)
    run.show_live(lambda: _reach(run, offsets, group, "", []))
    timeout_s = run["transaction_timeout_s"]
    other = _another_producer(run, timeout_s)
    run.sleep(BEFORE_S)
    load.stop()  # records of two producers have no order between them
    at, offset = _hang(run, other)
    load = run.load(producer, RATE, payload=payload)
    run.sleep(timeout_s)
    run.say(words("hung_transaction.says.timed_out"))
    aborted = words("hung_transaction.awaited.aborted")
    freed = run.wait(lambda: _freed(offsets, offset), aborted, ABORT_CHECK_S + timeout_s)
    run.sleep(0.5)
    load.stop()
    drain(run, group)
    offsets.stop()
    group.leave()
    judge(run, group)
    _tell_hung(run, group, offsets, at, freed, offset)


def _another_producer(run: Run, timeout_s: float) -> Any:
    options = {
        "transactional_id": f"{run.topic}-hung",
        "transaction_timeout_ms": int(1000 * timeout_s),
    }
    run.note(set_here.kafka_python("producer", options, words("where.hangs")))
    producer = KafkaProducer(bootstrap_servers=run.cluster.bootstrap, **options)
    run.closing(lambda: producer.close(timeout=0))  # it never ends its transaction
    producer.init_transactions()
    return producer


def _hang(run: Run, producer: Any) -> tuple[float, int]:
    """Another program opens a transaction, writes one record, and is never heard of again.

    Returns when the record was written, and its offset.
    """
    run.say(words("hung_transaction.says.hanging"))
    producer.begin_transaction()
    at = now()
    send = run.history.invoke(flight_payload(), at, at)
    place = producer.send(run.topic, send.value, send.key, partition=0).get(timeout=10)
    send.partition, send.offset, send.completed = place.partition, place.offset, now()
    # The broker has acknowledged it, and it is written; only its transaction will not be committed.
    send.outcome, send.aborted = Outcome.OK, True
    return send.completed, int(place.offset)


def _freed(offsets: Recorder, offset: int) -> float | None:
    """When the last stable offset passed the open transaction's record, s since the run began."""
    points = list(offsets.series.get("last_stable_offset", ()))
    return next((at for at, reach in points if reach > offset), None)


def _tell_hung(
    run: Run, group: Group, offsets: Recorder, at: float, freed: float, offset: int
) -> None:
    plain = [s for s in run.history.sends if not s.aborted]
    acked = {s.number: s.completed for s in plain if s.outcome is Outcome.OK}
    waits = {
        r.number: 1000 * (r.time - (acked[r.number] or r.time))
        for r in reversed(group.reads)
        if r.number in acked
    }
    late = [wait for wait in waits.values() if wait > HIDDEN_MS]
    run.measurements |= {
        "longest_wait_for_a_plain_record_ms": max(waits.values()),
        "hidden_plain_records": len(late),
        "aborted_after_ms": 1000 * (freed - (at - run.began)),
        "open_transaction_at_offset": offset,
    }
    longest = seconds(max(waits.values()) / 1000)
    id = f"hung_transaction.told.{WAIT if late else GO_ON}"
    told = words(id, longest=longest, **run.values)
    run.conclude(told)
    marks = [Mark(at - run.began, "transaction_hangs"), Mark(freed, "transaction_aborted")]
    run.show(_reach(run, offsets, group, told, marks))


def _reach(run: Run, offsets: Recorder, group: Group, title: str, marks: list[Mark]) -> Lines:
    series = {name: list(points) for name, points in offsets.series.items()}
    series["processed"] = [(read.time - run.began, float(read.offset)) for read in group.reads]
    return Lines(title, series, "elapsed_s", "offset", marks, names=words.under("shown"))


WAIT, GO_ON = "wait", "go_on"
ONLY_OLDER = "only_older"


def _plain(result: Result) -> str | None:
    longest = float(result.measurements["longest_wait_for_a_plain_record_ms"] or 0)
    return graded(longest, [(HIDDEN_MS, GO_ON)], WAIT)


HUNG_TRANSACTION = Experiment(
    "exactly_once.hung_transaction",
    words,
    (
        Choice("isolation_level", (COMMITTED, UNCOMMITTED), COMMITTED),
        Number("transaction_timeout_s", 1, 10, 2, "s"),
    ),
    _hung,
    Options((WAIT, GO_ON, ONLY_OLDER), _plain),
    breaks=False,
    judges=(LOG, PROCESSING),
    by_wall=lambda _: words("by_wall.open_transaction"),
    formerly=("consumers.hung_transaction",),
)  # fmt: skip

# -- lag that never reaches zero -------------------------------------------------------------------

EACH = 10
POSITION, RECORD = "position", "record"


def _last_offset(run: Run) -> None:
    run.make_topic(watch=False)
    group = group_of(run)
    commit = "after" if run["commit"] == RECORD else "position"
    reader = group.add("A", commit=commit, options={"isolation_level": COMMITTED})
    producer = run.producer(transactional_id=f"{run.topic}-ledger")
    producer.init_transactions()
    run.say(words("last_offset.says.writing"))
    for _ in range(run["transactions"]):
        producer.begin_transaction()
        run.load(producer, 0, EACH).wait()
        producer.commit_transaction()
    records = run["transactions"] * EACH
    join(run, group, reader)
    run.wait(lambda: len(reader.reads) >= records, words("last_offset.awaited.processed"))
    run.sleep(1.0)
    reader.leave()
    reader.await_end(10)
    place, end = places(run, group)[0], ends_of(run, onlooker(run))[0]
    judge(run, group)
    run.measurements |= {
        "lag_records": end - place,
        "log_end_offset": end,
        "committed_offset": place,
        "processed_records": len(reader.reads),
        "offsets_without_a_record": end - records,
    }
    run.conclude(words("last_offset.told", records=records, **run.values))
    run.show(
        Bars(
            words("last_offset.title", **run.values),
            ["written", "processed", "committed_offset", "log_end_offset"],
            {"offset": [float(records), float(len(reader.reads)), float(place), float(end)]},
            "records_offsets",
            names=words.under("shown"),
        )
    )


ZERO, ONE, EVERY = "zero", "one", "every"


def _left(result: Result) -> str | None:
    lag = int(result.measurements["lag_records"] or 0)
    return {0: ZERO, 1: ONE}.get(lag, EVERY)


LAST_OFFSET = Experiment(
    "exactly_once.last_offset",
    words,
    (
        Number("transactions", 1, 20, 5, facts={"each": EACH}),
        Choice("commit", (RECORD, POSITION), RECORD),
    ),
    _last_offset,
    Options((ZERO, ONE, EVERY), _left),
    breaks=False,
    judges=(LOG, PROCESSING),
    by_wall=lambda _: words("by_wall.open_transaction"),
    formerly=("consumers.last_offset",),
)  # fmt: skip
