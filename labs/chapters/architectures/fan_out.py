"""One log and many readers, or a copy for each reader: what does one more reader cost?

Bytes on disk are asked of the brokers (DescribeLogDirs), with all copies of a partition. What goes
over the network to a reader, its client counts.
"""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer

from labs.base.waiting import WAIT_S
from labs.base.words import Words
from labs.chapters.architectures.common import (
    ANSWER_S,
    beside,
    flights_of,
    from_the_beginning,
    payload_of,
    send_all,
)
from labs.experiment.experiment import Experiment
from labs.experiment.native import native_producer, poll_until
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Bars
from labs.kafka.admin import copies_on_disk

words = Words(__file__)

LOG, COPIES = "log", "copies"
FIRST = "2013-01-01"
#: How often a consumer tells its statistics, ms.
TOLD_EACH_MS = 100


def _fan_out(run: Run) -> None:
    run.make_topic(watch=False)
    sent = flights_of(FIRST, run["records"])
    run.say(words("fan_out.says.writing"))
    send_all(run, sent)
    topics = [run.topic]
    if run["way"] == COPIES:
        topics = [beside(run, f"for-{reader}") for reader in range(1, run["readers"] + 1)]
        for number, topic in enumerate(topics, 1):
            run.say(words("fan_out.says.copying", number=number))
            _copy(run, topic)
    read_from = topics if run["way"] == COPIES else topics * run["readers"]
    to_readers = []
    for number, topic in enumerate(read_from, 1):
        run.say(words("fan_out.says.reading", number=number))
        to_readers.append(_read(run, topic, number))
    _tell(run, sorted({run.topic, *topics}), to_readers)


def _copy(run: Run, topic: str) -> None:
    """Write all records once more, as a program does that delivers to each reader's own place."""
    producer = native_producer(run, acks="all")
    payload = payload_of(flights_of(FIRST, run["records"]))
    for number in range(run["records"]):
        key, value = payload(number)
        producer.produce(topic, value, key)
    poll_until(producer, lambda: not len(producer), ANSWER_S)


def _read(run: Run, topic: str, number: int) -> int:
    """Read all of a topic, as a group of its own; the bytes that came over the network."""
    told: dict[str, Any] = {}
    options: dict[str, Any] = {"on_statistics": told.update, "statistics_interval_ms": TOLD_EACH_MS}
    consumer = from_the_beginning(run, topic, group=f"reader-{number}", **options)
    left = run["records"]
    while left:
        left -= len(consumer.consume(500, timeout=1.0))
        run.sleep(0)
    asked_after = run.elapsed()
    run.wait(lambda: _heard(consumer, told, asked_after, run), words("fan_out.awaited.statistics"))
    consumer.close()
    return int(told["rx_bytes"])


def _heard(consumer: Consumer, told: dict[str, Any], after: float, run: Run) -> bool:
    """Whether statistics have come that were made after the last record."""
    told.clear()
    consumer.poll(2 * TOLD_EACH_MS / 1000)
    return bool(told) and run.elapsed() > after


def _on_disk(run: Run, topics: list[str], expected: int) -> dict[str, int]:
    """Topic → bytes in all of its copies, once each broker has them all."""

    def whole() -> dict[str, int] | None:
        found = run.ask(lambda client: copies_on_disk(client, topics))
        same = all(len(sizes) == expected and len(set(sizes)) == 1 for sizes in found.values())
        return {topic: sum(sizes) for topic, sizes in found.items()} if same else None

    return run.wait(whole, words("fan_out.awaited.copies"), WAIT_S)


def _tell(run: Run, topics: list[str], to_readers: list[int]) -> None:
    sizes = _on_disk(run, topics, len(run.partition().replicas))
    per_record = 1 / run["records"]
    run.measurements |= {
        "on_disk_a_record_bytes": round(sum(sizes.values()) * per_record),
        "log_a_record_bytes": round(sizes[run.topic] * per_record),
        "to_a_reader_a_record_bytes": round(sum(to_readers) / len(to_readers) * per_record),
        "disk_for_one_more_reader_bytes": 0
        if run["way"] == LOG
        else round((sum(sizes.values()) - sizes[run.topic]) / run["readers"] * per_record),
    }
    way = run["way"]
    run.conclude(words(f"fan_out.told.{way}", **run.values))
    labels = ["the_log", *(f"copy:{n}" for n in range(1, len(topics)))]
    disk = [sizes[topic] * per_record for topic in topics]
    bars = {
        "on_disk": [*disk, *(0 for _ in to_readers)],
        "over_the_network": [*(0 for _ in disk), *(bytes * per_record for bytes in to_readers)],
    }
    labels += [f"reader:{n}" for n in range(1, len(to_readers) + 1)]
    title = words(f"fan_out.title.{way}", **run.values)
    run.show(Bars(title, labels, bars, "bytes_a_record", names=words.under("shown")))


_DISK, _NETWORK, _NOTHING = "disk", "network", "nothing"


def _which(result: Result) -> str:
    if result.measurements["disk_for_one_more_reader_bytes"]:
        return _DISK
    return _NETWORK if result.measurements["to_a_reader_a_record_bytes"] else _NOTHING


FAN_OUT = Experiment(
    "architectures.fan_out",
    words,
    (
        Choice("way", (LOG, COPIES), LOG, formerly={"one log": LOG, "a copy each": COPIES}),
        Number("readers", 2, 5, 3),
        Number("records", 1000, 5000, 2000, "records", 1000),
    ),
    _fan_out,
    Options((_DISK, _NETWORK, _NOTHING), _which),
    breaks=False,
    about=("on_disk_a_record_bytes", "to_a_reader_a_record_bytes"),
)
