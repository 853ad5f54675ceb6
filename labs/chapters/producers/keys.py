"""Keys, the partitions they lead to, and the order that holds there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from kafka import KafkaProducer

from labs.base.flights import Flight, flights
from labs.base.words import Words
from labs.chapters.producers.pace import ANSWER_TIMEOUT_S, Window
from labs.experiment.experiment import Experiment
from labs.experiment.native import native_producer, poll_until, produce
from labs.experiment.prediction import Estimate, Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Bars, Lines
from labs.kafka.admin import admin
from labs.workload import Payload
from labs.workload.history import Outcome, Read, Send
from labs.workload.judgements import KEY_ORDER, LOG

words = Words(__file__)

#: Flights of the first days of 2013, over which the records go round.
FLIGHTS = 5000
ROOM = 2000

CARRIER, ROUTE, PLANE, NO_KEY = "carrier", "route", "plane", "none"
_KEY_OF: dict[str, Callable[[Flight], str | None]] = {
    CARRIER: lambda flight: flight.carrier,
    ROUTE: lambda flight: f"{flight.origin}-{flight.dest}",
    PLANE: lambda flight: flight.tailnum or "unknown",
    NO_KEY: lambda _: None,
}
KEY = Choice("key", tuple(_KEY_OF), CARRIER)
RECORDS = Number("records", 1000, 10000, 3000, "records", 1000)


@cache
def _some_flights() -> tuple[Flight, ...]:
    return tuple(flights(FLIGHTS))


def keyed(by: str) -> Payload:
    """Flights under another key than their carrier."""
    found, key_of = _some_flights(), _KEY_OF[by]

    def payload(number: int) -> tuple[bytes | None, bytes]:
        flight = found[number % len(found)]
        key = key_of(flight)
        return (None if key is None else key.encode()), b"%d|%b" % (number, flight.value)

    return payload


def planes(count: int) -> list[bytes]:
    """So many different aeroplanes' tail numbers, in the order in which they first flew."""
    known = dict.fromkeys(f.tailnum.encode() for f in _some_flights() if f.tailnum)
    return list(known)[:count]


def _send_all(run: Run, producer: KafkaProducer, count: int, payload: Payload) -> list[Send]:
    load = run.load(producer, 0, count, payload=payload, each=Window(run, ROOM))
    load.wait(ANSWER_TIMEOUT_S)
    return load.sends


def _acknowledged(sends: Iterable[Send]) -> list[Send]:
    return [send for send in sends if send.outcome is Outcome.OK]


def everything(run: Run) -> Sequence[Read]:
    """The topic as one consumer read it, for the verdict, in the order in which it got it."""
    run.verdict()
    assert run.log is not None
    return run.log.reads


def _name(key: bytes | None) -> str:
    return NO_KEY if key is None else key.decode()


# -- a hot key ------------------------------------------------------------------------------------


def _keys(run: Run) -> None:
    partitions = int(run["partitions"])
    run.make_topic(partitions, watch=False)
    run.say(words("keys.says.sending", **run.settings))
    producer = run.producer(linger_ms=5)
    sends = _acknowledged(_send_all(run, producer, int(run["records"]), keyed(str(run["key"]))))
    placed = Counter(send.partition for send in sends)
    keys = Counter(_name(send.key) for send in sends)
    fullest, most = placed.most_common(1)[0]
    share, fair = 100 * most / len(sends), 100 / partitions
    run.measurements |= {
        "fullest_partition_percent": round(share, 1),
        "fair_share_percent": round(fair, 1),
        "empty_partitions": partitions - len(placed),
        "different_keys": len(keys),
    }
    there = Counter(_name(s.key) for s in sends if s.partition == fullest)
    busiest = ", ".join(key for key, _ in there.most_common(3))
    values = {**run.values, "fullest": fullest, "share": share, "fair": fair, "busiest": busiest}
    run.conclude(words(f"keys.told.{'no_key' if run['key'] == NO_KEY else 'keyed'}", **values))
    labels = [f"partition:{p}" for p in range(partitions)]
    run.show(
        Bars(
            words("keys.title.partitions", **values),
            labels,
            {"records": [placed.get(p, 0) for p in range(partitions)]},
            f"records_by:{run['key']}",
            names=words.under("shown"),
        )
    )
    if run["key"] != NO_KEY:
        _show_keys(run, keys, {s.key: s.partition for s in sends})


def _show_keys(run: Run, keys: Counter[str], where: dict[bytes | None, int | None]) -> None:
    top = keys.most_common(10)
    at = {_name(key): partition for key, partition in where.items()}
    share = 100 * top[0][1] / keys.total()
    run.show(
        Bars(
            words("keys.title.busiest", key=top[0][0], share=share),
            [key for key, _ in top],
            {"records": [count for _, count in top]},
            f"busiest_keys:{len(top)}",
            notes=[words("keys.note", count=count, partition=at[key]) for key, count in top],
            names=words.under("shown"),
        )
    )


KEYS = Experiment(
    "producers.keys",
    words,
    (
        Number("partitions", 1, 12, 6, "partitions"),
        KEY,
        RECORDS,
    ),
    _keys,
    Estimate("%", 0, 100, "fullest_partition_percent"),
    breaks=False,
)


# -- order ----------------------------------------------------------------------------------------


def _behind(reads: Iterable[Read]) -> int:
    """How many records were read after one that had been sent later."""
    latest, count = -1, 0
    for read in reads:
        if read.number is not None:
            count += read.number < latest
            latest = max(latest, read.number)
    return count


def _order(run: Run) -> None:
    partitions = int(run["partitions"])
    run.make_topic(partitions, watch=False)
    run.say(words("order.says.sending"))
    _send_all(run, run.producer(linger_ms=5), int(run["records"]), keyed(str(run["key"])))
    run.say(words("order.says.reading"))
    reads = everything(run)
    assert run.log is not None
    run.judge_key_order(run.log)
    each = [[r for r in reads if r.partition == p] for p in range(partitions)]
    in_topic, in_partitions = _behind(reads), sum(map(_behind, each))
    run.measurements |= {
        "out_of_order_in_the_topic_records": in_topic,
        "out_of_order_in_a_partition_records": in_partitions,
    }
    counts = {"in_topic": in_topic, "in_partitions": in_partitions, "all": len(reads)}
    run.conclude(words("order.told", **counts))
    places: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for place, read in enumerate(reads):
        places[f"partition:{read.partition}"].append((place, read.number or 0))
    run.show(
        Lines(
            words("order.title", **counts),
            dict(sorted(places.items())),
            "reading_order",
            "record_number",
            dots=True,
            names=words.under("shown"),
        )
    )


_AS_SENT, _PER_PARTITION = "as_sent", "per_partition"


def _as_read(result: Result) -> str:
    return _PER_PARTITION if result.measurements["out_of_order_in_the_topic_records"] else _AS_SENT


ORDER = Experiment(
    "producers.order",
    words,
    (
        Number("partitions", 1, 6, 3, "partitions"),
        KEY,
        RECORDS,
    ),
    _order,
    Options((_AS_SENT, _PER_PARTITION), _as_read),
    breaks=False,
    judges=(LOG, KEY_ORDER),
)


# -- adding partitions -------------------------------------------------------------------------


def _rounds(keys: list[bytes], first: int) -> Payload:
    """Every key in turn, again and again."""
    bodies = _some_flights()

    def payload(number: int) -> tuple[bytes | None, bytes]:
        body = bodies[number % len(bodies)].value
        return keys[(number - first) % len(keys)], b"%d|%b" % (number, body)

    return payload


def _growing(run: Run) -> None:
    before, after = int(run["partitions"]), int(run["partitions"] + run["added"])
    run.make_topic(before, watch=False)
    keys = planes(int(run["keys"]))
    producer = run.producer(linger_ms=5, metadata_max_age_ms=500)
    run.say(words("growing.says.before", planes=len(keys), partitions=before))
    old = _send_all(run, producer, 2 * len(keys), _rounds(keys, 0))
    with admin(run.cluster.bootstrap) as client:
        client.create_partitions({run.topic: after})
    run.partitions = after
    run.wait(
        lambda: len(producer.partitions_for(run.topic)) == after,
        words("growing.awaited.known"),
    )
    run.say(words("growing.says.after", partitions=after))
    new = _send_all(run, producer, 2 * len(keys), _rounds(keys, run.history.next_number))
    was = {s.key: s.partition for s in _acknowledged(old)}
    now_in = {s.key: s.partition for s in _acknowledged(new)}
    moved = [key for key in was if now_in.get(key) != was[key]]
    run.verdict()
    run.say(words("growing.says.reading"))
    late = run.read(first=range(before, after))
    run.judge_key_order(late)
    reads = late.reads
    mixed = sum(_behind(r for r in reads if r.key == key) > 0 for key in moved)
    percent = 100 * len(moved) / len(was)
    run.measurements |= {
        "moved_keys_percent": round(percent, 1),
        "moved_keys": len(moved),
        "keys_read_out_of_order": mixed,
    }
    run.conclude(words("growing.told", after=after, all=len(was), percent=percent, **run.values))
    _show_growing(run, was, now_in, percent)


def _show_growing(
    run: Run,
    was: dict[bytes | None, int | None],
    now_in: dict[bytes | None, int | None],
    percent: float,
) -> None:
    labels = [f"partition:{p}" for p in range(run.partitions)]
    stayed = Counter(p for key, p in now_in.items() if was.get(key) == p)
    came = Counter(p for key, p in now_in.items() if was.get(key) != p)
    earlier = Counter(was.values())
    series = {
        name: [count.get(p, 0) for p in range(run.partitions)]
        for name, count in (("before", earlier), ("stayed", stayed), ("came", came))
    }
    run.show(
        Bars(
            words("growing.title", percent=percent),
            labels,
            series,
            "keys",
            names=words.under("shown"),
        )
    )


GROWING = Experiment(
    "producers.growing",
    words,
    (
        Number("partitions", 1, 6, 3, "partitions"),
        Number("added", 1, 6, 1, "partitions"),
        Number("keys", 100, 1000, 500, "keys", 100),
    ),
    _growing,
    Estimate("%", 0, 100, "moved_keys_percent"),
    breaks=False,
    judges=(LOG, KEY_ORDER),
)


# -- two clients, one key ----------------------------------------------------------------------


def _partitioners(run: Run) -> None:
    run.make_topic(int(run["partitions"]), watch=False)
    keys = planes(int(run["keys"]))
    run.say(words("partitioners.says.python", planes=len(keys)))
    python = _send_all(run, run.producer(linger_ms=5), len(keys), _rounds(keys, 0))
    run.say(words("partitioners.says.native", **run.settings))
    native = _send_natively(run, keys)
    places = {s.key: s.partition for s in _acknowledged(python)}
    pairs = [(places[s.key], s.partition) for s in _acknowledged(native) if s.key in places]
    same = sum(one == other for one, other in pairs)
    percent, chance = 100 * same / max(len(pairs), 1), 100 / run["partitions"]
    run.measurements |= {
        "same_partition_percent": round(percent, 1),
        "same_partition_keys": same,
        "by_chance_percent": round(chance, 1),
    }
    shares = {"all": len(pairs), "percent": percent, "chance": chance}
    run.conclude(words("partitioners.told", **shares, **run.values))
    series = {
        "same": [sum(a == b == p for a, b in pairs) for p in range(run.partitions)],
        "another": [sum(a == p != b for a, b in pairs) for p in range(run.partitions)],
    }
    labels = [f"partition:{p}" for p in range(run.partitions)]
    title = words("partitioners.title", percent=percent)
    run.show(Bars(title, labels, series, "keys_of_kafka_python", names=words.under("shown")))


def _send_natively(run: Run, keys: list[bytes]) -> list[Send]:
    producer = native_producer(run, acks="all", partitioner=run["partitioner"])
    payload = _rounds(keys, run.history.next_number)
    sends = [produce(run, producer, payload) for _ in keys]
    poll_until(
        producer,
        lambda: all(send.outcome is not Outcome.PENDING for send in sends),
        ANSWER_TIMEOUT_S,
    )
    return sends


#: By chance alone, of 100 keys 16 ± 4 (one standard deviation) go to the same of six partitions.
NEAR_PERCENT = 15

_ALL, _CHANCE = "all", "chance"


def _agreement(result: Result) -> str | None:
    same = float(result.measurements["same_partition_percent"] or 0)
    chance = float(result.measurements["by_chance_percent"] or 0)
    if chance > 90:
        return None
    if same == 100:
        return _ALL
    return _CHANCE if abs(same - chance) < NEAR_PERCENT else None


PARTITIONERS = Experiment(
    "producers.partitioners",
    words,
    (
        Choice(
            "partitioner",
            ("consistent_random", "murmur2_random", "fnv1a_random"),
            "consistent_random",
        ),
        Number("partitions", 1, 12, 6, "partitions"),
        Number("keys", 100, 1000, 500, "keys", 100),
    ),
    _partitioners,
    Options((_ALL, _CHANCE), _agreement),
    breaks=False,
    about=("same_partition_keys",),
)
