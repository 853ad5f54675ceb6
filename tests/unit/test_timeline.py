"""What a timeline answers about what it saw."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import pytest

from labs.experiment.story import IN_ISR, LEADER, OUT, UNSEEN, lanes, story, waits
from labs.kafka.cluster import Cluster, Fault
from labs.observe.offsets import Reach
from labs.observe.snapshot import Partition
from labs.observe.timeline import Sight, Timeline
from labs.workload.history import Outcome, Send


def partition(leader: int | None, epoch: int, *isr: int) -> Partition:
    return Partition("t", 0, leader, epoch, (1, 2, 3), isr)


@pytest.fixture
def timeline() -> Timeline:
    """Broker 1 leads from 10 s on, nobody could tell at 12 s, broker 2 leads from 13 s on."""
    made = Timeline(cast(Cluster, None), "t")
    made.sights[0] = [
        Sight(10.0, partition(1, 0, 1, 2, 3)),
        Sight(12.0, None),
        Sight(13.0, partition(2, 1, 2, 3)),
    ]
    made.reaches[0] = [Reach(10.0, 1, 5, 4), Reach(10.1, 2, 4, None), Reach(13.1, 2, 6, 6)]
    return made


def test_who_led_when(timeline: Timeline) -> None:
    led = {time: timeline.leader_at(0, time) for time in (9.0, 10.0, 11.9, 12.5, 13.0, 99.0)}
    assert led == {9.0: None, 10.0: 1, 11.9: 1, 12.5: None, 13.0: 2, 99.0: 2}


def test_when_something_was_first_seen(timeline: Timeline) -> None:
    assert timeline.first(lambda p: p.leader == 2, after=10) == 13.0
    assert timeline.first(lambda p: p.leader == 1, after=10.5) is None


def test_what_happened_while_nobody_answered_has_no_time(timeline: Timeline) -> None:
    timeline.sights[0][1:] = [
        Sight(12.0, None),
        Sight(13.5, partition(2, 1, 2, 3)),
        Sight(14.0, partition(3, 2, 3)),
    ]
    assert timeline.first(lambda p: p.leader == 2, after=10) is None, "12 to 13.5 s, nobody knows"
    assert timeline.first(lambda p: p.leader == 2, after=13) == 13.5
    assert timeline.first(lambda p: p.leader == 3, after=10) == 14.0


def test_lanes_have_neither_gaps_nor_inventions(timeline: Timeline) -> None:
    found = lanes(timeline, began=10.0).lanes
    assert [(s.start, s.kind) for s in found["broker:1"]] == [(0, LEADER), (2, UNSEEN), (3, OUT)]
    assert [s.kind for s in found["broker:2"]] == [IN_ISR, UNSEEN, LEADER]
    for spans in found.values():
        assert all(a.end == b.start for a, b in pairwise(spans))


def test_offsets_by_broker_and_the_high_watermark(timeline: Timeline) -> None:
    told = story(timeline, "", 10.0, [Fault(12.0, "kill", 1), Fault(3.0, "reset", None)])
    ends = [(round(x, 3), y) for x, y in told.offsets["log_end:2"]]
    assert ends == [(0.1, 4), (3.1, 6)]
    assert [y for _, y in told.offsets["high_watermark"]] == [4, 6]
    assert [(mark.at, mark.what) for mark in told.marks] == [(2.0, "kill:1")]
    assert (timeline.log_ends(), timeline.high_watermark()) == ({1: 5, 2: 6}, 6)


def test_a_wait_counts_from_when_the_record_was_due() -> None:
    late = Send(0, None, b"", intended=10.0, invoked=14.0, completed=14.5, outcome=Outcome.OK)
    open_one = Send(1, None, b"", intended=11.0, invoked=11.0)
    assert waits([late, open_one], began=10.0) == {"ok": [(0.0, 4500.0)]}
