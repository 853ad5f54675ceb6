"""Two clients at one task on the same brokers: is the client or the broker the limit?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import Any

import psutil
from confluent_kafka import KafkaError, Message

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.figures import figure, graded
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.native import native_producer
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number
from labs.experiment.views import Bars
from labs.kafka.cluster import Role
from labs.workload import Payload, flight_payload
from labs.workload.history import Outcome
from labs.workload.turns import in_turns

words = Words(__file__)

FLUSH_S = 30.0
PYTHON, NATIVE = "kafka-python", "confluent-kafka"

#: The native client gets more to do, or it is done before anything can be measured.
NATIVE_TIMES = 3

Record = tuple[bytes | None, bytes]
Answer = tuple[int, int, int, float]  # index, partition, offset, when


#: Each has so many turns, and before the first one a warm-up with this part of a turn's records.
TURNS, WARM_UP = 2, 0.25


@dataclass(frozen=True)
class Feat:
    """What one client did: records acknowledged in so many s, and the processor time of it, s."""

    count: int
    took_s: float
    client_cpu_s: float
    brokers_cpu_s: float

    def __add__(self, other: Feat) -> Feat:
        return Feat(
            self.count + other.count,
            self.took_s + other.took_s,
            self.client_cpu_s + other.client_cpu_s,
            self.brokers_cpu_s + other.brokers_cpu_s,
        )

    @property
    def rate(self) -> float:
        """Acknowledged records/s."""
        return self.count / self.took_s

    def cpu_ms_per_thousand(self) -> list[float]:
        """ms of processor time for 1,000 records: this process's, all brokers'."""
        return [1e6 * cpu / self.count for cpu in (self.client_cpu_s, self.brokers_cpu_s)]


@dataclass
class Book:
    """When each record was sent, and what was answered; as bare as can be.

    A book-keeper that took longer than the native client would be what is measured; the history
    is written from this afterwards.
    """

    invoked: list[float]
    answers: list[Answer]

    def python_told(self, index: int, metadata: Any) -> None:
        """kafka-python's callback."""
        self.answers.append((index, metadata.partition, metadata.offset, now()))

    def native_told(self, index: int, error: KafkaError | None, message: Message) -> None:
        """confluent-kafka's delivery callback."""
        partition, offset = message.partition(), message.offset()
        if error is None and partition is not None and offset is not None:
            self.answers.append((index, partition, offset, now()))


Sender = Callable[[list[Record], Book], None]


def _by_kafka_python(run: Run) -> Sender:
    producer = run.producer(linger_ms=run["linger_ms"], batch_size=run["batch_size"])
    producer.partitions_for(run.topic)

    def send_all(records: list[Record], book: Book) -> None:
        for index, (key, value) in enumerate(records):
            book.invoked.append(now())
            future = producer.send(run.topic, value, key)
            future.add_callback(partial(book.python_told, index))
        producer.flush(FLUSH_S)

    return send_all


def _by_confluent_kafka(run: Run) -> Sender:
    producer = native_producer(
        run, linger_ms=run["linger_ms"], batch_size=run["batch_size"], acks="all"
    )
    producer.list_topics(run.topic, timeout=FLUSH_S)

    def send_all(records: list[Record], book: Book) -> None:
        for index, (key, value) in enumerate(records):
            book.invoked.append(now())
            told = partial(book.native_told, index)
            while not _queued(producer, run.topic, key, value, told):
                producer.poll(0.01)
            producer.poll(0)
        producer.flush(FLUSH_S)

    return send_all


def _queued(producer: Any, topic: str, key: bytes | None, value: bytes, told: Any) -> bool:
    try:
        producer.produce(topic, value, key, on_delivery=told)
    except BufferError:  # librdkafka's queue is full: serve callbacks, try again
        return False
    return True


def _cpu_s(run: Run) -> tuple[float, float]:
    """Processor time so far: of this process, and of the brokers where they can be seen."""
    brokers = 0.0
    for node in run.cluster.status().nodes:
        if node.role is Role.BROKER and node.pid:
            times = psutil.Process(node.pid).cpu_times()
            brokers += times.user + times.system
    own = psutil.Process().cpu_times()
    return own.user + own.system, brokers


def _feat(run: Run, name: str, count: int, send_all: Sender) -> Feat:
    """One turn: so many records, as fast as it can.

    Raises:
        LabsError: none was acknowledged.
    """
    payload, first = flight_payload(), run.history.next_number
    records = [payload(number) for number in range(first, first + count)]
    book = Book([], [])
    run.say(words("clients.says.turn", client=name, count=count))
    before = _cpu_s(run)
    send_all(records, book)
    after = _cpu_s(run)
    _write_down(run, lambda number: records[number - first], book)
    if not book.answers:
        raise LabsError(
            words("clients.failed.none_acknowledged", client=name), hint=words("failed.hint")
        )
    took_s = max(when for *_, when in book.answers) - book.invoked[0]
    return Feat(len(book.answers), took_s, after[0] - before[0], after[1] - before[1])


def _write_down(run: Run, payload: Payload, book: Book) -> None:
    answers = {answer[0]: answer for answer in book.answers}
    for index, when in enumerate(book.invoked):
        send = run.history.invoke(payload, when, when)
        if index in answers:
            _, send.partition, send.offset, send.completed = answers[index]
            send.outcome = Outcome.OK


def _clients(run: Run) -> None:
    run.make_topic(watch=False)
    senders = {PYTHON: _by_kafka_python(run), NATIVE: _by_confluent_kafka(run)}
    counts = {PYTHON: int(run["records"]), NATIVE: int(run["records"]) * NATIVE_TIMES}
    for name, send_all in senders.items():  # connections, and the brokers' compiler
        _feat(run, name, int(counts[name] / TURNS * WARM_UP), send_all)
    turns: dict[str, list[Feat]] = {name: [] for name in senders}
    for name in in_turns(list(senders), TURNS):
        turns[name].append(_feat(run, name, counts[name] // TURNS, senders[name]))
    feats = {name: reduce(add, each) for name, each in turns.items()}
    slow, fast = feats.values()
    times = fast.rate / slow.rate
    own, brokers = slow.cpu_ms_per_thousand()
    run.measurements |= {
        "kafka_python_records_per_s": round(slow.rate),
        "confluent_kafka_records_per_s": round(fast.rate),
        "times_as_fast": round(times, 1),
        "kafka_python_client_cpu_per_thousand_records_ms": round(own, 2),
    }
    if brokers:  # somebody else's can't be seen
        run.measurements["kafka_python_brokers_cpu_per_thousand_records_ms"] = round(brokers, 2)
    so_many = figure(round(times, 1))
    told = f"clients.told.{'client' if _limited_by(times) == _CLIENT else 'open'}"
    run.conclude(words(told, slow=slow.rate, fast=fast.rate, times=so_many))
    _show_clients(run, feats, so_many)


def _show_clients(run: Run, feats: dict[str, Feat], times: str) -> None:
    run.show(
        Bars(
            words("clients.title.rate", times=times),
            list(feats),
            {"acknowledged": [feat.rate for feat in feats.values()]},
            "records_per_s",
        )
    )
    shares = [feat.cpu_ms_per_thousand() for feat in feats.values()]
    spent = {"client": [s[0] for s in shares], "brokers": [s[1] for s in shares]}
    own, brokers = shares[0]
    title = words("clients.title.time")
    if brokers:
        title = words("clients.title.share", share=figure(100 * own / (own + brokers)))
    run.show(
        Bars(
            title,
            list(feats),
            {who: times for who, times in spent.items() if any(times)},
            "cpu_ms_per_thousand",
            names=words.under("shown"),
        )
    )


_CLIENT, _BROKER = "client", "brokers"


def _limited_by(times: float) -> str | None:
    return graded(times, [(1.5, _BROKER)], _CLIENT)


def _limit(result: Result) -> str | None:
    return _limited_by(float(result.measurements["times_as_fast"] or 0))


CLIENTS = Experiment(
    "producers.clients",
    words,
    (
        Number("records", 2000, 50000, 6000, "records", 1000),
        Number("linger_ms", 0, 100, 5, "ms", 5),
        Number("batch_size", 16384, 262144, 65536, "bytes", 16384),
    ),
    _clients,
    Options((_CLIENT, _BROKER), _limit),
    breaks=False,
)
