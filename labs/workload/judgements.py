"""What can be found about the records: three judgements, each a value with its evidence.

- `Report`: the **log**, whether an acknowledged record was lost, duplicated or out of order within
  its partition;
- `Processing`: whether a consumer group missed a record of the log, or processed one twice;
- `KeyOrder`: whether a reader of all partitions got a key's records in the order of sending.

`checker` makes them, `verdicts` has their sentences. A verdict is *violated* only with a record to
show for it, *unknown* where the evidence does not reach, else *valid*.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

VALID, VIOLATED, UNKNOWN = "valid", "violated", "unknown"

#: Stable ids of what can be judged, and of what can offend.
LOG, PROCESSING, KEY_ORDER = "log", "processing", "key_order"
LOST, DUPLICATED, REORDERED, CORRUPTED, FOREIGN = (
    "lost",
    "duplicated",
    "reordered",
    "corrupted",
    "foreign",
)
MISSED, REPEATED, OUT_OF_ORDER = "missed", "repeated", "out_of_order"


@dataclass(frozen=True)
class Counts:
    """How many records. `sent = acknowledged + failed + unknown`.

    `readable`: different records of ours that the final read found, as they were sent, whatever
    became of their sending. The rest counts acknowledged records only. `lost`: not readable.
    `duplicated`: further copies. `reordered`: come after an acknowledged one that was sent later,
    in the same partition (first copies only).
    """

    sent: int = 0
    acknowledged: int = 0
    failed: int = 0
    unknown: int = 0
    readable: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0


@dataclass(frozen=True)
class Others:
    """Records that nobody acknowledged: nothing was promised, so nothing is violated by them.

    `written`: different ones that can be read. `again`: further copies of them. `moved`: those that
    come after a record that was sent later, in the same partition.
    """

    written: int = 0
    again: int = 0
    moved: int = 0


@dataclass(frozen=True)
class Offender:
    """One record that proves a violation.

    `kind`: lost, duplicated, reordered, corrupted or foreign (the log), missed or repeated (the
    processing), out_of_order (a key's order). `acknowledged_by` is the broker that led the
    partition when the acknowledgement came.
    """

    kind: str
    number: int | None
    key: str | None
    partition: int | None
    offset: int | None
    acknowledged_by: int | None
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """The verdict on the log and its evidence. `why` says why a verdict is unknown."""

    about: ClassVar[str] = LOG
    verdict: str
    counts: Counts
    offenders: tuple[Offender, ...] = ()
    why: str = ""
    others: Others = Others()

    @property
    def offences(self) -> dict[str, int]:
        """How many of each kind there are, shown or not; those that nobody counts: as shown."""
        c = self.counts
        counted = {LOST: c.lost, DUPLICATED: c.duplicated, REORDERED: c.reordered}
        shown = Counter(o.kind for o in self.offenders if o.kind not in counted)
        return {kind: count for kind, count in {**counted, **shown}.items() if count}

    def as_dict(self) -> dict[str, Any]:
        """The part of `labs run --json` about the log."""
        return {
            "verdict": self.verdict,
            "counts": asdict(self.counts),
            "offenders": [asdict(offender) for offender in self.offenders],
        }


@dataclass(frozen=True)
class Processing:
    """The verdict on what a consumer group did with the records of the log.

    `missed`: records that can be read and that nobody processed; None where that is not known,
    since the group did not come to the log's end. `repeated`: how often one was processed that had
    been processed before. `again`: the same, where the learner had asked for it by a seek.
    """

    about: ClassVar[str] = PROCESSING
    verdict: str
    missed: int | None = None
    repeated: int = 0
    offenders: tuple[Offender, ...] = ()
    why: str = ""
    again: int = 0

    @property
    def offences(self) -> dict[str, int]:
        """How many of each kind there are, shown or not."""
        counted = {MISSED: self.missed or 0, REPEATED: self.repeated}
        return {kind: count for kind, count in counted.items() if count}

    def as_dict(self) -> dict[str, Any]:
        """The part of `labs run --json` about the processing."""
        return {
            "verdict": self.verdict,
            "missed": self.missed,
            "repeated": self.repeated,
            "offenders": [asdict(offender) for offender in self.offenders],
        }


@dataclass(frozen=True)
class KeyOrder:
    """The verdict on the order in which a reader of all partitions got each key's records.

    `out_of_order`: records read after one of the same key that was sent later.
    """

    about: ClassVar[str] = KEY_ORDER
    verdict: str
    out_of_order: int = 0
    offenders: tuple[Offender, ...] = ()
    why: str = ""

    @property
    def offences(self) -> dict[str, int]:
        """How many of each kind there are, shown or not."""
        return {OUT_OF_ORDER: self.out_of_order} if self.out_of_order else {}

    def as_dict(self) -> dict[str, Any]:
        """The part of `labs run --json` about the order of keys."""
        return {
            "verdict": self.verdict,
            "out_of_order": self.out_of_order,
            "offenders": [asdict(offender) for offender in self.offenders],
        }


Judgement = Report | Processing | KeyOrder


def in_doubt(judgement: Judgement, why: str) -> Judgement:
    """The same evidence, from which nothing can be concluded."""
    return replace(judgement, verdict=UNKNOWN, why=why)
