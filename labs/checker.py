"""What became of the records: which acknowledged ones were lost, which stand twice, which swapped.

The checker knows no client and no cluster: it compares what was sent with what was read. It says
*violated* only with a record to show for it, *unknown* where the evidence does not reach, else
*valid*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from labs.history import Log, Outcome, Read, Send

VALID, VIOLATED, UNKNOWN = "valid", "violated", "unknown"

#: So many offending records are shown, the first of each kind first.
SHOWN = 10


@dataclass(frozen=True)
class Counts:
    """How many records. `sent = acknowledged + failed + unknown`.

    `readable`: different records of ours that the final read found, as they were sent.
    `lost`: acknowledged, and not readable. A record whose outcome is unknown is never lost.
    `duplicated`: further copies of a record. `reordered`: records that stand behind one that was
    sent later, in the same partition (first copies only).
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
class Offender:
    """One record that proves a violation. `kind`: lost, duplicated, reordered, corrupted, foreign.

    `acknowledged_by` is the broker that led the partition when the acknowledgement came.
    """

    kind: str
    number: int | None
    key: str | None
    partition: int | None
    offset: int | None
    acknowledged_by: int | None
    detail: str = ""

    def __str__(self) -> str:
        where = f"partition {self.partition}, offset {self.offset}"
        by = f", acknowledged by broker {self.acknowledged_by}" if self.acknowledged_by else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.kind}: record {self.number} (key {self.key}, {where}{by}){detail}"


@dataclass(frozen=True)
class Report:
    """The verdict and its evidence. `why` says why a verdict is unknown."""

    verdict: str
    counts: Counts
    offenders: tuple[Offender, ...] = ()
    why: str = ""

    def words(self) -> str:
        """The verdict as a sentence or two."""
        c = self.counts
        copies = f" and {c.duplicated:,} of them again" if c.duplicated else ""
        told = f"{c.sent:,} sent, {c.acknowledged:,} acknowledged, {c.readable:,} readable{copies}"
        if self.verdict == UNKNOWN:
            return f"Unknown: {self.why}. ({told}.)"
        if self.verdict == VALID:
            extra = _unacknowledged_but_readable(c)
            return f"Valid: no acknowledged record was lost, doubled or moved. ({told}{extra}.)"
        bad = {"lost": c.lost, "duplicated": c.duplicated, "reordered": c.reordered}
        parts = [f"{count:,} {kind}" for kind, count in bad.items() if count]
        kinds = sorted({o.kind for o in self.offenders} - set(bad))
        parts += kinds
        return f"Violated: {', '.join(parts)}. ({told}.)"

    def as_dict(self) -> dict[str, Any]:
        """The part of `labs run --json` that the checker fills."""
        return {
            "verdict": self.verdict,
            "counts": asdict(self.counts),
            "offenders": [asdict(offender) for offender in self.offenders],
        }


def _unacknowledged_but_readable(c: Counts) -> str:
    extra = c.readable - (c.acknowledged - c.lost)
    return f"; {extra:,} of them never acknowledged, and yet written" if extra > 0 else ""


#: Which broker led a partition at a time; None where nobody can say.
LeaderAt = Callable[[int, float], int | None]


def check(
    sends: Sequence[Send],
    log: Log,
    delivered: Sequence[Read] | None = None,
    leader_at: LeaderAt = lambda _partition, _time: None,
) -> Report:
    """Compare what was sent with what can be read.

    Args:
        sends: every send; one still pending counts as unknown.
        log: the final read of the topic.
        delivered: judge what a consumer group processed instead of the log: then *lost* and
            *duplicated* are about processing, in the order of processing.
        leader_at: names the broker that had acknowledged.
    """
    judged = log.reads if delivered is None else tuple(delivered)
    witness = _Witness(sends, leader_at)
    readable = {r.number for r in log.reads if witness.recognises(r)}
    present = {r.number for r in judged if witness.recognises(r)}
    ok = [s for s in sends if s.outcome is Outcome.OK]
    lost = [s for s in ok if s.number not in present]
    copies, swapped = _copies(judged, witness), _swapped(judged, witness)
    failed = sum(s.outcome is Outcome.FAIL for s in sends)
    counts = Counts(
        sent=len(sends),
        acknowledged=len(ok),
        failed=failed,
        unknown=len(sends) - len(ok) - failed,
        readable=len(readable),
        lost=len(lost) if log.complete else 0,
        duplicated=len(copies),
        reordered=len(swapped),
    )
    kinds = [
        [_missing(witness, s, log, s.number in readable) for s in lost[:SHOWN]]
        if log.complete
        else [],
        [witness.read("duplicated", r) for r in copies[:SHOWN]],
        [witness.read("reordered", r) for r in swapped[:SHOWN]],
        list(witness.strangers(judged)),
    ]
    offenders = tuple(_taking_turns(kinds))[:SHOWN]
    verdict, why = _verdict(counts, offenders, log)
    return Report(verdict, counts, offenders, why)


def _verdict(counts: Counts, offenders: Sequence[Offender], log: Log) -> tuple[str, str]:
    if offenders:
        return VIOLATED, ""
    if not log.complete:
        return UNKNOWN, log.why or "the final read could not be finished"
    if counts.sent == 0:
        return UNKNOWN, "nothing was sent"
    if counts.acknowledged == 0:
        return UNKNOWN, "no record was acknowledged, so nothing was promised"
    return VALID, ""


def _missing(witness: _Witness, send: Send, log: Log, readable: bool) -> Offender:
    """A lost record: gone from the log, or in it (`readable`) and never processed."""
    lost = witness.lost(send, log)
    if readable:
        return replace(lost, detail="it is in the log; nobody processed it")
    start = min((r.offset for r in log.reads if r.partition == send.partition), default=0)
    if send.offset is not None and send.offset < start:
        return replace(lost, detail=f"the log begins at offset {start}")
    return lost


class _Witness:
    """Knows what was sent, and turns a record into evidence."""

    def __init__(self, sends: Sequence[Send], leader_at: LeaderAt) -> None:
        self._sent = {send.number: send for send in sends}
        self._leader_at = leader_at

    def recognises(self, read: Read) -> bool:
        """Whether the record is one of ours, and as it was sent."""
        send = self._sent.get(read.number) if read.number is not None else None
        return send is not None and send.digest == read.digest

    def lost(self, send: Send, log: Log) -> Offender:
        end = log.ends.get(send.partition) if send.partition is not None else None
        detail = "it was not delivered"
        if end is not None and send.offset is not None:
            after = f"the log ends at offset {end}"
            detail = after if send.offset >= end else "another record stands at its offset"
        return self._offender("lost", send, send.partition, send.offset, detail)

    def read(self, kind: str, read: Read, detail: str = "") -> Offender:
        send = self._sent.get(read.number) if read.number is not None else None
        member = f"member {read.member}" if read.member else ""
        return self._offender(kind, send, read.partition, read.offset, detail or member)

    def strangers(self, reads: Iterable[Read]) -> Iterator[Offender]:
        for read in reads:
            if self.recognises(read):
                continue
            ours = read.number in self._sent
            kind, detail = (
                ("corrupted", "its value is not what was sent")
                if ours
                else ("foreign", "nobody sent it in this run")
            )
            yield self.read(kind, read, detail)

    def _offender(
        self, kind: str, send: Send | None, partition: int | None, offset: int | None, detail: str
    ) -> Offender:
        if send is None:
            return Offender(kind, None, None, partition, offset, None, detail)
        key = None if send.key is None else send.key.decode("utf-8", "replace")
        by = None
        if send.outcome is Outcome.OK and send.partition is not None and send.completed:
            by = self._leader_at(send.partition, send.completed)
        return Offender(kind, send.number, key, partition, offset, by, detail)


def _copies(reads: Iterable[Read], witness: _Witness) -> list[Read]:
    seen: set[int | None] = set()
    copies = []
    for read in reads:
        if witness.recognises(read):
            if read.number in seen:
                copies.append(read)
            seen.add(read.number)
    return copies


def _swapped(reads: Iterable[Read], witness: _Witness) -> list[Read]:
    """First copies that stand behind a record of the same partition that was sent later."""
    latest: dict[int, int] = {}
    seen: set[int] = set()
    swapped = []
    for read in reads:
        if read.number is None or read.number in seen or not witness.recognises(read):
            continue
        seen.add(read.number)
        if read.number < latest.get(read.partition, -1):
            swapped.append(read)
        latest[read.partition] = max(latest.get(read.partition, -1), read.number)
    return swapped


def _taking_turns(kinds: Sequence[Sequence[Offender]]) -> Iterator[Offender]:
    """The first of each kind, then the second of each …"""
    for position in range(max((len(kind) for kind in kinds), default=0)):
        for kind in kinds:
            if position < len(kind):
                yield kind[position]
