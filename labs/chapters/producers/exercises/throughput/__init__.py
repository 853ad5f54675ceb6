"""02.3: five times the starter's throughput, and no record much later than the starter's.

The starter runs beside the learner's program, and both are given lines in turns: so a busy machine
slows both down. What counts is the ratio of their rates, and the difference of their latencies.
"""

from __future__ import annotations

import base64
import contextlib
import math
import queue
import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice

from kafka import KafkaConsumer, TopicPartition

from labs.base.clock import now
from labs.base.flights import flights
from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import Program, how_it_ended, is_number
from labs.exercise.verdict import CantTell, NotYet
from labs.workload.topic import serving

#: Lines before anything is measured, so that starting and connecting do not count.
FIRST = 20
#: Then lines come one by one: how many, and how many in a second. A starter on a busy machine, too,
#: has written one when the next comes.
SINGLE, RATE = 20, 5
#: So much later than with the starter half of them may be in the log, ms.
LATER_MS = 500
#: Lines at once, in each of so many turns: for the starter, and for the learner's program.
TURNS, FEW, MANY = 2, 50, 500
#: How many times the starter's rate is wanted.
TIMES = 5
#: A turn in which the program takes so many times as long as the starter for its own is broken off:
#: ten times the lines in twice the time would be enough.
LONGEST = 3
#: The limit of the topic, and the noise that makes a line too large, compressed or not, bytes.
LIMIT, NOISE = 512_000, 675_000


@dataclass
class Runner:
    """A program, its topic, and the lines that it was given: `given[0]` is line 1.

    `compared`: it is the starter, whose failure is no fault of the learner's.
    """

    program: Program
    topic: str
    compared: bool
    given: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    refused: str = ""
    waiting: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)

    def start(self) -> None:
        """Start it; from now on it gets what is given."""
        self.program.start()
        self.program.feed(iter(self.waiting.get, None))

    def give(self, values: Iterable[str]) -> None:
        """More lines, `NUMBER FLIGHT`, as fast as it reads them."""
        for value in values:
            line = f"{len(self.given) + 1} {value}"
            self.given.append(line)
            self.times.append(time.time())
            self.waiting.put(line)

    @contextlib.contextmanager
    def blamed(self) -> Iterator[None]:
        """Where it is waited for.

        Raises:
            NotYet: what the learner's program did.
            CantTell: what the starter did.
        """
        try:
            yield
        except NotYet as found:
            if not self.compared:
                raise
            raise CantTell("no_starter", *found.evidence) from None


def judge(judging: Judging) -> tuple[str, ...]:
    """Give both programs lines: one by one, in turns many at once, and one that is refused."""
    starter = str(judging.exercise.starter("python"))
    slow, own = both = [_runner(judging, other) for other in ([starter], [])]
    values = cycle([flight.value.decode() for flight in flights(500)])
    consumer = KafkaConsumer(bootstrap_servers=serving(judging.cluster))
    with contextlib.closing(consumer):
        judging.say("starting")
        for runner in both:
            runner.start()
            _time(judging, consumer, runner, islice(values, FIRST))
        _one_by_one(judging, consumer, both, values)
        soon = _require_soon(judging, slow, own)
        fast = _require_fast(judging, _take_turns(judging, consumer, slow, own, values))
    _finish(judging, both)
    _require_all(judging, own)
    return fast, soon


def _runner(judging: Judging, other: list[str]) -> Runner:
    topic = judging.topic(message_timestamp_type="LogAppendTime", max_message_bytes=str(LIMIT))
    return Runner(judging.program(other=other, topic=topic), topic, compared=bool(other))


# -- what is given ---------------------------------------------------------------------------------


def _one_by_one(
    judging: Judging, consumer: KafkaConsumer, both: list[Runner], values: Iterator[str]
) -> None:
    judging.say("one_by_one", count=SINGLE)
    for value in islice(values, SINGLE):
        for runner in both:
            runner.give([value])
        time.sleep(1 / RATE)
    for runner in both:
        _time(judging, consumer, runner, ())


def _take_turns(
    judging: Judging, consumer: KafkaConsumer, slow: Runner, own: Runner, values: Iterator[str]
) -> tuple[float, float]:
    """Each gets its lines while the other waits; how many of them came into the log, records/s."""
    took, done = [0.0, 0.0], [0, 0]
    for turn in range(1, TURNS + 1):
        judging.say("turn", turn=turn, turns=TURNS)
        limit = math.inf
        for each, (runner, count) in enumerate(((slow, FEW), (own, MANY))):
            before = len(runner.given)
            seconds, end = _time(judging, consumer, runner, islice(values, count), limit)
            took[each] += seconds
            done[each] += end - before
            limit = LONGEST * seconds
        if done[1] < turn * MANY:
            break
    return done[0] / took[0], done[1] / took[1]


def _time(
    judging: Judging,
    consumer: KafkaConsumer,
    runner: Runner,
    values: Iterable[str],
    limit_s: float = math.inf,
) -> tuple[float, int]:
    """Wait until all that it was given is in the log; how long that took, s, and the log's end."""
    place, begun = TopicPartition(runner.topic, 0), now()
    runner.give(values)
    end = 0

    def over() -> bool:
        nonlocal end
        end = consumer.end_offsets([place])[place]
        return end >= len(runner.given) or now() - begun > limit_s

    with runner.blamed():
        runner.program.wait(over, judging.patience_s)
    return now() - begun, end


def _finish(judging: Judging, both: list[Runner]) -> None:
    """A line that the broker refuses, and the end of the input.

    No line follows, for some clients give up what they have sent behind a record that is refused.
    """
    huge = base64.b64encode(judging.random.randbytes(NOISE)).decode()
    judging.say("refused", limit=LIMIT)
    for runner in both:
        runner.refused = str(len(runner.given) + 1)
        runner.give([huge])
        runner.waiting.put(None)
    for runner in both:
        with runner.blamed():
            if code := runner.program.wait_end(judging.patience_s):
                raise NotYet("failed", *runner.program.last_words(), how=how_it_ended(code))


# -- what is wanted --------------------------------------------------------------------------------


def _require_all(judging: Judging, own: Runner) -> None:
    """Each line is in the log but for the one that was refused, and the program says so."""
    told = [line.text.strip() for line in own.program.lines]
    for line in told:
        if not is_number(line):
            raise NotYet("unreadable_line", line=line[:80])
    says, there = judging.exercise.says, set(_stamps(judging, own))
    lost = [n for n, line in enumerate(own.given, start=1) if line not in there]
    if own.refused not in told:
        refused = says("evidence", "refused", number=own.refused, limit=LIMIT)
        raise NotYet("unnoticed", refused, number=own.refused)
    if others := [n for n in lost if str(n) != own.refused]:
        gone = says("evidence", "lost", number=others[0], count=len(others))
        raise NotYet("lost", gone, count=len(others))


def _stamps(judging: Judging, runner: Runner) -> dict[str, float]:
    """Each line that is in the log, and when the broker added it, s."""
    records = judging.records(runner.topic)
    return {(r.value or b"").decode("utf-8", "replace"): r.timestamp / 1000 for r in records}


def _require_soon(judging: Judging, slow: Runner, own: Runner) -> str:
    starter, later = (1000 * _median_wait_s(judging, runner) for runner in (slow, own))
    told = judging.exercise.says("evidence", "waits", starter=starter, own=later)
    if later - starter > LATER_MS:
        raise NotYet("late", told, later=later - starter, limit=LATER_MS)
    return told


def _median_wait_s(judging: Judging, runner: Runner) -> float:
    """How long half of the single lines took at most from the input into the log.

    The broker's clock may be another than ours, or be set: for both programs alike.
    """
    stamps = _stamps(judging, runner)
    given = list(zip(runner.given, runner.times, strict=True))[FIRST:]
    with runner.blamed():
        if other := [line for line, _ in given if line not in stamps]:
            raise NotYet("altered", line=other[0][:40])
    return statistics.median(stamps[line] - at for line, at in given)


def _require_fast(judging: Judging, rates: tuple[float, float]) -> str:
    times = rates[1] / rates[0]
    values = {"starter": rates[0], "own": rates[1], "times": times}
    told = judging.exercise.says("evidence", "rates", **values)
    if times < TIMES:
        raise NotYet("too_slow", told, times=times, limit=TIMES)
    return told


EXERCISE = Exercise("02.3", PROGRAM, Words(__file__), judge, minutes=12, contract=("TOPIC",))
