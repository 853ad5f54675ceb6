"""05.3: replay one airline from a point in time, and disturb nobody who reads the topic live.

Some records come late: they lie behind later ones, with an earlier timestamp. So the offset that
Kafka finds for a time is where to begin, and not yet the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from labs.base.flights import Flight, flights
from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.groups import committed
from labs.exercise.judging import Judging
from labs.exercise.places import Place, require_values, written
from labs.exercise.program import how_it_ended
from labs.exercise.verdict import NotYet
from labs.kafka.admin import ask
from labs.workload.topic import serving

PARTITIONS, RECORDS = 3, 1500
#: One flight in so many comes late, by so many records.
LATE_ONE_IN, LATE_BY = 25, 150
AIRLINES = ("UA", "B6", "AA", "DL", "EV")
#: Where the live group stands, in each partition.
LIVE = 10


def judge(judging: Judging) -> tuple[str, ...]:
    """Compare what it has written with the airline's records from that time on."""
    topic = judging.topic(partitions=PARTITIONS)
    group = judging.group(topic)
    sent = _produce(judging, topic)
    before = _live(judging, topic, group)
    airline = judging.random.choice(AIRLINES)
    begin = _middle(judging, sent, airline)
    program = judging.program(topic=topic, group=group, airline=airline, from_ms=begin)
    judging.say("starting", airline=airline, begin=_readable(begin))
    program.start()
    code = program.wait_end(judging.patience_s)
    if code:
        raise NotYet("failed", *program.last_words(), how=how_it_ended(code))
    lines = written(program.lines)
    found = {each.place for each in lines}
    due = {p for p, f in sent.items() if f.carrier == airline and f.timestamp_ms >= begin}
    _compare(judging, sent, found, due, airline, begin)
    require_values(judging.read(topic), lines)
    if (now := committed(judging.cluster, group, topic)) != before:
        moved = judging.exercise.says("evidence", "moved", before=before, now=now)
        raise NotYet("moved_the_group", moved, group=group)
    return (judging.exercise.says("evidence", "replayed", count=len(due), airline=airline),)


def _produce(judging: Judging, topic: str) -> Mapping[Place, Flight]:
    """Flights in the order of their departure, but for those that come late; by their places."""
    order = list(flights(RECORDS))
    for index in range(0, RECORDS - LATE_BY, LATE_ONE_IN):
        order.insert(index + LATE_BY, order.pop(index))
    producer = judging.producer(acks="all")
    futures = [
        (f, producer.send(topic, f.value, f.key, timestamp_ms=f.timestamp_ms)) for f in order
    ]
    told = ((f, future.get(timeout=30)) for f, future in futures)
    return {(metadata.partition, metadata.offset): f for f, metadata in told}


def _live(judging: Judging, topic: str, group: str) -> Mapping[int, int]:
    """A group that reads the topic live has committed something."""
    at = {TopicPartition(topic, p): OffsetAndMetadata(LIVE, "", None) for p in range(PARTITIONS)}
    ask(serving(judging.cluster), lambda client: client.alter_group_offsets(group, at))
    return committed(judging.cluster, group, topic)


def _middle(judging: Judging, sent: Mapping[Place, Flight], airline: str) -> int:
    """A time in the middle, by which one of the airline's flights comes late."""
    own = [flight for _, flight in sorted(sent.items()) if flight.carrier == airline]
    latest, times = 0, []
    for flight in own:
        if flight.timestamp_ms < latest:
            times.append(flight.timestamp_ms + 1)
        latest = max(latest, flight.timestamp_ms)
    middle = times[len(times) // 4 : 3 * len(times) // 4] or times
    return judging.random.choice(middle)


def _compare(
    judging: Judging,
    sent: Mapping[Place, Flight],
    found: set[Place],
    due: set[Place],
    airline: str,
    begin: int,
) -> None:
    says = judging.exercise.says

    def seen(name: str, places: set[Place]) -> str:
        place = partition, offset = min(places)
        at = _readable(sent[place].timestamp_ms) if place in sent else "?"
        carrier = sent[place].carrier if place in sent else "?"
        values = {"partition": partition, "offset": offset, "at": at, "carrier": carrier}
        return says("evidence", name, count=len(places), **values)

    def lies(place: Place, *, other: bool) -> bool:
        flight = sent.get(place)
        return flight is not None and (flight.carrier != airline) is other

    wrong, missed = found - due, due - found
    if others := {place for place in wrong if lies(place, other=True)}:
        raise NotYet("other_airlines", seen("too_much", others), airline=airline)
    if wrong:
        first = {p: min((o for q, o in due if q == p), default=0) for p in range(PARTITIONS)}
        late = all(offset > first[partition] for partition, offset in wrong)
        reason = "late_records" if late else "too_early"
        raise NotYet(reason, seen("too_much", wrong), begin=_readable(begin))
    if missed:
        reason = "stopped_early" if found else "nothing"
        raise NotYet(reason, seen("missing", missed), airline=airline)


def _readable(milliseconds: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


EXERCISE = Exercise(
    "05.3",
    PROGRAM,
    Words(__file__),
    judge,
    minutes=12,
    contract=("TOPIC", "GROUP", "AIRLINE", "FROM_MS"),
)
