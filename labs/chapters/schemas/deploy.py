"""A change of a schema is deployed: readers first, or writers first. What can nobody read then?

A writer and a reader run all the time. First both know the old version; then one of them is
deployed anew with the new one, and a moment later the other. At the end a reader with the new
version reads all from the beginning, as a new group or a replay does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition

from labs.base.words import Words
from labs.chapters.schemas import confluent
from labs.chapters.schemas.changes import CHANGES, Change, flight_of
from labs.chapters.schemas.confluent import Fields
from labs.experiment.experiment import Experiment
from labs.experiment.lanes import hold
from labs.experiment.native import native_producer, poll_until, produce
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lanes, Mark, Span

words = Words(__file__)

ADD, ADD_BARE = "add_default", "add_bare"
DROP, DROP_BARE, RENAME = "drop_default", "drop_bare", "rename"
READERS, WRITERS = "readers", "writers"
OLD, NEW = "old", "new"

EVERY_S, ANSWER_S = 0.05, 10.0


@dataclass
class _Side:
    """A program of which one version runs: the writer or the reader."""

    codec: Any
    version: str = OLD
    since: float = 0.0


def _deploy(run: Run) -> None:
    registry = confluent.client(confluent.address(run))
    run.make_topic(watch=False)
    change = next(one for one in CHANGES if one.id == run["change"])
    writer = _Side(_writer(run, registry, OLD, change.old))
    reader = _Side(confluent.reader(registry, change.old))
    spans: dict[str, list[Span]] = {"writer": [], "reader": [], "records_read": []}
    live = _Live(run, change, writer, reader, spans)
    sides = [("reader", reader), ("writer", writer)]
    if run["first"] == WRITERS:
        sides.reverse()
    run.say(words("deploy.says.before"))
    live.go_on()
    marks = []
    for name, side in sides:
        run.say(words(f"deploy.says.{name}"))
        _close(run, spans[name], side)
        if name == "writer":
            side.codec = _writer(run, registry, NEW, change.new)
        else:
            side.codec = confluent.reader(registry, change.new)
        side.version, side.since = NEW, run.elapsed()
        marks.append(Mark(run.elapsed(), f"deployed_{name}"))
        live.go_on()
    for name, side in sides:
        _close(run, spans[name], side)
    run.say(words("deploy.says.replay"))
    replayed = live.replay(confluent.reader(registry, change.new))
    _tell(run, live, replayed, Lanes("", spans, (OLD, NEW, "readable", "unreadable"), marks))


def _writer(run: Run, registry: Any, version: str, fields: Fields) -> Any:
    """A serializer of that version; its subject has no rule, so that each order can be tried."""
    return confluent.writer(registry, fields, f"{run.topic}-{version}")


def _close(run: Run, spans: list[Span], side: _Side) -> None:
    spans.append(Span(side.since, run.elapsed(), side.version, f"version_{side.version}"))


class _Live:
    """Writer and reader at work, record by record."""

    def __init__(
        self, run: Run, change: Change, writer: _Side, reader: _Side, spans: dict[str, list[Span]]
    ) -> None:
        self.unreadable = 0
        self._run, self._change = run, change
        self._writer, self._reader, self._spans = writer, reader, spans
        self._producer: Producer = native_producer(run, acks="all", linger_ms=0)
        self._consumer: KafkaConsumer = run.consumer()
        self._place = TopicPartition(run.topic, 0)
        self._consumer.assign([self._place])
        self._consumer.seek_to_beginning(self._place)

    def go_on(self) -> None:
        """Have a record written and read every moment, until it is time for the next step."""
        until = self._run.elapsed() + self._run["seconds"]
        while self._run.elapsed() < until:
            self._send()
            self._read()
            self._run.sleep(EVERY_S)
        self._read()

    def _send(self) -> None:
        fields = self._change.old if self._writer.version == OLD else self._change.new
        topic, flight = self._run.topic, flight_of(fields)
        value = confluent.serialized(topic, self._writer.codec, flight)
        send = produce(self._run, self._producer, confluent.numbered_value(value))
        poll_until(self._producer, lambda: send.completed is not None, ANSWER_S)

    def _read(self) -> None:
        """Read all that is there; what can't be read is counted, and passed over."""
        end = self._consumer.end_offsets([self._place])[self._place]
        while self._consumer.position(self._place) < end:
            for records in self._consumer.poll(timeout_ms=200).values():
                for record in records:
                    self._note(self._readable(self._reader.codec, record.value))

    def _readable(self, codec: Any, stored: bytes) -> bool:
        return confluent.readable(self._run.topic, codec, confluent.value_of(stored))

    def _note(self, readable: bool) -> None:
        self.unreadable += not readable
        kind = "readable" if readable else "unreadable"
        hold(self._spans["records_read"], kind, self._run.elapsed())

    def replay(self, codec: Any) -> int:
        """Read all from the beginning; returns how many records can't be read."""
        end = self._consumer.end_offsets([self._place])[self._place]
        self._consumer.seek_to_beginning(self._place)
        unreadable = 0
        while self._consumer.position(self._place) < end:
            for records in self._consumer.poll(timeout_ms=200).values():
                unreadable += sum(not self._readable(codec, record.value) for record in records)
        return unreadable


def _tell(run: Run, live: _Live, replayed: int, seen: Lanes) -> None:
    run.measurements |= {
        "written_records": run.history.next_number,
        "unreadable_records": live.unreadable,
        "unreadable_on_replay_records": replayed,
    }
    first = run["first"]
    change = words(f"deploy.values.change.{run['change']}")
    run.conclude(words(f"deploy.told.{first}", **{**run.values, "change": change}))
    title = words(f"deploy.title.{_found(run.measurements)}", **run.values)
    run.show(Lanes(title, seen.lanes, seen.kinds, seen.marks, names=words.under("shown")))


_NONE, _BETWEEN, _OLD_ONES, _BOTH = "none", "between", "old_ones", "both"


def _found(measured: Any) -> str:
    meanwhile = bool(measured["unreadable_records"])
    replayed = bool(measured["unreadable_on_replay_records"])
    return {
        (False, False): _NONE,
        (True, False): _BETWEEN,
        (False, True): _OLD_ONES,
        (True, True): _BOTH,
    }[meanwhile, replayed]


def _which(result: Result) -> str:
    return _found(result.measurements)


DEPLOY = Experiment(
    "schemas.deploy",
    words,
    (
        Choice(
            "change",
            (ADD, ADD_BARE, DROP, DROP_BARE, RENAME),
            DROP_BARE,
            formerly={
                "add with a default": ADD,
                "add without a default": ADD_BARE,
                "drop with a default": DROP,
                "drop without a default": DROP_BARE,
            },
        ),
        Choice("first", (READERS, WRITERS), WRITERS),
        Number("seconds", 1, 3, 1, "s"),
    ),
    _deploy,
    Options((_NONE, _BETWEEN, _OLD_ONES, _BOTH), _which),
    breaks=False,
    about=("unreadable_records", "unreadable_on_replay_records"),
)
