"""01.1: a topic that stays readable with two brokers dead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.exercise.exercise import STATE, Exercise
from labs.exercise.judging import Judging
from labs.exercise.own_topic import explain_refusal
from labs.exercise.verdict import NotYet
from labs.observe.snapshot import Partition
from labs.workload.history import Outcome
from labs.workload.topic import fresh_name

RECORDS = 200
#: How long their acknowledgements may take, s.
ANSWERS_S = 20.0
#: How many brokers die.
DEATHS = 2


def prepare(judging: Judging) -> Mapping[str, str]:
    """Only a name: the learner makes the topic."""
    return {"TOPIC": fresh_name(judging.cluster, "stay-readable-")}


def judge(judging: Judging) -> tuple[str, ...]:
    """Write records, kill two brokers that have copies of them, and read."""
    topic, says = judging.asked["TOPIC"], judging.exercise.says
    if not judging.exists(topic):
        raise NotYet("no_topic", topic=topic)
    partitions = judging.partitions(topic)
    weakest = min(partitions, key=lambda partition: len(partition.replicas))
    digests, end = _write(judging, weakest)
    dead = _kill_two(judging, weakest)
    told = says("evidence", "replicas", partition=weakest.index, replicas=_list(weakest.replicas))
    died = says("evidence", "died", dead=_list(dead))
    if set(weakest.replicas) <= set(dead):
        _wait_until_offline(judging, weakest)
        offline = says("evidence", "offline", partition=weakest.index)
        why = _misconception(partitions, weakest)
        raise NotYet(why, told, died, offline, count=len(partitions))
    for partition in partitions:
        judging.await_leader(topic, set(partition.replicas) - set(dead), partition.index)
    log = judging.read(topic, to={weakest.index: end})
    left = digests & {read.digest for read in log.reads}
    if left != digests:
        raise NotYet("gone", told, died, count=len(left), sent=len(digests))
    return told, died, says("evidence", "readable", count=len(left))


def _write(judging: Judging, weakest: Partition) -> tuple[set[int], int]:
    """Records that every follower has, and of which it knows that they may be read.

    A follower learns the high watermark with what it fetches next: so one record comes after them.
    Returns the digests of the former, and the offset of the latter.
    """
    loads = []
    for count in (RECORDS, 1):
        loads.append(judging.stream(weakest.topic, count, partition=weakest.index))
        loads[-1].wait(ANSWERS_S)
        if failed := [s for s in loads[-1].sends if s.outcome is not Outcome.OK]:
            explain_refusal(weakest.topic, failed[0].error)
    (last,) = loads[1].sends
    assert last.offset is not None
    return {send.digest for send in loads[0].sends}, last.offset


def _kill_two(judging: Judging, weakest: Partition) -> tuple[int, ...]:
    """Two of the partition's replicas; another broker, where it has only one."""
    others = [broker for broker in judging.brokers if broker not in weakest.replicas]
    copies = judging.random.sample(weakest.replicas, min(DEATHS, len(weakest.replicas)))
    dead = (copies + judging.random.sample(others, len(others)))[:DEATHS]
    for broker in dead:
        judging.fault("kill", broker)
    judging.say("electing")
    judging.await_dead(dead)
    return tuple(dead)


def _wait_until_offline(judging: Judging, lost: Partition) -> None:
    def offline() -> bool:
        return judging.partition(lost.topic, lost.index).leader is None

    wait_for(offline, judging.exercise.says("awaited", "offline", partition=lost.name))


def _misconception(partitions: tuple[Partition, ...], weakest: Partition) -> str:
    if len(weakest.replicas) > 1:
        return "two_copies"
    return "partitions_are_no_copies" if len(partitions) > 1 else "one_copy"


def _list(brokers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(brokers)))


EXERCISE = Exercise(
    "01.1",
    STATE,
    Words(__file__),
    judge,
    minutes=5,
    contract=("TOPIC",),
    prepare=prepare,
    breaks=True,
)
