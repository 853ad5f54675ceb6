"""A program without a registry sends a record that another program can't read: where does it hurt?

Kafka takes any bytes. So whoever reads is the first to notice, long after the sender has got its
acknowledgement: it ends at that record, and each time that it is started again; or it reads on, and
counts wrong without an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from itertools import islice

from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from labs.base.flights import flights
from labs.base.words import Words
from labs.chapters.schemas.confluent import Flight, numbered, value_of
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lines, Mark, Point

words = Words(__file__)

RENAMED, TEXT, CUT = "renamed", "text", "cut"
STRICT, LENIENT = "strict", "lenient"

RATE = 60
#: A program that has died is started again after so long, s.
RESTART_S = 0.5
#: So often it is started again, when it dies at the same record.
PATIENCE = 5
POLL_MS, AWAITED_S = 200, 20.0


@cache
def _flights() -> tuple[Flight, ...]:
    left = (flight for flight in flights() if flight.dep_delay is not None)
    return tuple(
        {"carrier": flight.carrier, "flight": flight.flight, "dep_delay": flight.dep_delay}
        for flight in islice(left, 500)
    )


def _text(number: int) -> bytes:
    """A flight as the sender has always written it."""
    return json.dumps(_flights()[number % len(_flights())]).encode()


def _broken(how: str, number: int) -> bytes:
    """The same flight as the sender's new version writes it."""
    flight = dict(_flights()[number % len(_flights())])
    if how == RENAMED:
        flight["delay"] = flight.pop("dep_delay")
    if how == TEXT:
        flight["dep_delay"] = str(flight["dep_delay"])
    told = json.dumps(flight).encode()
    return told[: len(told) // 2] if how == CUT else told


class _Reader:
    """The program that adds up the delays: it commits after each record, and may die."""

    def __init__(self, run: Run) -> None:
        self.total, self.starts = 0, 0
        self.committed: list[Point] = []
        self.died: list[float] = []
        self._run = run
        self._place = TopicPartition(run.topic, 0)
        self._asked: Callable[[Flight], int] = (
            (lambda flight: int(flight["dep_delay"] + 0))
            if run["reader"] == STRICT
            else (lambda flight: int(flight.get("dep_delay", 0) + 0))
        )

    def live(self, until: Callable[[], bool]) -> None:
        """One life, from the committed offset on; it ends at an error, or when all is done."""
        self.starts += 1
        options = {"group_id": self._run.topic, "enable_auto_commit": False}
        consumer = self._run.consumer(auto_offset_reset="earliest", **options)
        consumer.assign([self._place])
        try:
            while not until():
                for records in consumer.poll(timeout_ms=POLL_MS).values():
                    for record in records:
                        self._take(consumer, record.offset, value_of(record.value))
                self._run.sleep(0)
        except (KeyError, TypeError, ValueError):
            self.died.append(self._run.elapsed())
        finally:
            consumer.close()

    def _take(self, consumer: KafkaConsumer, offset: int, value: bytes) -> None:
        self.total += self._asked(json.loads(value))
        consumer.commit({self._place: OffsetAndMetadata(offset + 1, "", -1)})
        self.committed.append((self._run.elapsed(), offset + 1))


def _unchecked(run: Run) -> None:
    run.make_topic(watch=False)
    producer, reader = run.producer(acks="all"), _Reader(run)
    run.say(words("unchecked.says.good"))
    count = run["records"]
    first = run.load(producer, RATE, count, payload=numbered(_text))
    reader.live(lambda: not first.sending and len(reader.committed) >= count)
    run.say(words("unchecked.says.broken"))
    run.load(
        producer, RATE, 1, payload=numbered(lambda number: _broken(run["broken"], number))
    ).wait()
    broken_at = run.elapsed()
    later = run.load(producer, RATE, count, payload=numbered(_text))
    due = 2 * count + 1
    while len(reader.committed) < due and len(reader.died) < PATIENCE:
        reader.live(lambda: not later.sending and len(reader.committed) >= due)
        if reader.died:
            run.say(words("unchecked.says.again", starts=reader.starts))
            run.sleep(RESTART_S)
    later.wait()
    _tell(run, reader, broken_at)


def _tell(run: Run, reader: _Reader, broken_at: float) -> None:
    counts = run.verdict().counts
    done = len(reader.committed)
    true_total = sum(_flights()[n % len(_flights())]["dep_delay"] for n in range(counts.sent))
    run.measurements |= {
        "acknowledged_records": counts.acknowledged,
        "crashes": len(reader.died),
        "lag_records": counts.sent - done,
        "wrong_by_minutes": abs(true_total - reader.total) if done == counts.sent else None,
    }
    found = _found(run.measurements)
    run.conclude(words(f"unchecked.told.{found}", **run.values))
    sends = [(send.completed or 0.0) - run.began for send in run.history.sends]
    series: dict[str, list[Point]] = {
        "acknowledged": [(time, number + 1) for number, time in enumerate(sends)],
        "committed": [*reader.committed, (run.elapsed(), done)],
    }
    marks = [Mark(broken_at, "broken"), *(Mark(time, "crash") for time in reader.died)]
    title = words(f"unchecked.title.{found}", **run.values)
    names = words.under("shown")
    run.show(Lines(title, series, "elapsed_s", "records", marks, steps=True, names=names))


_PRODUCER, _BEHIND, _SILENTLY, _NOWHERE = "producer", "behind", "silently", "nowhere"


def _found(measured: object) -> str:
    assert isinstance(measured, dict)
    if measured["lag_records"]:
        return _BEHIND
    return _SILENTLY if measured["wrong_by_minutes"] else _NOWHERE


def _where(result: Result) -> str:
    if result.report.counts.failed:
        return _PRODUCER
    return _found(dict(result.measurements))


UNCHECKED = Experiment(
    "schemas.unchecked",
    words,
    (
        Choice(
            "broken",
            (RENAMED, TEXT, CUT),
            RENAMED,
            formerly={
                "a renamed field": RENAMED,
                "a text instead of a number": TEXT,
                "cut in half": CUT,
            },
        ),
        Choice("reader", (STRICT, LENIENT), STRICT),
        Number("records", 50, 150, 100, "records", 10),
    ),
    _unchecked,
    Options((_PRODUCER, _BEHIND, _SILENTLY, _NOWHERE), _where),
    breaks=False,
    about=("crashes", "lag_records", "wrong_by_minutes"),
)
