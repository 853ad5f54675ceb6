"""The program that loads one system: what it sends and when, and how it tells of it."""

from __future__ import annotations

from labs.chapters.systems.load_clients import Client
from labs.chapters.systems.load_process import Load, Task, packed, unpacked


class Instant(Client):
    """A system that answers at once, and gives what was sent to whoever reads."""

    def __init__(self) -> None:
        super().__init__()
        self._stored: list[bytes] = []
        self._reading = False

    def hand_over(self, number: int, message: bytes) -> None:
        self._stored.append(message)
        self.answered(number)

    def serve(self, seconds: float) -> None:
        while self._reading and self._stored:
            self.came(self._stored.pop(0))

    def begin_reading(self) -> None:
        self._reading = True

    def end_reading(self) -> None:
        self._reading = False


def test_a_load_in_a_hurry_sends_so_many_and_does_not_wait_for_a_schedule() -> None:
    load = Load(Instant())
    seen = load.do(Task(rate=1, seconds=60, hurried=5000, reading=False))
    assert len(seen.due) == len(seen.acknowledged) == 5000
    assert not seen.overdue
    assert seen.waiting[-1][1] == 5000, "nobody reads"
    assert seen.over - seen.began < 60


def test_a_reader_that_comes_back_reads_what_has_piled_up_and_what_is_new() -> None:
    load = Load(Instant())
    load.do(Task(rate=1, seconds=60, hurried=2000, reading=False))
    seen = load.do(Task(rate=500, seconds=60, catching_up=True))
    assert seen.first == 2000
    assert list(seen.order[:2000]) == list(range(2000))
    assert len(seen.order) == 2000 + len(seen.due)


def test_what_was_seen_is_the_same_at_the_other_end() -> None:
    seen = Load(Instant()).do(Task(rate=1, seconds=60, hurried=300))
    told = unpacked(packed(seen))
    assert (told.due, told.order, told.read) == (seen.due, seen.order, seen.read)
    assert [(at, count) for at, count in told.waiting] == seen.waiting
    assert told.over == seen.over
