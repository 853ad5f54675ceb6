"""Percentiles of what was sent: warm-up dropped, time-outs counted, nothing claimed of too few."""

from __future__ import annotations

import pytest

from labs.history import Outcome, Send
from labs.workload.latency import latencies_ms, percentiles, percentiles_of, summary, summary_of


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


def test_a_summary_is_exact() -> None:
    told = summary_of([n * 1.001 for n in range(1000, 0, -1)])
    assert told == {"p50_ms": 500.5, "p99_ms": 990.99, "p999_ms": 999.999, "max_ms": 1001.0}
    assert summary(sends()) == {}


def test_a_percentile_is_an_answer_that_was_measured() -> None:
    assert summary_of([1.0, 900.0])["p50_ms"] == 1.0
    assert set(summary_of([0.0, 700_000.5]).values()) == {0.0, 700_000.5}  # however short or long


def test_a_curve_rises_and_claims_nothing_of_fewer_than_one_record() -> None:
    curve = percentiles_of(range(1, 301))
    assert [p for p, _ in curve][-2:] == [99.5, 100.0]
    assert [ms for _, ms in curve] == sorted(ms for _, ms in curve)
    assert percentiles([]) == []
