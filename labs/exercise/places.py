"""What a program has written, record by record, beside what stands in the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

from labs.base.clock import now
from labs.exercise.program import Line, Program, is_number
from labs.exercise.verdict import NotYet
from labs.workload.history import Log

#: When no more than that is left of the time for judging, s, one that has been silent for so long
#: is judged by what it has written.
RESERVE_S = 4.0

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
        if not (is_number(partition) and is_number(offset)):
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


def require_values(log: Log, found: Iterable[Written]) -> None:
    """Behind each place stands the value of its record.

    Raises:
        NotYet: something else does.
    """
    due = {(read.partition, read.offset): read.digest for read in log.reads}
    for each in found:
        partition, offset = each.place
        if each.place in due and due[each.place] != crc32(each.rest.encode()):
            raise NotYet("other_value", partition=partition, offset=offset, line=each.rest[:60])


def await_all(program: Program, log: Log, patience_s: float) -> None:
    """Wait until a program has come to the end of a log: as `await_places`."""
    await_places(program, {(read.partition, read.offset) for read in log.reads}, patience_s)


def await_places(program: Program, due: set[Place], patience_s: float) -> None:
    """Wait until a program has written the last of these records in each partition.

    Then it has written all that it ever will, since a partition is read in its order.

    Args:
        program: it runs; its lines are as `written` reads them.
        due: what it is to write; the last of each partition must have been sent after its start.
        patience_s: how long it may write nothing, s: then it is taken for silent, and judged. When
            the time for judging is nearly up, `RESERVE_S` are enough.

    Raises:
        NotYet: it has ended, or a line has another form.
    """
    began, looked, left = now(), 0, set({p: (p, o) for p, o in sorted(due)}.values())

    def over() -> bool:
        nonlocal looked
        lines = program.lines[looked:]
        looked += len(lines)
        left.difference_update(each.place for each in written(lines))
        if not left:
            return True
        last = max(began, program.lines[-1].time if program.lines else began)
        patience = patience_s if program.remaining_s > RESERVE_S else RESERVE_S
        program.late = now() - last > patience
        return program.late

    program.wait(over, 10 * patience_s)
