"""03.3: which acknowledged records did a crash lose?

A producer with `acks=1` writes; both followers are silent, and the leader dies. What it alone had
is gone, and its offsets are given to other records. What the producer was told of each record is
written into a second topic.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.exercise.exercise import ANSWER, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import is_number
from labs.exercise.verdict import CantTell, NotYet
from labs.workload.history import Outcome, Read
from labs.workload.load import Load

RATE = 40  # records/s
#: How many records are acknowledged before the followers are silent, and while they are.
WELL, ALONE = (40, 80), (15, 30)
NONE = "none"
#: One try only, so that each report is final. It gives up sooner than a new leader is elected, so
#: that some records are reported as errors.
ONE_TRY = {
    "acks": 1,
    "enable_idempotence": False,
    "retries": 0,
    "request_timeout_ms": 1000,
    "delivery_timeout_ms": 1000,
    "max_block_ms": 1000,
}


def prepare(judging: Judging) -> Mapping[str, str]:
    """Lose records, and write down what their producer was told."""
    topic, reports = judging.topic(), judging.topic()
    judging.say("writing")
    load = judging.stream(topic, None, RATE, producer=judging.producer(**ONE_TRY))
    _crash(judging, topic, load)
    load.stop()
    _report(judging, reports, load)
    told = {"TOPIC": topic, "REPORTS": reports}
    seen = _look(judging, told)
    if not seen.lost or not seen.never_there or set(seen.lost) != set(seen.taken):
        raise CantTell("unsteady")
    return told


def _crash(judging: Judging, topic: str, load: Load) -> None:
    """Kill the leader with what it alone has; wait until others stand at all of its offsets."""
    says = judging.exercise.says
    well, alone = (judging.random.randint(*bounds) for bounds in (WELL, ALONE))
    wait_for(lambda: len(_offsets(load)) >= well, says("awaited", "acknowledged"))

    def silence() -> None:
        enough = len(_offsets(load)) + alone
        wait_for(lambda: len(_offsets(load)) >= enough, says("awaited", "acknowledged"))

    _, followers = judging.kill_ahead(topic, silence)
    last = max(_offsets(load))
    before = len(load.sends)
    judging.await_leader(topic, followers)
    wait_for(
        lambda: any(s.offset is not None and s.offset > last for s in load.sends[before:]),
        says("awaited", "taken"),
    )


def _offsets(load: Load) -> list[int]:
    """The offsets that were acknowledged so far."""
    return [s.offset for s in list(load.sends) if s.offset is not None]


def _report(judging: Judging, topic: str, load: Load) -> None:
    producer = judging.producer(acks="all")
    futures = []
    for send in load.sends:
        what = {"offset": send.offset} if send.outcome is Outcome.OK else {"error": send.error}
        value = json.dumps({"number": send.number, **what}).encode()
        futures.append(producer.send(topic, value))
    for future in futures:
        future.get(timeout=judging.remaining_s)


@dataclass(frozen=True)
class Seen:
    """What the two topics say.

    Args:
        acknowledged: number → the offset that the producer was told.
        there: number → the record as it stands in the topic.
        never_there: the numbers that were reported as an error, and are not in the topic.
    """

    acknowledged: Mapping[int, int]
    there: Mapping[int, Read]
    never_there: Sequence[int]

    @property
    def lost(self) -> list[int]:
        """The acknowledged records that are not in the topic."""
        return sorted(set(self.acknowledged) - set(self.there))

    @property
    def taken(self) -> dict[int, int]:
        """Number of a lost record → number of the record that stands at its offset now."""
        at = {read.offset: number for number, read in self.there.items()}
        return {n: at[o] for n in self.lost if (o := self.acknowledged[n]) in at}


def _look(judging: Judging, told: Mapping[str, str]) -> Seen:
    there = {r.number: r for r in judging.read(told["TOPIC"]).reads if r.number is not None}
    reports = [_report_of(record.value) for record in judging.records(told["REPORTS"])]
    acknowledged = {r["number"]: r["offset"] for r in reports if "offset" in r}
    failed = [r["number"] for r in reports if "error" in r]
    return Seen(acknowledged, there, [n for n in failed if n not in there])


def _report_of(value: bytes) -> Mapping[str, Any]:
    """What the producer was told of one record; nothing: somebody else has written that."""
    try:
        told = json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) and is_number(str(told.get("number"))) else {}


def judge(judging: Judging) -> tuple[str, ...]:
    """Compare the answer with what the two topics say."""
    named = _named(judging.answer)
    if not all(map(judging.exists, (judging.asked["TOPIC"], judging.asked["REPORTS"]))):
        raise CantTell("gone")
    seen = _look(judging, judging.asked)
    lost, taken, says = set(seen.lost), seen.taken, judging.exercise.says

    def gone(number: int) -> str:
        offset = seen.acknowledged[number]
        return says("evidence", "lost", number=number, offset=offset, other=taken[number])

    if not named:
        raise NotYet("offset_used_again", gone(min(lost)))
    if there := sorted(named & set(seen.there)):
        number = there[0]
        at = says("evidence", "there", number=number, offset=seen.there[number].offset)
        raise NotYet("still_there", at, count=len(there))
    if failed := sorted(named & set(seen.never_there)):
        error = says("evidence", "error", number=failed[0])
        raise NotYet("never_acknowledged", error, count=len(failed))
    if named - lost:
        raise NotYet("never_sent", number=min(named - lost))
    if missing := sorted(lost - named):
        raise NotYet("some_missing", gone(missing[0]), count=len(missing))
    return (says("evidence", "all", numbers=", ".join(map(str, seen.lost))), gone(min(lost)))


def _named(answer: str) -> set[int]:
    """The numbers that the answer names, as Python or a shell may print them."""
    if not answer.strip():
        raise NotYet("unanswered")
    if set(re.findall(r"[^\W\d]+", answer.lower())) - {NONE, "set"}:
        raise NotYet("unreadable_answer", answer=answer[:80])
    found = re.findall(r"\d+", answer)
    if not all(map(is_number, found)):
        raise NotYet("unreadable_answer", answer=answer[:80])
    return set(map(int, found))


EXERCISE = Exercise(
    "03.3",
    ANSWER,
    Words(__file__),
    judge,
    minutes=8,
    contract=("TOPIC", "REPORTS"),
    prepare=prepare,
    breaks=True,
)
