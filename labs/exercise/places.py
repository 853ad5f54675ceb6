"""What a program has written, record by record, beside what stands in the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labs.base.clock import now
from labs.exercise.program import Line, Program
from labs.exercise.verdict import NotYet
from labs.workload.history import Log

#: A partition and an offset: what a record is known by.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Written:
    """A record that a program has written, in its `life` (0: before the first kill)."""

    place: Place
    rest: str
    life: int


def written(lines: Iterable[Line]) -> list[Written]:
    """Lines of the form `PARTITION OFFSET REST`.

    Raises:
        NotYet: a line has another form.
    """
    found = []
    for line in lines:
        partition, _, more = line.text.partition(" ")
        offset, _, rest = more.partition(" ")
        if not (partition.isdecimal() and offset.isdecimal()):
            raise NotYet("unreadable_line", line=line.text[:80])
        found.append(Written((int(partition), int(offset)), rest, line.life))
    return found


def missing(log: Log, found: Iterable[Written]) -> list[Place]:
    """The records of the log that were not written, by partition and offset."""
    there = {each.place for each in found}
    return sorted({(read.partition, read.offset) for read in log.reads} - there)


def repeated(found: Sequence[Written]) -> dict[int, list[Place]]:
    """Life → the records that it has written though an earlier one, or it itself, had before."""
    seen: set[Place] = set()
    again: dict[int, list[Place]] = {}
    for each in found:
        if each.place in seen:
            again.setdefault(each.life, []).append(each.place)
        seen.add(each.place)
    return again


def await_all(program: Program, log: Log, start_s: float, silence_s: float) -> None:
    """Wait until a program has written every record of a log, or has fallen silent.

    Args:
        program: it runs; its lines are as `written` reads them.
        log: what it is to write.
        start_s: how long it may take from its start to its first line, s.
        silence_s: how long it may write nothing after that, s.

    Raises:
        NotYet: it has ended, or a line has another form.
    """
    began, life, looked = now(), program.lives - 1, 0

    def over() -> bool:
        nonlocal looked
        count = len(program.lines)
        last = program.lines[-1] if count else None
        if last is None or last.life < life:
            return now() - began > start_s
        if count > looked and not missing(log, written(program.lines)):
            return True
        looked = count
        return now() - last.time > silence_s

    program.wait(over, start_s + 4 * silence_s)
