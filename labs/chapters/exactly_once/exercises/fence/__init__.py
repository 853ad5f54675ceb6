"""06.3: fence a zombie, and end when you are one.

The input of the first instance stalls in the middle of a transaction, a second one takes over, and
then the first gets the rest of its lines. No moment has to be hit, and no time is measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import Line, Program, is_number
from labs.exercise.transactions import open_now, still_open, transactional_ids
from labs.exercise.verdict import NotYet
from labs.workload import flight_payload
from labs.workload.reading import COMMITTED

#: How many records a transaction has.
SIZE = 10
#: How long the first may take to open its second transaction, s; it need not open it early.
OPEN_S = 2.0
#: How long the zombie may take to end when it has got the rest of its lines, s.
END_S = 15.0

#: Hands the records with these numbers to a program.
Give = Callable[[Iterable[int]], None]


def judge(judging: Judging) -> tuple[str, ...]:
    """Stall the first in a transaction, let the second take over, and let the first go on."""
    topic = judging.topic()
    first, second = (judging.program(topic=topic) for _ in range(2))
    stalled = SIZE + judging.random.randint(2, SIZE - 2)
    with _fed(judging, first) as to_first:
        to_first(range(stalled))
        first.wait(lambda: _reported(first, SIZE), judging.patience_s)
        _await_open(judging, topic)
        judging.say("stalled", number=stalled - 1)
        with _fed(judging, second) as to_second:
            to_second(range(SIZE, 3 * SIZE))
            second.wait(lambda: _reported(second, 3 * SIZE), judging.patience_s)
            before = len(first.lines)
            judging.say("goes_on")
            to_first(range(stalled, 3 * SIZE))
            _await_end(judging, first, before)
            _require_fenced(judging, topic, first, first.lines[before:])
            to_second(range(3 * SIZE, 4 * SIZE))
            second.wait(lambda: _reported(second, 4 * SIZE), judging.patience_s)
            second.stop()
    return _require_once(judging, topic)


@contextmanager
def _fed(judging: Judging, program: Program) -> Iterator[Give]:
    """Start a program whose standard input stays open, and gets the records that it is given."""
    lines: SimpleQueue[str | None] = SimpleQueue()
    payload = flight_payload(keyed=False)

    def give(numbers: Iterable[int]) -> None:
        for number in numbers:
            lines.put(payload(number)[1].decode())

    judging.say("starting")
    program.start()
    program.feed(iter(lines.get, None))
    try:
        yield give
    finally:
        lines.put(None)


def _reported(program: Program, count: int) -> bool:
    """Whether it has reported that the first `count` records are committed."""
    for line in list(program.lines):
        if not is_number(line.text.strip()):
            raise NotYet("unreadable_line", line=line.text[:80])
    return any(int(line.text) == count - 1 for line in list(program.lines))


def _await_open(judging: Judging, topic: str) -> None:
    awaited = judging.exercise.says("awaited", "open")
    judging.await_(lambda: open_now(judging.cluster, topic), awaited, OPEN_S)


def _await_end(judging: Judging, first: Program, before: int) -> None:
    """Wait until the first has ended, or has reported all that it was given."""

    def over() -> bool:
        return not first.running or len(first.lines) >= before + 2

    ended = judging.exercise.says("awaited", "ended")
    first.late = not judging.await_(over, ended, END_S)


def _require_fenced(judging: Judging, topic: str, first: Program, late: list[Line]) -> None:
    """The first was refused, reported nothing, and has ended."""
    says, cluster = judging.exercise.says, judging.cluster
    still_open(cluster, topic, judging.remaining_s)
    ids, twice = sorted(transactional_ids(cluster, topic)), _twice(judging, topic)
    seen = [says("evidence", "twice", number=min(twice), count=len(twice))] if twice else []
    if late:
        seen.append(says("evidence", "late", line=late[0].text[:80]))
    if not ids:
        raise NotYet("no_transaction", *seen)
    if len(ids) > 1:
        raise NotYet("other_id", says("evidence", "ids", ids=", ".join(ids)), *seen)
    if late:
        raise NotYet("came_back" if twice else "reported_early", *seen)
    if first.running:
        raise NotYet("lives_on", *first.last_words(), seconds=END_S)
    first.wait_end(END_S)  # it must not have left anything behind


def _twice(judging: Judging, topic: str) -> list[int]:
    """The records that a reader with read_committed finds more than once."""
    reads = judging.read(topic, isolation=COMMITTED).reads
    counts = Counter(read.number for read in reads if read.number is not None)
    return [number for number, count in counts.items() if count > 1]


def _require_once(judging: Judging, topic: str) -> tuple[str, ...]:
    says = judging.exercise.says
    still_open(judging.cluster, topic, judging.remaining_s)
    reads = judging.read(topic, isolation=COMMITTED).reads
    counts = Counter(read.number for read in reads)
    if missing := [number for number in range(4 * SIZE) if not counts[number]]:
        gone = says("evidence", "missing", number=missing[0], count=len(missing))
        # All of them were reported. Where a whole transaction is missing, it was not committed.
        whole = any(set(range(n, n + SIZE)) <= set(missing) for n in range(0, 4 * SIZE, SIZE))
        raise NotYet("reported_early" if whole else "missed", gone)
    if twice := _twice(judging, topic):
        raise NotYet(
            "written_twice", says("evidence", "twice", number=min(twice), count=len(twice))
        )
    return (says("evidence", "all_once", records=len(reads)),)


EXERCISE = Exercise("06.3", PROGRAM, Words(__file__), judge, minutes=12, contract=("TOPIC",))
