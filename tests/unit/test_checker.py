"""The checker on trial: a good history, and then one thing at a time is done to it."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any
from zlib import crc32

import pytest

from labs.base.words import Words
from labs.workload import verdicts
from labs.workload.checker import check, check_key_order, check_processing
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
    Offender,
    Processing,
    Report,
)

COUNT, PARTITIONS = 60, 3
SAY = Words(verdicts.__file__)
LEADERS = {0: 1, 1: 2, 2: 3}

every_place = pytest.mark.parametrize("seed", range(20))


def leader_at(partition: int, _time: float) -> int:
    return LEADERS[partition]


def good() -> tuple[list[Send], list[Read]]:
    """Sixty records, acknowledged one by one, in three partitions."""
    sends, reads, ends = [], [], dict.fromkeys(range(PARTITIONS), 0)
    for number in range(COUNT):
        partition = number * 7 % PARTITIONS
        offset = ends[partition]
        ends[partition] += 1
        key, value, at = b"AA", b"%d|flight" % number, float(number)
        sends.append(Send(number, key, value, at, at, at + 0.01, Outcome.OK, partition, offset))
        reads.append(Read(number, partition, offset, crc32(value), key))
    return sends, sorted(reads, key=lambda r: (r.partition, r.offset))


def judge(sends: list[Send], reads: list[Read], complete: bool = True) -> Report:
    ends: dict[int, int] = {}
    for read in reads:
        ends[read.partition] = max(ends.get(read.partition, 0), read.offset + 1)
    return check(sends, Log(tuple(reads), ends, complete), leader_at=leader_at)


def test_a_good_history_is_valid() -> None:
    report = judge(*good())
    assert (report.verdict, report.offenders) == (VALID, ())
    counts = report.counts
    assert (counts.sent, counts.acknowledged, counts.readable) == (COUNT, COUNT, COUNT)
    assert (counts.lost, counts.duplicated, counts.reordered) == (0, 0, 0)


@every_place
def test_a_dropped_record_is_lost_and_named(seed: int) -> None:
    sends, reads = good()
    gone = reads.pop(random.Random(seed).randrange(COUNT))
    report = judge(sends, reads)
    assert report.verdict == VIOLATED
    assert (report.counts.lost, report.counts.duplicated, report.counts.reordered) == (1, 0, 0)
    (offender,) = report.offenders
    assert (offender.kind, offender.number, offender.key) == ("lost", gone.number, "AA")
    assert (offender.partition, offender.offset) == (gone.partition, gone.offset)
    assert offender.acknowledged_by == LEADERS[gone.partition]


@every_place
def test_a_doubled_record_is_found_and_named(seed: int) -> None:
    sends, reads = good()
    dice = random.Random(seed)
    twin = dice.choice(reads)
    reads.insert(dice.randrange(reads.index(twin) + 1, COUNT + 1), replace(twin, offset=999))
    report = judge(sends, reads)
    assert report.verdict == VIOLATED
    assert (report.counts.lost, report.counts.duplicated, report.counts.reordered) == (0, 1, 0)
    assert [(o.kind, o.number, o.offset) for o in report.offenders] == [
        ("duplicated", twin.number, 999)
    ]


@every_place
def test_a_swap_within_a_partition_is_found_and_named(seed: int) -> None:
    sends, reads = good()
    place = random.Random(seed).choice(
        [i for i in range(COUNT - 1) if reads[i].partition == reads[i + 1].partition]
    )
    early, late = reads[place], reads[place + 1]
    reads[place] = replace(late, offset=early.offset)
    reads[place + 1] = replace(early, offset=late.offset)
    report = judge(sends, reads)
    assert report.verdict == VIOLATED
    assert (report.counts.lost, report.counts.duplicated, report.counts.reordered) == (0, 0, 1)
    assert [(o.kind, o.number) for o in report.offenders] == [("reordered", early.number)]


def test_between_partitions_there_is_no_order() -> None:
    sends, reads = good()
    backwards = sorted(reads, key=lambda r: (-r.partition, r.offset))
    assert judge(sends, backwards).verdict == VALID


@every_place
def test_a_corrupted_record_is_found_and_named(seed: int) -> None:
    sends, reads = good()
    place = random.Random(seed).randrange(COUNT)
    reads[place] = replace(reads[place], digest=1)
    report = judge(sends, reads)
    assert report.verdict == VIOLATED
    assert {o.kind for o in report.offenders} == {"lost", "corrupted"}, "what was sent is gone"
    assert {o.number for o in report.offenders} == {reads[place].number}
    assert (report.counts.readable, report.counts.lost) == (COUNT - 1, 1)


def test_a_record_that_nobody_sent_is_foreign() -> None:
    sends, reads = good()
    report = judge(sends, [*reads, Read(None, 0, 500, 7), Read(COUNT + 5, 0, 501, 7)])
    assert report.verdict == VIOLATED
    assert [o.kind for o in report.offenders] == ["foreign", "foreign"]
    assert report.counts.readable == COUNT


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.FAIL, Outcome.PENDING])
def test_what_was_never_acknowledged_is_never_lost(outcome: Outcome) -> None:
    sends, reads = good()
    gone = reads.pop(5)
    sends[gone.number or 0].outcome = outcome
    report = judge(sends, reads)
    assert (report.verdict, report.counts.lost) == (VALID, 0)
    assert report.counts.acknowledged == COUNT - 1
    assert report.counts.failed == (outcome is Outcome.FAIL)
    assert report.counts.unknown == (outcome is not Outcome.FAIL)


def test_an_unfinished_read_accuses_nobody_of_loss() -> None:
    sends, reads = good()
    report = judge(sends, reads[:10], complete=False)
    assert (report.verdict, report.counts.lost) == (UNKNOWN, 0)
    assert report.why


def test_an_unfinished_read_can_still_prove_a_duplicate() -> None:
    sends, reads = good()
    assert judge(sends, [*reads[:10], reads[3]], complete=False).verdict == VIOLATED


def test_without_an_acknowledgement_nothing_was_promised() -> None:
    sends, reads = good()
    for send in sends:
        send.outcome = Outcome.UNKNOWN
    assert judge(sends, reads[:20]).verdict == UNKNOWN
    assert judge([], []).verdict == UNKNOWN


# -- records without an acknowledgement ------------------------------------------------------------

open_ends = pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.FAIL, Outcome.PENDING])


@open_ends
@every_place
def test_a_copy_of_what_was_never_acknowledged_violates_nothing(
    seed: int, outcome: Outcome
) -> None:
    sends, reads = good()
    dice = random.Random(seed)
    twin = dice.choice(reads)
    reads.insert(dice.randrange(reads.index(twin) + 1, COUNT + 1), replace(twin, offset=999))
    sends[twin.number or 0].outcome = outcome
    report = judge(sends, reads)
    assert (report.verdict, report.counts.duplicated, report.offenders) == (VALID, 0, ())
    assert (report.others.written, report.others.again) == (1, 1)
    for name in ("written", "again"):
        assert SAY(f"others.{name}", count=1) in verdicts.details(report)


@open_ends
@every_place
def test_a_swap_with_what_was_never_acknowledged_violates_nothing(
    seed: int, outcome: Outcome
) -> None:
    sends, reads = good()
    dice = random.Random(seed)
    place = dice.choice(
        [i for i in range(COUNT - 1) if reads[i].partition == reads[i + 1].partition]
    )
    early, late = reads[place], reads[place + 1]
    reads[place] = replace(late, offset=early.offset)
    reads[place + 1] = replace(early, offset=late.offset)
    sends[dice.choice([early, late]).number or 0].outcome = outcome
    report = judge(sends, reads)
    assert (report.verdict, report.counts.reordered, report.offenders) == (VALID, 0, ())


def test_an_acknowledged_copy_and_another_are_told_apart() -> None:
    sends, reads = good()
    sends[reads[3].number or 0].outcome = Outcome.UNKNOWN
    doubled = [replace(reads[3], offset=998), replace(reads[4], offset=999)]
    report = judge(sends, [*reads, *doubled])
    assert (report.verdict, report.counts.duplicated, report.others.again) == (VIOLATED, 1, 1)
    assert {o.number for o in report.offenders} == {reads[4].number}


def test_what_was_deleted_from_the_log_is_not_called_lost() -> None:
    sends, reads = good()
    kept = [r for r in reads if r.partition != 0 or r.offset >= 5]
    log = Log(tuple(kept), {}, starts={0: 5, 1: 0, 2: 0})
    report = check(sends, log)
    assert (report.verdict, report.counts.lost) == (UNKNOWN, 0)
    assert "5 acknowledged records stood where the log was deleted since" in verdicts.found(report)
    gone = kept.pop(kept.index(next(r for r in kept if r.offset == 7)))
    report = check(sends, Log(tuple(kept), {}, starts={0: 5}))
    assert (report.verdict, report.counts.lost) == (VIOLATED, 1)
    assert [o.number for o in report.offenders] == [gone.number]


# -- the processing --------------------------------------------------------------------------------


def process(sends: list[Send], reads: list[Read], processed: list[Read], **more: Any) -> Processing:
    return check_processing(sends, Log(tuple(reads), {}), processed, **more)


def test_each_record_once_is_valid_and_the_log_is_another_matter() -> None:
    sends, reads = good()
    found = process(sends, reads, reads)
    assert (found.verdict, found.missed, found.repeated, found.offenders) == (VALID, 0, 0, ())
    lossy = reads[1:]  # what is in no log can't be processed
    assert judge(sends, lossy).verdict == VIOLATED
    assert process(sends, lossy, lossy).verdict == VALID


@every_place
def test_a_record_that_nobody_processed_is_missed_and_named(seed: int) -> None:
    sends, reads = good()
    gone = random.Random(seed).choice(reads)
    found = process(sends, reads, [r for r in reads if r is not gone])
    assert (found.verdict, found.missed, found.repeated) == (VIOLATED, 1, 0)
    assert [(o.kind, o.number) for o in found.offenders] == [("missed", gone.number)]
    assert judge(sends, reads).verdict == VALID, "the log is whole"


@every_place
def test_a_record_processed_twice_is_named_with_its_member(seed: int) -> None:
    sends, reads = good()
    again = replace(random.Random(seed).choice(reads), member="B")
    found = process(sends, reads, [*reads, again])
    assert (found.verdict, found.missed, found.repeated) == (VIOLATED, 0, 1)
    assert [(o.kind, o.number, o.detail) for o in found.offenders] == [
        ("repeated", again.number, "again by member B")
    ]


def test_a_record_that_stands_twice_in_the_log_is_to_be_processed_twice() -> None:
    sends, reads = good()
    reads.append(replace(reads[0], offset=999))
    assert process(sends, reads, reads).verdict == VALID
    assert process(sends, reads, reads[:-1]).missed == 1


def test_an_unfinished_group_is_accused_of_nothing_but_what_it_did() -> None:
    sends, reads = good()
    found = process(sends, reads, reads[:10], unfinished="the group came to offset 3 of 20")
    assert (found.verdict, found.missed, found.repeated) == (UNKNOWN, None, 0)
    assert verdicts.title(found) == SAY("processing.unknown")
    assert verdicts.told(found).endswith("the group came to offset 3 of 20.")
    found = process(sends, reads, [*reads[:10], reads[0]], unfinished="it ended")
    assert (found.verdict, found.missed, found.repeated) == (VIOLATED, None, 1)
    log = Log(tuple(reads[:10]), {}, complete=False, why="no time")
    assert check_processing(sends, log, reads[:5]).verdict == UNKNOWN
    assert process(sends, [], []).verdict == UNKNOWN


def test_an_aborted_transactions_record_need_not_be_processed() -> None:
    sends, reads = good()
    sends[reads[5].number or 0].aborted = True
    assert judge(sends, reads).verdict == VALID
    assert process(sends, reads, [*reads[:5], *reads[6:]]).verdict == VALID


def test_what_was_asked_for_is_told_and_violates_nothing() -> None:
    sends, reads = good()
    first = [replace(r, time=float(n)) for n, r in enumerate(reads)]
    again = [replace(r, time=100.0 + n) for n, r in enumerate(reads[10:30])]
    found = process(sends, reads, [*first, *again], asked_from=90.0)
    assert (found.verdict, found.repeated, found.again) == (VALID, 0, 20)
    assert verdicts.found(found) == SAY("processing.nothing_but_asked")
    assert SAY("processing.as_asked", count=20) in verdicts.told(found)
    early = [*first, replace(first[0], time=70.0), *again]
    assert process(sends, reads, early, asked_from=90.0).repeated == 1


# -- the order of a key ----------------------------------------------------------------------------


def test_a_keys_order_goes_across_partitions() -> None:
    sends, reads = good()  # one key in three partitions, read one partition after the other
    found = check_key_order(sends, Log(tuple(reads), {}))
    assert (found.verdict, found.out_of_order > 0) == (VIOLATED, True)
    assert {o.kind for o in found.offenders} == {"out_of_order"}
    assert judge(sends, reads).verdict == VALID, "each partition is in order"
    as_sent = sorted(reads, key=lambda r: r.number or 0)
    assert check_key_order(sends, Log(tuple(as_sent), {})).verdict == VALID


def test_without_a_key_there_is_no_order_to_keep() -> None:
    sends, reads = good()
    keyless = [replace(r, key=None) for r in reads]
    assert check_key_order(sends, Log(tuple(keyless), {})).verdict == UNKNOWN


def test_a_keys_order_counts_acknowledged_records_only() -> None:
    sends, reads = good()
    as_sent = sorted(reads, key=lambda r: r.number or 0)
    as_sent[3], as_sent[4] = as_sent[4], as_sent[3]
    assert check_key_order(sends, Log(tuple(as_sent), {})).out_of_order == 1
    sends[3].outcome = Outcome.UNKNOWN
    assert check_key_order(sends, Log(tuple(as_sent), {})).verdict == VALID
    unread = Log(tuple(as_sent[:2]), {}, complete=False)
    assert check_key_order(sends, unread).verdict == UNKNOWN


def test_each_kind_is_shown_even_when_one_has_many() -> None:
    sends, reads = good()
    report = judge(sends, [*reads[30:], reads[40]])
    assert {"lost", "duplicated"} <= {o.kind for o in report.offenders}
    assert len(report.offenders) == 10


# -- what is said of it ----------------------------------------------------------------------------


def counted(**counts: int) -> str:
    return ", ".join(SAY(f"log.{name}", count=count) for name, count in counts.items())


def test_failed_and_unknown_sends_are_told_where_there_are_any() -> None:
    sends, reads = good()
    all_well = counted(sent=60, acknowledged=60, readable=60)
    assert verdicts.details(judge(sends, reads)) == f"({all_well}.)"
    sends[0].outcome, sends[1].outcome = Outcome.FAIL, Outcome.UNKNOWN
    told = verdicts.details(judge(sends, [r for r in reads if r.number]))
    assert counted(sent=60, acknowledged=58, failed=1, unknown_outcome=1, readable=59) in told


def test_the_verdict_in_words() -> None:
    sends, reads = good()
    for report, title, found in (
        (judge(sends, reads), "valid", SAY("log.nothing")),
        (judge(sends, reads[1:]), "violated", SAY("log.lost", count=1)),
        (judge(sends, [], complete=False), "unknown", "the final read could not be finished"),
    ):
        assert verdicts.summary(report) == f"{SAY(f'log.{title}')}: {found}."
    sends[0].outcome = Outcome.UNKNOWN
    assert SAY("others.written", count=1) in verdicts.told(judge(sends, reads))


def test_every_kind_of_offender_has_its_words() -> None:
    kinds = {LOST, DUPLICATED, REORDERED, CORRUPTED, FOREIGN, MISSED, REPEATED, OUT_OF_ORDER}
    assert set(SAY.under("kind")) == kinds
    offender = Offender(LOST, 7, "UA", 0, 83, 1, "the log ends at offset 83")
    for part in (SAY("kind.lost"), "7", "UA", "83", SAY("offender.by", broker=1), offender.detail):
        assert part in verdicts.evidence(offender)
