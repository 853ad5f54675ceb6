"""The log as a picture: the number of each record by its offset."""

from __future__ import annotations

from collections.abc import Sequence

from labs.base.words import Words
from labs.experiment.run import Run
from labs.experiment.views import Lines, Mark
from labs.workload.history import Read

words = Words(__file__)


def numbered(run: Run) -> list[Read]:
    """The run's own records as they lie in the log."""
    run.verdict()
    assert run.log is not None
    return [read for read in run.log.reads if read.number is not None]


def log_of(title: str, reads: Sequence[Read], marks: Sequence[Mark] = ()) -> Lines:
    """The offset of each record: one straight line is a log in order, without copies.

    Args:
        title: the finding.
        reads: numbered records of one partition.
        marks: offsets of note.
    """
    places: dict[str, list[tuple[float, float]]] = {"first_copy": [], "further_copy": []}
    seen: set[int | None] = set()
    for read in reads:
        kind = "further_copy" if read.number in seen else "first_copy"
        places[kind].append((read.offset, read.number or 0))
        seen.add(read.number)
    series = {kind: points for kind, points in places.items() if points}
    x, y, names = "offset_in_partition", "record_number", words.under("shown")
    return Lines(title, series, x, y, marks, dots=True, names=names)
