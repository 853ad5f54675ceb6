"""Percentiles of what was sent: what was due counts, and nothing is claimed of too few."""

from __future__ import annotations

import threading
from typing import Any, ClassVar, cast

import pytest
from kafka import KafkaProducer
from kafka.future import Future

from labs.workload import Load
from labs.workload.history import History, Outcome, Send
from labs.workload.latency import (
    BEYOND,
    Waits,
    enough,
    latencies_ms,
    percentiles_of,
    summary_of,
    tail,
    waits_of,
)
from labs.workload.load import due_not_sent
from labs.workload.turns import in_turns


def sends(*waits_ms: float, outcome: Outcome = Outcome.OK) -> list[Send]:
    """One send every 10 ms, each invoked late, each answered after so many ms."""
    return [
        Send(n, None, b"", n / 100, n / 100 + 1, n / 100 + wait / 1000, outcome)
        for n, wait in enumerate(waits_ms)
    ]


def test_a_latency_counts_from_the_intended_time_of_sending() -> None:
    assert latencies_ms(sends(5, 7)) == pytest.approx([5, 7])


def test_the_warm_up_is_left_out() -> None:
    assert latencies_ms(sends(900, 5, 6), warmup_s=0.01) == pytest.approx([5, 6])


def test_failed_sends_do_not_count_and_time_outs_do() -> None:
    assert latencies_ms(sends(1, outcome=Outcome.FAIL)) == []
    assert latencies_ms(sends(2000, outcome=Outcome.UNKNOWN)) == pytest.approx([2000])


def test_a_summary_tells_what_so_many_records_tell_of() -> None:
    told = summary_of(range(1, 10_001))
    assert list(told) == ["samples", "p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms"]
    assert list(told.values()) == [10_000, 5000, 9000, 9900, 9990, 10_000]
    assert list(summary_of(range(1000))) == ["samples", "p50_ms", "p90_ms", "p99_ms", "max_ms"]
    assert list(summary_of(range(600))) == ["samples", "p50_ms", "p90_ms", "max_ms"]
    assert list(summary_of(range(19))) == ["samples", "max_ms"]
    assert summary_of([]) == {}


def test_what_both_tell_is_compared() -> None:
    many, some, few = (summary_of(range(count)) for count in (20_000, 600, 19))
    assert (tail(many, many), tail(many, some), tail(many, few)) == ("p99_ms", "p90_ms", None)


@pytest.mark.parametrize(("percent", "count"), [(50, 20), (90, 100), (99, 1000), (99.9, 10_000)])
def test_so_many_records_lie_beyond_a_percentile_that_is_told(percent: float, count: int) -> None:
    assert BEYOND == 10
    assert enough(percent, count)
    assert not enough(percent, count - 1)


def test_the_figures_are_latencies_that_were_measured() -> None:
    told = percentiles_of([1.2345, 1.2346, 7.0])
    assert {ms for _, ms in told} <= {1.234, 1.235, 7.0}


def test_a_curve_rises_and_claims_nothing_of_too_few() -> None:
    curve = percentiles_of(range(1, 301))
    assert [p for p, _ in curve][-2:] == [95.0, 100.0]
    assert [ms for _, ms in curve] == sorted(ms for _, ms in curve)
    assert percentiles_of([]) == []


# -- what was due and not sent ---------------------------------------------------------------------


def test_what_was_due_and_not_sent_when_the_schedule_ended() -> None:
    assert due_not_sent(began=10.0, rate=100, sent=3, until=10.06) == pytest.approx(
        [10.03, 10.04, 10.05]
    )
    assert due_not_sent(10.0, 100, sent=6, until=10.055) == []
    assert due_not_sent(10.0, 100, sent=3, until=99.0, count=4) == pytest.approx([10.03])
    assert due_not_sent(10.0, 0, sent=3, until=99.0) == []


class Slow:
    """A producer whose every `send` holds its caller up until it is let go; all is acknowledged."""

    config: ClassVar = {"retries": 0, "acks": 1}

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)

    def send(self, *_args: object, **_options: object) -> Any:
        self.go.acquire(timeout=5)
        return Future()


def test_a_load_that_is_held_up_owes_what_was_due() -> None:
    slow = Slow()
    load = Load(History(), cast(KafkaProducer, slow), "t", rate=1000).start()
    for _ in range(3):
        slow.go.release()
    threading.Event().wait(0.2)
    stopping = threading.Thread(target=load.stop, args=(0,))
    stopping.start()
    while not load.stopped:
        threading.Event().wait(0.001)
    slow.go.release()  # it sends the one that it was at, and no more
    stopping.join()
    assert len(load.sends) == 4
    assert len(load.sends) + len(load.overdue) >= 150, "0.2 s at 1,000 records/s"
    open_ones = waits_of(load).open
    assert len(open_ones) == len(load.overdue)
    assert max(open_ones) > 100 > min(open_ones) >= 0


def test_a_load_that_keeps_up_owes_nothing() -> None:
    slow = Slow()
    for _ in range(30):
        slow.go.release()
    load = Load(History(), cast(KafkaProducer, slow), "t", rate=0, count=20).start()
    load.stop(0)
    assert load.overdue == []


def test_a_percentile_above_an_open_wait_is_a_lower_bound() -> None:
    waits = Waits([1.0] * 90, [5.0] * 10) + Waits([2.0])
    assert len(waits.all) == 101
    assert waits.bounded(6.0)
    assert not waits.bounded(2.0)
    assert not Waits([1.0, 2.0]).bounded(9.0)


# -- turns -----------------------------------------------------------------------------------------


def test_everybody_is_first_equally_often() -> None:
    assert list(in_turns("AB", 2)) == list("ABBA")
    rounds = list(in_turns("abc", 3))
    assert [rounds[place::3] for place in range(3)] == [list("abc"), list("bca"), list("cab")]
