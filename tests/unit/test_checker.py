"""The checker on trial: a good history, and then one thing at a time is done to it."""

from __future__ import annotations

import random
from dataclasses import replace
from zlib import crc32

import pytest

from labs.checker import UNKNOWN, VALID, VIOLATED, Report, check
from labs.history import Log, Outcome, Read, Send

COUNT, PARTITIONS = 60, 3
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


def test_a_group_is_judged_by_what_it_processed() -> None:
    sends, reads = good()
    log = Log(tuple(reads), {})
    processed = [replace(r, member="A") for r in reads[:-1]] + [replace(reads[0], member="B")]
    report = check(sends, log, delivered=processed)
    assert report.verdict == VIOLATED
    assert (report.counts.readable, report.counts.lost, report.counts.duplicated) == (COUNT, 1, 1)
    assert {o.kind for o in report.offenders} == {"lost", "duplicated"}


def test_each_kind_is_shown_even_when_one_has_many() -> None:
    sends, reads = good()
    report = judge(sends, [*reads[30:], reads[40]])
    assert {"lost", "duplicated"} <= {o.kind for o in report.offenders}
    assert len(report.offenders) == 10


def test_the_verdict_in_words() -> None:
    sends, reads = good()
    assert judge(sends, reads).words().startswith("Valid: no acknowledged record was lost")
    assert "1 lost" in judge(sends, reads[1:]).words()
    assert judge(sends, [], complete=False).words().startswith("Unknown: ")
    sends[0].outcome = Outcome.UNKNOWN
    assert "1 of them never acknowledged, and yet written" in judge(sends, reads).words()
