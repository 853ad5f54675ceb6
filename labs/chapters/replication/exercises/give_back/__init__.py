"""04.3: give leadership back to a broker that was stopped and comes back.

Kafka does so by itself, every 300 s. So it is no state to be looked at whenever the learner likes,
but a program that runs at a known moment: it begins while the broker is down.
"""

from __future__ import annotations

import contextlib
import time

from labs.base.errors import LabsError
from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import Program, how_it_ended
from labs.exercise.verdict import NotYet
from labs.observe.snapshot import Partition

PARTITIONS = 6
#: What the program writes when it can only wait; then the broker is started.
WAITING = "waiting"
#: How much of the time that is left the program may take for either part.
PATIENCE = 0.6
#: What was changed may reach the broker that we ask so much later than the program's, s.
SETTLE_S = 1.0


def judge(judging: Judging) -> tuple[str, ...]:
    """Stop a broker, start the program, start the broker, and look who leads."""
    topic = judging.topic(partitions=PARTITIONS)
    before = judging.partitions(topic)
    broker = judging.random.choice(judging.brokers)
    judging.fault("stop", broker)
    judging.await_dead([broker])
    program = judging.program(topic=topic)
    judging.say("starting", broker=broker)
    program.start()
    waits = _waits(judging, program)
    if not waits:
        time.sleep(SETTLE_S)
        _require_same_replicas(judging, before)
        raise NotYet("too_early", *program.last_words(), broker=broker)
    judging.fault("start", broker)
    judging.say("back", broker=broker)
    code = program.wait_end(PATIENCE * judging.remaining_s)
    if code:
        _require_same_replicas(judging, before)
        raise NotYet("failed", *program.last_words(), how=how_it_ended(code))
    led = _require_preferred(judging, before)
    return (judging.exercise.says("evidence", "back", broker=broker, count=led.count(broker)),)


def _waits(judging: Judging, program: Program) -> bool:
    """Wait until the program says that it waits, or has ended."""

    def waits() -> bool:
        return any(line.text.strip() == WAITING for line in program.lines)

    program.wait(lambda: waits() or not program.running, PATIENCE * judging.remaining_s)
    return waits()


def _require_same_replicas(judging: Judging, before: tuple[Partition, ...]) -> None:
    for then, now in zip(before, judging.partitions(before[0].topic), strict=False):
        if now.replicas != then.replicas:
            told = judging.exercise.says("evidence", "replicas", partition=now.index,
                                         before=then.replicas, now=now.replicas)  # fmt: skip
            raise NotYet("replicas_changed", told, partition=now.index)


def _require_preferred(judging: Judging, before: tuple[Partition, ...]) -> list[int]:
    """Each partition must be led by the first of its replicas; returns the leaders."""

    def away() -> list[Partition]:
        seen = judging.partitions(before[0].topic)
        return [partition for partition in seen if partition.leader != partition.replicas[0]]

    with contextlib.suppress(LabsError):
        wait_for(lambda: not away(), judging.exercise.says("awaited", "home"), SETTLE_S)
    _require_same_replicas(judging, before)
    if left := away():
        first = left[0]
        told = judging.exercise.says("evidence", "away", partition=first.index, leader=first.leader,
                                     preferred=first.replicas[0], isr=first.isr)  # fmt: skip
        raise NotYet("not_back", told, count=len(left))
    return [partition.replicas[0] for partition in before]


EXERCISE = Exercise(
    "04.3", PROGRAM, Words(__file__), judge, minutes=10, contract=("TOPIC",), breaks=True
)
