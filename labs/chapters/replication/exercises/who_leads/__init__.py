"""04.2: from a snapshot of three partitions, predict who leads each when a broker comes back.

Two brokers are stopped, one after the other; the one that left first comes back. So one partition
waits for the other broker; one may be led by this one, for it was below its minimum and lacks
nothing; and one has had a leader all the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labs.base.words import Words
from labs.exercise.exercise import ANSWER, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import is_number
from labs.exercise.verdict import CantTell, NotYet
from labs.observe.snapshot import Partition

PARTITIONS = 3
NONE = "none"
_NAMES = [f"PARTITION_{index}" for index in range(PARTITIONS)]


@dataclass(frozen=True)
class Placed:
    """A partition that is made: its replicas, and its topic's `min.insync.replicas`."""

    replicas: Sequence[int]
    minimum: int

    def described(self, seen: Partition) -> str:
        """How it looks, in the words of `kafka-topics --describe`."""
        return (
            f"Leader: {seen.leader or NONE}; Replicas: {','.join(map(str, seen.replicas))};"
            f" Isr: {_listed(seen.isr)}; Elr: {_listed(seen.elr)};"
            f" Configs: min.insync.replicas={self.minimum}"
        )


def _listed(brokers: Sequence[int]) -> str:
    return ",".join(map(str, sorted(brokers))) or NONE


def _placed(described: str) -> Placed:
    """The partition that was described so."""
    told = dict(part.split(": ") for part in described.split("; "))
    return Placed(
        [int(broker) for broker in told["Replicas"].split(",")],
        int(told["Configs"].rpartition("=")[2]),
    )


def prepare(judging: Judging) -> Mapping[str, str]:
    """Bring three partitions into a situation; the learner is told how they look."""
    first, second, third = judging.random.sample(judging.brokers, 3)
    below, alone = (judging.random.sample([first, second], 2) for _ in range(2))
    kinds = [Placed(below, 2), Placed(alone, 1), Placed([first, third], 1)]
    judging.random.shuffle(kinds)
    judging.say("preparing")
    seen = _without(judging, _make(judging, kinds), first, second)
    if sorted(str(partition.leader) for partition in seen) != [str(third), "None", "None"]:
        raise CantTell("unsteady")
    told = [kind.described(partition) for kind, partition in zip(kinds, seen, strict=True)]
    dead = _listed([first, second])
    return {"DEAD": dead, "BACK": str(first), **dict(zip(_NAMES, told, strict=True))}


def _make(judging: Judging, kinds: Sequence[Placed]) -> list[str]:
    """A topic for each of these partitions."""
    return [
        judging.topic(assignments=[kind.replicas], min_insync_replicas=str(kind.minimum))
        for kind in kinds
    ]


def _without(
    judging: Judging, topics: Sequence[str], first: int, second: int
) -> tuple[Partition, ...]:
    """Stop two brokers, one after the other; what the third says of the partitions then."""
    for broker in (first, second):
        judging.fault("stop", broker)
    judging.await_dead([first, second])
    return tuple(map(judging.partition, topics))


def judge(judging: Judging) -> tuple[str, ...]:
    """Bring the same about again, start the broker, and ask the cluster who leads."""
    words, back = _words(judging), int(judging.asked["BACK"])
    kinds = [_placed(judging.asked[name]) for name in _NAMES]
    before, after = _truth(judging, kinds, back)
    told = []
    for index, (kind, then, now) in enumerate(zip(kinds, before, after, strict=True)):
        if then.leader not in (None, now.leader):
            raise CantTell("rebalanced", partition=index)
        seen = {"before": kind.described(then), "after": kind.described(now)}
        told.append(judging.exercise.says("evidence", "led", partition=index, **seen))
    for index, (word, then, now) in enumerate(zip(words, before, after, strict=True)):
        if word != str(now.leader or NONE):
            reason = _misconception(word, back, then, now)
            raise NotYet(reason, told[index], answer=word, back=back, partition=index)
    return tuple(told)


def _words(judging: Judging) -> list[str]:
    """The answer: a word for each partition."""
    words = judging.answer.replace(",", " ").lower().split()
    if not words:
        raise NotYet("unanswered")
    if len(words) != PARTITIONS or not all(word == NONE or is_number(word) for word in words):
        raise NotYet("unreadable_answer", answer=judging.answer[:80], count=PARTITIONS)
    return words


def _truth(
    judging: Judging, kinds: Sequence[Placed], back: int
) -> tuple[tuple[Partition, ...], tuple[Partition, ...]]:
    """The partitions before the broker was started, and afterwards."""
    (second,) = {int(broker) for broker in judging.asked["DEAD"].split(",")} - {back}
    topics = _make(judging, kinds)
    before = _without(judging, topics, back, second)
    for name, kind, partition in zip(_NAMES, kinds, before, strict=True):
        if (seen := kind.described(partition)) != judging.asked[name]:
            raise CantTell("other_snapshot", told=judging.asked[name], seen=seen)
    judging.fault("start", back)
    judging.await_dead([second])
    return before, tuple(map(judging.partition, topics))


def _misconception(answer: str, back: int, then: Partition, now: Partition) -> str:
    if answer == NONE and now.leader == back:
        return "elr_overlooked"
    if answer == str(back) and now.leader is None:
        return "not_eligible"
    if answer == str(back) and now.leader == then.leader:
        return "leader_stays"
    return "other_leader"


EXERCISE = Exercise(
    "04.2",
    ANSWER,
    Words(__file__),
    judge,
    minutes=6,
    contract=("DEAD", "BACK", *_NAMES),
    prepare=prepare,
    breaks=True,
)
