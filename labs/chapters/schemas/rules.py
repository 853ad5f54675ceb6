"""Changes of a schema against a rule: what a real registry accepts, and what readers then see.

Each change gets a subject of its own, at the chosen level. Beside it, the same versions stand under
subjects without a rule: so records are written by each of them, and read by programs that know
another version, whether or not the registry would have let them.
"""

from __future__ import annotations

from typing import Any

from kafka import TopicPartition

from labs.base.words import Words
from labs.chapters.schemas import confluent
from labs.chapters.schemas.changes import CHANGES, Change, flight_of
from labs.chapters.schemas.confluent import Fields
from labs.experiment.experiment import Experiment
from labs.experiment.native import native_producer, poll_until, produce
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice
from labs.experiment.views import Grid

words = Words(__file__)

LEVELS = (
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
)
ACCEPTED, REFUSED, READS, FAILS = "accepted", "refused", "reads", "fails"
COLUMNS = ("registry", "new_reads_old", "old_reads_new")
ANSWER_S = 10.0


def _rules(run: Run) -> None:
    registry = confluent.client(confluent.address(run))
    run.make_topic(watch=False)
    for change in CHANGES:
        run.say(words("rules.says.asking", what=words(f"shown.{change.id}")))
        run.measurements[change.id] = _asked(run, registry, change)
    run.say(words("rules.says.reading"))
    stored = _written(run, registry)
    rows = {}
    for change in CHANGES:
        olds, news = stored[change.id][:-1], stored[change.id][-1:]
        new_reads = _reads(run, registry, change.new, olds)
        old_reads = min((_reads(run, registry, v, news) for v in change.versions[:-1]), key=_worst)
        rows[change.id] = [str(run.measurements[change.id]), new_reads, old_reads]
    _tell(run, rows)


def _asked(run: Run, registry: Any, change: Change) -> str:
    """Whether the registry lets the newest version in; all before it must be in."""
    subject = f"{run.topic}-{change.id}"
    registry.register_schema(subject, confluent.schema(change.old))
    registry.set_compatibility(subject, "NONE")
    for version in change.versions[1:-1]:
        registry.register_schema(subject, confluent.schema(version))
    registry.set_compatibility(subject, run["level"])
    refused = confluent.refuses(
        lambda: registry.register_schema(subject, confluent.schema(change.new))
    )
    return REFUSED if refused else ACCEPTED


def _written(run: Run, registry: Any) -> dict[str, list[bytes]]:
    """A record by each version of each change, as it is stored in the topic: oldest first."""
    producer = native_producer(run, acks="all")
    sent = []
    for change in CHANGES:
        for number, fields in enumerate(change.versions):
            subject = f"{run.topic}-any-{change.id}-{number}"
            serializer = confluent.writer(registry, fields, subject)
            value = confluent.serialized(run.topic, serializer, flight_of(fields))
            sent.append((change.id, produce(run, producer, confluent.numbered_value(value))))
    poll_until(producer, lambda: all(send.completed for _, send in sent), ANSWER_S)
    at = dict(_stored(run))
    found: dict[str, list[bytes]] = {change.id: [] for change in CHANGES}
    for id, send in sent:
        assert send.offset is not None
        found[id].append(at[send.offset])
    return found


def _stored(run: Run) -> list[tuple[int, bytes]]:
    """What is in the topic, by its offsets."""
    consumer, place = run.consumer(), TopicPartition(run.topic, 0)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    end, found = consumer.end_offsets([place])[place], []
    while consumer.position(place) < end:
        for records in consumer.poll(timeout_ms=500).values():
            found += [(record.offset, confluent.value_of(record.value)) for record in records]
        run.sleep(0)
    return found


def _reads(run: Run, registry: Any, fields: Fields, stored: list[bytes]) -> str:
    """Whether a program that knows this version can read all of these records."""
    deserializer = confluent.reader(registry, fields)
    if all(confluent.readable(run.topic, deserializer, value) for value in stored):
        return READS
    return FAILS


def _worst(seen: str) -> int:
    return (FAILS, READS).index(seen)


def _tell(run: Run, rows: dict[str, list[str]]) -> None:
    verdicts = [row[0] for row in rows.values()]
    run.measurements |= {
        "accepted_changes": verdicts.count(ACCEPTED),
        "accepted_that_break_a_new_reader": _breaking(rows, 1),
        "accepted_that_break_an_old_reader": _breaking(rows, 2),
    }
    run.conclude(words("rules.told", changes=len(rows), **run.values))
    title = words("rules.title", changes=len(rows), **run.values)
    kinds = (ACCEPTED, REFUSED, READS, FAILS)
    run.show(Grid(title, COLUMNS, rows, kinds, names=words.under("shown")))


def _breaking(rows: dict[str, list[str]], column: int) -> int:
    return sum(row[0] == ACCEPTED and row[column] == FAILS for row in rows.values())


_ADD, _DROP, _BOTH, _NEITHER = "add", "drop", "both", "neither"


def _which(result: Result) -> str:
    added, dropped = (result.measurements[id] == REFUSED for id in ("add_bare", "drop_bare"))
    return {(1, 0): _ADD, (0, 1): _DROP, (1, 1): _BOTH, (0, 0): _NEITHER}[added, dropped]


RULES = Experiment(
    "schemas.rules",
    words,
    (Choice("level", LEVELS, "BACKWARD"),),
    _rules,
    Options((_ADD, _DROP, _BOTH, _NEITHER), _which),
    breaks=False,
    about=(
        "accepted_changes",
        "accepted_that_break_a_new_reader",
        "accepted_that_break_an_old_reader",
    ),
)
