"""How fast, and at what price: ways of sending, and batches."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer

from labs.base.errors import LabsError
from labs.base.figures import figure, graded, ms
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Bars, Percentiles
from labs.workload import Load
from labs.workload.history import Outcome, Send
from labs.workload.latency import Waits, percentiles_of, summary_of, tail, waits_of
from labs.workload.set_here import Departure
from labs.workload.turns import in_turns

words = Words(__file__)

ANSWER_TIMEOUT_S = 20.0
LINGER = Number("linger_ms", 0, 200, 20, "ms", 5)
BATCH = Number("batch_size", 0, 262144, 65536, "bytes", 16384)


def warm_up(run: Run, producer: KafkaProducer) -> None:
    """One record, so that connections, metadata and a producer id do not count."""
    run.load(producer, rate=0, count=1).wait(ANSWER_TIMEOUT_S)


def all_answered(run: Run, load: Load) -> None:
    """Wait until a turn's last record is answered: records of two producers have no order.

    Raises:
        LabsError: the brokers did not come to it in time.
    """
    run.wait(
        lambda: all(send.outcome is not Outcome.PENDING for send in load.sends),
        words("awaited.answered"),
        3 * ANSWER_TIMEOUT_S,
    )


def rate_of(*turns: list[Send]) -> float:
    """Records/s over one or more turns, each from its first `send()` to its last acknowledgement.

    Raises:
        LabsError: none was acknowledged, so there is no rate; it names the client's errors.
    """
    count, took_s = 0, 0.0
    for sends in turns:
        done = [s.completed for s in sends if s.outcome is Outcome.OK and s.completed]
        count += len(done)
        took_s += max(done) - sends[0].invoked if done else 0.0
    if not count:
        errors = Counter(s.error or s.outcome.value for sends in turns for s in sends)
        told = ", ".join(f"{count:,} × {error}" for error, count in errors.most_common())
        raise LabsError(
            words("failed.none_acknowledged", errors=told or words("failed.none_sent")),
            hint=words("failed.hint"),
        )
    return count / took_s


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
    """Send them all; a callback gets each answer."""
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


#: The three ways take turns so often, each with its part of the records.
ROUNDS = 3


def _sending(run: Run) -> None:
    run.make_topic(watch=False)
    count = int(run["records"])
    producers = {way: run.producer(linger_ms=run["linger_ms"]) for way in WAYS}
    for producer in producers.values():
        warm_up(run, producer)
    turns: dict[str, list[list[Send]]] = {way: [] for way in WAYS}
    for way in in_turns(list(WAYS), ROUNDS):
        named, turn = words(f"shown.{way}"), len(turns[way]) + 1
        part = (count + turn - 1) // ROUNDS  # all parts together are `count`
        told = {"count": part, "way": named, "turn": turn, "turns": ROUNDS}
        run.say(words("sending.says.turn", **told))
        turns[way].append(WAYS[way](run, producers[way], part))
    took = {way: count / rate_of(*sent) * 1000 for way, sent in turns.items()}
    run.measurements |= {f"{way}_ms": round(value, 1) for way, value in took.items()}
    times = took[SYNC] / took[ASYNC]
    run.measurements["synchronous_takes_times"] = round(times, 1)
    each, values = {way: ms(value) for way, value in took.items()}, run.values
    run.conclude(words("sending.told", times=figure(times), **each, **values))
    run.show(
        Bars(
            words("sending.title", times=figure(times)),
            list(took),
            {"took": list(took.values())},
            f"ms_for:{count:,}",
            names=words.under("shown"),
        )
    )


_FEW, _SOME, _MANY = "few", "some", "many"


def _how_much_longer(result: Result) -> str | None:
    times = float(result.measurements["synchronous_takes_times"] or 0)
    return graded(times, [(2, _FEW), (10, _SOME)], _MANY)


SENDING = Experiment(
    "producers.sending",
    words,
    (
        Number("records", 100, 3000, 300, "records", 100),
        Number("linger_ms", 0, 20, 0, "ms", 5),
    ),
    _sending,
    Options((_FEW, _SOME, _MANY), _how_much_longer),
    breaks=False,
)


# -- batches -----------------------------------------------------------------------------------

#: How many records may wait for their answers. kafka-python itself sets no bound.
WINDOW = 200
AT_ONCE = "at_once"


class Window:
    """Blocks a sender while too many of its records have no answer."""

    def __init__(self, run: Run, room: int) -> None:
        run.note([Departure(words("window.where"), words("window.name"), room, None)])
        self._room = threading.Semaphore(room)

    def __call__(self, future: Any) -> None:
        """Wait until there is room for another record."""
        future.add_both(lambda _: self._room.release())
        self._room.acquire(timeout=ANSWER_TIMEOUT_S)


#: Either way of sending has so many turns.
TURNS = 2


@dataclass
class Way:
    """One set of settings, its producer, and what it sent in its turns."""

    producer: KafkaProducer
    turns: list[Load]
    #: By the client's own metrics; the one record before the first turn counts, too.
    records_per_batch: float = 0.0
    #: By the same metrics: a batch's size, by its records.
    bytes_per_record: float = 0.0

    def read_metrics(self) -> None:
        """Read them as a turn ends: a minute after the last record, kafka-python has forgotten all.

        So long may another's turn take on a busy machine.
        """
        metrics = self.producer.metrics()["producer-metrics"]
        self.records_per_batch = float(metrics["records-per-request-avg"])
        self.bytes_per_record = float(metrics["batch-size-avg"]) / self.records_per_batch

    @property
    def rate(self) -> float:
        """Acknowledged records/s."""
        return rate_of(*(load.sends for load in self.turns))

    @property
    def waits(self) -> Waits:
        """From due to acknowledged; connecting, the one slow start, came before."""
        return sum((waits_of(load) for load in self.turns), Waits([]))

    @property
    def summary(self) -> dict[str, float]:
        """Of the waits: what so many tell of."""
        return summary_of(self.waits.all)


def _way(run: Run, **options: Any) -> Way:
    way = Way(run.producer(**options), [])
    warm_up(run, way.producer)
    return way


def _take_turns(run: Run, ways: dict[str, Way]) -> None:
    for name in in_turns(list(ways), TURNS):
        way = ways[name]
        said, turn = words("shown.at_once") if name == AT_ONCE else name, len(way.turns) + 1
        run.say(words("batching.says.turn", way=said, turn=turn, turns=TURNS))
        load = run.load(way.producer, run["rate"], each=Window(run, WINDOW))
        run.sleep(run["seconds"] / TURNS)
        load.stop(ANSWER_TIMEOUT_S)
        all_answered(run, load)
        way.turns.append(load)
        way.read_metrics()


def _batching(run: Run) -> None:
    run.make_topic(watch=False)
    kind = None if run["compression"] == "none" else run["compression"]
    yours = f"linger_ms={run['linger_ms']}, batch_size={run['batch_size']}"
    yours += f", {kind}" if kind else ""
    options = {name: run[name] for name in ("linger_ms", "batch_size")}
    ways = {
        AT_ONCE: _way(run, linger_ms=0, batch_size=0),
        yours: _way(run, compression_type=kind, **options),
    }
    _take_turns(run, ways)
    one, many = ways.values()
    run.measurements |= {
        "at_once_records_per_s": round(one.rate, 1),
        "batched_records_per_s": round(many.rate, 1),
        "at_once_p99_ms": one.summary.get("p99_ms"),
        "batched_p99_ms": many.summary.get("p99_ms"),
        "at_once_samples": len(one.waits.all),
        "batched_samples": len(many.waits.all),
        "at_once_due_not_sent_records": len(one.waits.open),
        "batched_due_not_sent_records": len(many.waits.open),
        "records_per_batch": round(many.records_per_batch, 1),
        "at_once_bytes_per_record": round(one.bytes_per_record, 1),
        "batched_bytes_per_record": round(many.bytes_per_record, 1),
    }
    name = tail(one.summary, many.summary)
    wanted = words(f"batching.due.{'rate' if run['rate'] else 'full'}", **run.values)
    clauses = {"alone": _told("alone", one, name), "company": _told("company", many, name)}
    run.conclude(words("batching.told", wanted=wanted, yours=yours, window=WINDOW, **clauses))
    _show_batching(run, ways, name)


def _told(how: str, way: Way, name: str | None) -> str:
    """What came of a way: its rate, and the percentile `name` with what that stands on."""
    known = {"rate": figure(way.rate), "batch": figure(round(way.records_per_batch, 1))}
    if name is None:
        return words(f"batching.{how}.too_few", **known)
    worst, waits = way.summary[name], way.waits
    told = "at_least" if waits.bounded(worst) else "waited"
    share = words(f"batching.share.{name}")
    return words(
        f"batching.{how}.{told}", share=share, worst=ms(worst), open=len(waits.open), **known
    )


def _show_batching(run: Run, ways: dict[str, Way], name: str | None) -> None:
    one, many = ways.values()
    figures = {
        "alone": figure(one.rate),
        "company": figure(many.rate),
        "alone_bytes": figure(round(one.bytes_per_record)),
        "company_bytes": figure(round(many.bytes_per_record)),
        "batch": figure(round(many.records_per_batch, 1)),
    }
    run.show(
        Percentiles(
            _who_waits(one.summary.get(name or ""), many.summary.get(name or "")),
            {_curve(name, way.waits): percentiles_of(way.waits.all) for name, way in ways.items()},
            names=words.under("shown"),
        )
    )
    run.show(
        Bars(
            words("batching.title.rate", **figures),
            list(ways),
            {"acknowledged": [way.rate for way in ways.values()]},
            "records_per_s",
            names=words.under("shown"),
        )
    )
    run.show(
        Bars(
            words("batching.title.size", **figures),
            list(ways),
            {"sent": [way.bytes_per_record for way in ways.values()]},
            "bytes_per_record",
            names=words.under("shown"),
        )
    )


def _curve(name: str, waits: Waits) -> str:
    return f"at_least:{name}" if waits.open else name


def _who_waits(alone: float | None, company: float | None) -> str:
    if alone is None or company is None:
        return words("batching.title.unknown")
    return words(f"batching.title.{_SOONER if company < alone else _LATER}")


_SOONER, _LATER = "sooner", "later"


def _who_is_sooner(result: Result) -> str | None:
    alone, company = (result.measurements[f"{name}_p99_ms"] for name in ("at_once", "batched"))
    if not isinstance(alone, float) or not isinstance(company, float):
        return None
    return graded(company / alone, [(1.0, _SOONER)], _LATER)


BATCHING = Experiment(
    "producers.batching",
    words,
    (
        LINGER,
        BATCH,
        Choice(
            "compression",
            ("none", "gzip", "lz4", "zstd"),
            "none",
        ),
        Number("rate", 0, 5000, 1000, "records/s", 50),
        Number("seconds", 1, 5, 2.5, "s", 0.5),
    ),
    _batching,
    Options((_SOONER, _LATER), _who_is_sooner),
    breaks=False,
    about=("at_once_bytes_per_record", "batched_bytes_per_record"),
)
