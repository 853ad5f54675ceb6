"""What became of the records: in the log, in the processing by a group, in the order of a key.

The checker knows no client and no cluster: it compares what was sent with what was read. It makes
three judgements, each by itself (`labs.workload.judgements`; `experiment.Experiment.judges` says
which an experiment is about).

Only an acknowledgement is a promise, so only acknowledged records can violate the log or a key's
order; what became of the others is counted beside it (`Others`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from labs.base.words import Words
from labs.workload.history import Log, Outcome, Read, Send
from labs.workload.judgements import (
    CORRUPTED,
    DUPLICATED,
    FOREIGN,
    LOST,
    MISSED,
    OUT_OF_ORDER,
    REORDERED,
    REPEATED,
    UNKNOWN,
    VALID,
    VIOLATED,
    Counts,
    KeyOrder,
    Offender,
    Others,
    Processing,
    Report,
)

words = Words(__file__)

#: How many offending records are shown, the first of each kind first.
SHOWN = 10

#: Which broker led a partition at a time; None where nobody can say.
LeaderAt = Callable[[int, float], int | None]


def _nobody(_partition: int, _time: float) -> None:
    return None


# -- the log ---------------------------------------------------------------------------------------


def check(sends: Sequence[Send], log: Log, leader_at: LeaderAt = _nobody) -> Report:
    """Compare what was sent with what can be read.

    Args:
        sends: every send; one still pending counts as unknown.
        log: the final read of the topic. What lay before a log's start was deleted (by retention,
            or on purpose): nothing is concluded from its absence.
        leader_at: names the broker that had acknowledged.
    """
    witness = _Witness(sends, leader_at)
    ours = [read for read in log.reads if witness.recognises(read)]
    present = {read.number for read in ours}
    ok = [s for s in sends if s.outcome is Outcome.OK]
    deleted = [s for s in ok if s.number not in present and log.deleted(s.partition, s.offset)]
    accounted_for = present | {s.number for s in deleted}
    lost = [s for s in ok if s.number not in accounted_for] if log.complete else []
    promised = [read for read in ours if witness.acknowledged(read)]
    copies, swapped = _copies(promised), _swapped(promised)
    failed = sum(s.outcome is Outcome.FAIL for s in sends)
    counts = Counts(
        sent=len(sends),
        acknowledged=len(ok),
        failed=failed,
        unknown=len(sends) - len(ok) - failed,
        readable=len(present),
        lost=len(lost),
        duplicated=len(copies),
        reordered=len(swapped),
    )
    offenders = _first(
        [witness.lost(send, log) for send in lost[:SHOWN]],
        [witness.read(DUPLICATED, read) for read in copies[:SHOWN]],
        [witness.read(REORDERED, read) for read in swapped[:SHOWN]],
        list(witness.strangers(log.reads)),
    )
    verdict, why = _verdict(counts, offenders, log, len(deleted))
    return Report(verdict, counts, offenders, why, _others(ours, witness))


def _verdict(
    counts: Counts, offenders: Sequence[Offender], log: Log, deleted: int
) -> tuple[str, str]:
    if offenders:
        return VIOLATED, ""
    if not log.complete:
        return UNKNOWN, log.why or words("why.unread")
    if counts.sent == 0:
        return UNKNOWN, words("why.nothing_sent")
    if counts.acknowledged == 0:
        return UNKNOWN, words("why.nothing_promised")
    if deleted:
        return UNKNOWN, words("why.deleted", count=deleted)
    return VALID, ""


def _others(ours: Sequence[Read], witness: _Witness) -> Others:
    """What became of the records that nobody acknowledged."""
    theirs = {read.number for read in ours if not witness.acknowledged(read)}
    again = [read for read in _copies(ours) if read.number in theirs]
    moved = [read for read in _swapped(ours) if read.number in theirs]
    return Others(len(theirs), len(again), len(moved))


class _Witness:
    """Knows what was sent, and turns a record into evidence."""

    def __init__(self, sends: Sequence[Send], leader_at: LeaderAt = _nobody) -> None:
        self._sent = {send.number: send for send in sends}
        self._leader_at = leader_at

    def send_of(self, read: Read) -> Send | None:
        """The send of a record of ours, if it is as it was sent."""
        send = self._sent.get(read.number) if read.number is not None else None
        return send if send is not None and send.digest == read.digest else None

    def recognises(self, read: Read) -> bool:
        """Whether the record is one of ours, and as it was sent."""
        return self.send_of(read) is not None

    def acknowledged(self, read: Read) -> bool:
        """Whether it was promised that this record stays."""
        send = self.send_of(read)
        return send is not None and send.outcome is Outcome.OK

    def lost(self, send: Send, log: Log) -> Offender:
        end = log.ends.get(send.partition) if send.partition is not None else None
        detail = words("detail.not_delivered")
        if end is not None and send.offset is not None:
            what = "ends_before" if send.offset >= end else "another_there"
            detail = words(f"detail.{what}", end=end)
        return self._offender(LOST, send, send.partition, send.offset, detail)

    def read(self, kind: str, read: Read, detail: str = "") -> Offender:
        send = self._sent.get(read.number) if read.number is not None else None
        member = words("detail.member", member=read.member) if read.member else ""
        return self._offender(kind, send, read.partition, read.offset, detail or member)

    def strangers(self, reads: Iterable[Read]) -> Iterator[Offender]:
        for read in reads:
            if self.recognises(read):
                continue
            kind = CORRUPTED if read.number in self._sent else FOREIGN
            yield self.read(kind, read, words(f"detail.{kind}"))

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


def _copies(reads: Iterable[Read]) -> list[Read]:
    """Further copies of records that were read before."""
    seen: set[int | None] = set()
    copies = []
    for read in reads:
        if read.number in seen:
            copies.append(read)
        seen.add(read.number)
    return copies


def _swapped(
    reads: Iterable[Read], within: Callable[[Read], object] = lambda read: read.partition
) -> list[Read]:
    """First copies that come after a record that was sent later, `within` the same partition."""
    latest: dict[object, int] = {}
    seen: set[int] = set()
    swapped = []
    for read in reads:
        if read.number is None or read.number in seen:
            continue
        seen.add(read.number)
        place = within(read)
        if read.number < latest.get(place, -1):
            swapped.append(read)
        latest[place] = max(latest.get(place, -1), read.number)
    return swapped


# -- the processing --------------------------------------------------------------------------------


def check_processing(
    sends: Sequence[Send],
    log: Log,
    processed: Sequence[Read],
    unfinished: str = "",
    asked_from: float | None = None,
) -> Processing:
    """Compare what a group processed with the records in the log.

    A record is known by its partition and offset here: one that is twice in the log must be
    processed twice, and one that is not in the log can't be missed.

    Args:
        sends: every send; what belongs to an aborted transaction need not be processed.
        log: the final read of the topic.
        processed: every record that a member processed, in the order of the clock.
        unfinished: why the group may not have come to the log's end; empty: it did.
        asked_from: from that time on the learner had asked for a repetition, by a seek.
    """
    witness = _Witness(sends)
    due = [r for r in log.reads if (send := witness.send_of(r)) and not send.aborted]
    done: set[tuple[int, int]] = set()
    further: list[Read] = []
    for read in processed:
        place = read.partition, read.offset
        if place in done:
            further.append(read)
        done.add(place)
    asked = [r for r in further if asked_from is not None and r.time >= asked_from]
    repeated = [r for r in further if asked_from is None or r.time < asked_from]
    unread = "" if log.complete else log.why or words("why.unread")
    why = unfinished or unread or ("" if due else words("why.nothing_due"))
    missed = [] if why else [r for r in due if (r.partition, r.offset) not in done]
    offenders = _first(
        [witness.read(MISSED, r, words("detail.missed")) for r in missed[:SHOWN]],
        [witness.read(REPEATED, r, _by(r)) for r in repeated[:SHOWN]],
    )
    verdict = VIOLATED if offenders else UNKNOWN if why else VALID
    count = None if why else len(missed)
    return Processing(verdict, count, len(repeated), offenders, why, len(asked))


def _by(read: Read) -> str:
    return words(f"detail.{'again_by' if read.member else 'again'}", member=read.member)


# -- the order of a key ----------------------------------------------------------------------------


def check_key_order(sends: Sequence[Send], log: Log) -> KeyOrder:
    """Judge the order in which one reader got each key's acknowledged records, in all partitions.

    Args:
        sends: every send, in the order of sending.
        log: what was read, in the order in which the reader got it.
    """
    witness = _Witness(sends)
    keyed = [r for r in log.reads if witness.acknowledged(r) and r.key is not None]
    swapped = _swapped(keyed, within=lambda read: read.key)
    offenders = tuple(
        witness.read(OUT_OF_ORDER, read, words("detail.out_of_order")) for read in swapped[:SHOWN]
    )
    if offenders:
        return KeyOrder(VIOLATED, len(swapped), offenders)
    if not log.complete:
        return KeyOrder(UNKNOWN, why=log.why or words("why.unread_by_key"))
    if not keyed:
        return KeyOrder(UNKNOWN, why=words("why.no_keys"))
    return KeyOrder(VALID)


def _first(*kinds: Sequence[Offender]) -> tuple[Offender, ...]:
    """The first of each kind, then the second of each …, `SHOWN` in all."""
    turns = (
        kind[position]
        for position in range(max(map(len, kinds), default=0))
        for kind in kinds
        if position < len(kind)
    )
    return tuple(turns)[:SHOWN]
