"""How fast, and at what price: ways of sending, and batches."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer

from labs.errors import LabsError
from labs.experiment import Experiment, Options, Result, Run
from labs.history import Outcome, Send
from labs.set_here import Departure
from labs.settings import Choice, Number
from labs.views import Bars, Percentiles
from labs.workload.latency import percentiles, summary

ANSWER_TIMEOUT_S = 20.0
LINGER = Number("linger_ms", 0, 200, 20, "how long a batch waits for company", "ms", 5)
BATCH = Number("batch_size", 0, 262144, 65536, "when a batch is full", "bytes", 16384)


def warm_up(run: Run, producer: KafkaProducer) -> None:
    """One record, so that connections, metadata and a producer id do not count."""
    run.load(producer, rate=0, count=1).wait(ANSWER_TIMEOUT_S)


def rate_of(sends: list[Send]) -> float:
    """Records/s from the first call of `send()` to the last acknowledgement.

    Raises:
        LabsError: none was acknowledged, so there is no rate; it names the client's errors.
    """
    done = [s.completed for s in sends if s.outcome is Outcome.OK and s.completed]
    if not done:
        errors = Counter(send.error or send.outcome.value for send in sends)
        told = ", ".join(f"{count:,} × {error}" for error, count in errors.most_common())
        raise LabsError(
            f"no record was acknowledged ({told or 'none was sent'})",
            hint="`labs status` shows whether the brokers run; then run it again",
        )
    return len(done) / (max(done) - sends[0].invoked)


# -- synchronous, asynchronous, with callbacks ------------------------------------------------

SYNC, ASYNC, CALLBACK = "synchronous", "asynchronous", "callback"


def _send_synchronously(run: Run, producer: KafkaProducer, count: int) -> list[Send]:
    """`producer.send(…).get()`: the next record waits for this one's acknowledgement."""
    load = run.load(producer, 0, count, each=lambda future: future.get(timeout=ANSWER_TIMEOUT_S))
    load.wait(ANSWER_TIMEOUT_S)
    return load.sends


def _send_asynchronously(run: Run, producer: KafkaProducer, count: int) -> list[Send]:
    """Send them all, then look at each future."""
    futures: list[Any] = []
    load = run.load(producer, 0, count, each=futures.append)
    load.wait(ANSWER_TIMEOUT_S)
    for future in futures:
        future.get(timeout=ANSWER_TIMEOUT_S)
    return load.sends


def _send_with_callbacks(run: Run, producer: KafkaProducer, count: int) -> list[Send]:
    """Send them all, and be told."""
    told: list[int] = []
    load = run.load(
        producer, 0, count, each=lambda f: f.add_callback(lambda m: told.append(m.offset))
    )
    load.wait(ANSWER_TIMEOUT_S)
    return load.sends


WAYS: dict[str, Callable[[Run, KafkaProducer, int], list[Send]]] = {
    SYNC: _send_synchronously,
    ASYNC: _send_asynchronously,
    CALLBACK: _send_with_callbacks,
}


def _sending(run: Run) -> None:
    run.make_topic(watch=False)
    count = int(run["records"])
    took: dict[str, float] = {}
    for way, send in WAYS.items():
        producer = run.producer(linger_ms=run["linger_ms"])
        warm_up(run, producer)
        run.say(f"{count:,} records, {way}")
        took[way] = count / rate_of(send(run, producer, count)) * 1000
        run.measurements[f"{way}_ms"] = round(took[way], 1)
    times = took[SYNC] / took[ASYNC]
    run.measurements["synchronous_takes_times"] = round(times, 1)
    run.conclude(
        f"{count:,} records took {took[SYNC]:,.0f} ms one by one, {took[ASYNC]:,.0f} ms with"
        f" futures and {took[CALLBACK]:,.0f} ms with callbacks: waiting for each answer took"
        f" {times:,.1f} times as long (linger_ms={run['linger_ms']})"
    )
    run.show(
        Bars(
            f"Waiting for each answer takes {times:,.0f} times as long",
            list(took),
            {"until the last acknowledgement": list(took.values())},
            f"ms for {count:,} records",
        )
    )


_FEW, _SOME, _MANY = "less than twice as long", "2 to 10 times as long", "over 10 times as long"


def _how_much_longer(result: Result) -> str:
    times = float(result.measurements["synchronous_takes_times"] or 0)
    return _FEW if times < 2 else _SOME if times <= 10 else _MANY


SENDING = Experiment(
    "producers.sending",
    "What does it cost to wait for each record's acknowledgement before sending the next?",
    (
        Number("records", 100, 2000, 300, "how many records each way sends", "records", 100),
        Number("linger_ms", 0, 20, 0, "how long a batch waits for company", "ms", 5),
    ),
    _sending,
    Options(
        "The same records: `send(…).get()` for each, or `send(…)` for all and then the answers."
        " How much longer does the first take?",
        {
            _FEW: "Each record waited for a whole round trip to three brokers, alone.",
            _SOME: "One round trip for each record, against one for each batch: compare the bars.",
            _MANY: "The round trips were cheaper here than you expected.",
        },
        _how_much_longer,
    ),
    breaks=False,
)


# -- batches -----------------------------------------------------------------------------------

#: So many records may wait for their answers. kafka-python itself sets no bound.
WINDOW = 200
AT_ONCE = "each at once"


class Window:
    """Holds a sender up while too many of its records have no answer."""

    def __init__(self, run: Run, room: int) -> None:
        run.note([Departure("the program", "records without an answer, at most", room, None)])
        self._room = threading.Semaphore(room)

    def __call__(self, future: Any) -> None:
        """Wait until there is room for another record."""
        future.add_both(lambda _: self._room.release())
        self._room.acquire(timeout=ANSWER_TIMEOUT_S)


@dataclass(frozen=True)
class Phase:
    """How one set of settings did."""

    sends: list[Send]
    rate: float
    records_per_batch: float
    bytes_per_record: float

    @property
    def p99_ms(self) -> float:
        """Of ack − intended send time; connecting, the one slow start, came before."""
        return summary(self.sends).get("p99_ms", 0.0)


def _phase(run: Run, name: str, **options: Any) -> Phase:
    producer = run.producer(**options)
    warm_up(run, producer)
    run.say(f"{name}: {options}")
    load = run.load(producer, run["rate"], each=Window(run, WINDOW))
    run.sleep(run["seconds"])
    load.stop(ANSWER_TIMEOUT_S)
    told = producer.metrics()["producer-metrics"]
    batch, per_batch = told["batch-size-avg"], told["records-per-request-avg"]
    return Phase(load.sends, rate_of(load.sends), per_batch, batch / per_batch)


def _batching(run: Run) -> None:
    run.make_topic(watch=False)
    kind = None if run["compression"] == "none" else run["compression"]
    yours = f"linger_ms={run['linger_ms']}, batch_size={run['batch_size']}"
    yours += f", {kind}" if kind else ""
    phases = {
        AT_ONCE: _phase(run, AT_ONCE, linger_ms=0, batch_size=0),
        yours: _phase(
            run,
            "in batches",
            linger_ms=run["linger_ms"],
            batch_size=run["batch_size"],
            compression_type=kind,
        ),
    }
    one, many = phases.values()
    run.measurements |= {
        "at_once_records_per_s": round(one.rate, 1),
        "batched_records_per_s": round(many.rate, 1),
        "at_once_p99_ms": one.p99_ms,
        "batched_p99_ms": many.p99_ms,
        "records_per_batch": round(many.records_per_batch, 1),
        "at_once_bytes_per_record": round(one.bytes_per_record, 1),
        "batched_bytes_per_record": round(many.bytes_per_record, 1),
    }
    wanted = f"of {run['rate']:,} wanted" if run["rate"] else "as fast as the client could"
    run.conclude(
        f"one by one, {one.rate:,.0f} records/s were acknowledged and 1 in 100 waited over"
        f" {one.p99_ms:,.0f} ms; in batches of {many.records_per_batch:,.1f} records"
        f" {many.rate:,.0f} records/s and {many.p99_ms:,.0f} ms ({wanted}; {yours})"
    )
    _show_batching(run, phases)


def _show_batching(run: Run, phases: dict[str, Phase]) -> None:
    one, many = phases.values()
    faster = "earlier" if many.p99_ms < one.p99_ms else "later"
    run.show(
        Percentiles(
            f"In batches, the slowest records are acknowledged {faster}",
            {name: percentiles(phase.sends) for name, phase in phases.items()},
            y="ms from due to acknowledged",
        )
    )
    run.show(
        Bars(
            f"{one.rate:,.0f} records/s one by one, {many.rate:,.0f} in batches",
            list(phases),
            {"acknowledged": [phase.rate for phase in phases.values()]},
            "records/s",
        )
    )
    run.show(
        Bars(
            f"A record costs {one.bytes_per_record:,.0f} bytes alone,"
            f" {many.bytes_per_record:,.0f} in a batch of {many.records_per_batch:,.0f}",
            list(phases),
            {"sent": [phase.bytes_per_record for phase in phases.values()]},
            "bytes a record",
        )
    )


_SOONER, _LATER = "the ones that wait for company", "the ones that are sent at once"


def _who_is_sooner(result: Result) -> str:
    alone, company = (result.measurements[f"{name}_p99_ms"] for name in ("at_once", "batched"))
    return _SOONER if float(company or 0) < float(alone or 0) else _LATER


BATCHING = Experiment(
    "producers.batching",
    "Send each record at once, or let it wait for company: what does it do to rate and latency?",
    (
        LINGER,
        BATCH,
        Choice(
            "compression",
            ("none", "gzip", "lz4", "zstd"),
            "none",
            "what squeezes a batch, as a whole",
        ),
        Number("rate", 0, 5000, 1000, "how fast; 0: as fast as it can", "records/s", 50),
        Number("seconds", 1, 5, 2.5, "how long either is measured", "s", 0.5),
    ),
    _batching,
    Options(
        "Records come at the rate you set. Which have the better 99th percentile of latency?",
        {
            _SOONER: "At this rate each record got its own request in time: waiting only waited.",
            _LATER: "Each request serves one record: they queued up behind each other, for longer"
            " than any linger.",
        },
        _who_is_sooner,
    ),
    breaks=False,
)
