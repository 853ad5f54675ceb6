"""Every experiment of chapter 6 shows what the chapter says, on the live cluster."""

from __future__ import annotations

from functools import partial

import pytest

from labs.experiment.result import Result
from labs.kafka.local import LocalCluster
from labs.workload.judgements import VALID, VIOLATED
from tests.outcomes import came_true, measured, run_of

run = partial(run_of, "exactly_once")


# -- retries -----------------------------------------------------------------------------------

TRIALS = 5


@pytest.mark.parametrize("trial", range(TRIALS))
def test_idempotence_keeps_the_log_clean(shared_cluster: LocalCluster, trial: int) -> None:
    counts = run(shared_cluster, "retries", idempotence=True).report.counts
    assert (counts.duplicated, counts.reordered, counts.lost) == (0, 0, 0)
    assert counts.acknowledged == counts.sent > 100


def test_without_it_retries_double_and_reorder(shared_cluster: LocalCluster) -> None:
    """Up to five trials; the first that shows both is enough."""
    seen = []
    for _ in range(TRIALS):
        report = run(shared_cluster, "retries").report
        assert report.counts.acknowledged == report.counts.sent, "the program noticed nothing"
        seen.append((report.counts.duplicated, report.counts.reordered))
        if min(seen[-1]) > 0:
            assert report.verdict == VIOLATED
            kinds = {offender.kind for offender in report.offenders}
            assert kinds == {"duplicated", "reordered"}
            return
    pytest.fail(f"(duplicated, reordered) was {seen}")


def test_one_request_at_a_time_keeps_the_order_though_not_the_number(
    shared_cluster: LocalCluster,
) -> None:
    assert run(shared_cluster, "retries", max_in_flight=1).report.counts.reordered == 0


def test_five_requests_in_flight_keep_the_order_with_idempotence(
    shared_cluster: LocalCluster,
) -> None:
    """Every round is a trial: in none is a record moved or doubled, and there is a real chance."""
    result = run(shared_cluster, "in_flight", idempotence=True)
    assert result.report.verdict == VALID
    assert measured(result, "most_requests_in_flight") == 5, "all that it may have"
    assert measured(result, "rounds_out_of_order") == 0
    counts = result.report.counts
    assert (counts.duplicated, counts.reordered, counts.lost) == (0, 0, 0)
    assert counts.acknowledged == counts.sent
    assert came_true(result) == "kept"


def test_without_it_five_requests_in_flight_lose_the_order(
    shared_cluster: LocalCluster,
) -> None:
    """In some of the rounds: the leader begins to take records between two of those under way."""
    result = run(shared_cluster, "in_flight")
    assert measured(result, "most_requests_in_flight") == 5, "all that it may have"
    assert measured(result, "rounds_out_of_order") > 0
    assert result.report.verdict == VIOLATED
    assert {offender.kind for offender in result.report.offenders} == {"reordered"}
    assert came_true(result) == "broken"


def test_one_request_in_flight_is_one(shared_cluster: LocalCluster) -> None:
    """And does not keep librdkafka's order: the next one is made already. Up to three trials."""
    for _ in range(3):
        result = run(shared_cluster, "in_flight", max_in_flight=1, rounds=10)
        assert measured(result, "most_requests_in_flight") == 1
        if result.report.counts.reordered:
            return
        assert came_true(result) is None
    pytest.fail("no record was moved")


def test_a_follower_that_hangs_is_enough_for_duplicates(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "retries", paused="follower")
    assert result.report.counts.duplicated > 0


def test_a_pause_shorter_than_the_clients_patience_changes_nothing(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "retries", pause_s=1, request_timeout_ms=5000)
    assert result.report.verdict == VALID
    assert measured(result, "longest_wait_ms") < 5000
    assert result.report.counts.duplicated == 0


def test_a_client_that_gives_up_early_does_not_know_what_was_written(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "retries", idempotence=True, delivery_timeout_ms=1000)
    counts = result.report.counts
    assert counts.unknown > 0
    assert counts.lost == counts.duplicated == 0


def test_a_restarted_idempotent_producer_doubles_records(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "restart")
    assert result.report.verdict == VIOLATED
    assert result.report.counts.duplicated > 0
    assert result.report.counts.readable == result.report.counts.sent


def test_a_restart_that_asks_the_log_doubles_nothing(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "restart", resume_from="log")
    assert result.report.verdict == VALID
    assert result.report.counts.readable == result.report.counts.sent


# -- transactions ------------------------------------------------------------------------------


def test_with_its_offsets_in_the_transaction_each_output_counts_once_for_read_committed(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "transform")
    assert result.report.verdict == VALID
    counts = result.report.counts
    assert (counts.readable, counts.duplicated, counts.lost) == (200, 0, 0)
    assert result.measurements["aborted_records"] == 2 * 25, "two batches were killed"
    assert came_true(result) == "once"


def test_read_uncommitted_gets_the_aborted_outputs_as_well(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "transform", isolation_level="read_uncommitted", kills=1)
    assert result.report.verdict == VIOLATED
    assert result.report.counts.duplicated == result.measurements["aborted_records"] == 25
    assert came_true(result) == "twice"


def test_offsets_beside_the_transaction_double_outputs_for_everybody(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "transform", offsets="after", kills=1)
    assert result.report.verdict == VIOLATED
    assert (result.report.counts.duplicated, result.measurements["aborted_records"]) == (25, 0)
    assert came_true(result) == "twice"


def test_without_a_kill_nothing_is_aborted(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "transform", kills=0, isolation_level="read_uncommitted")
    assert result.report.verdict == VALID
    assert result.measurements["aborted_records"] == 0
    assert came_true(result) == "once"


@pytest.mark.parametrize(
    ("transactional_id", "expected", "twice"), [("same", "fenced", 0), ("own", "both", 20)]
)
def test_a_zombie_is_fenced_if_it_has_the_same_transactional_id(
    shared_cluster: LocalCluster, transactional_id: str, expected: str, twice: int
) -> None:
    result = run(shared_cluster, "zombie", transactional_id=transactional_id)
    assert came_true(result) == expected
    assert result.report.counts.duplicated == twice
    assert (result.report.verdict == VALID) == (not twice)
    refused = result.measurements["commit_of_a"]
    assert refused == ("accepted" if twice else "ProducerFencedError")


def test_only_the_java_clients_epoch_rises_with_each_transaction(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "epochs")
    assert result.measurements["transaction_version"] == 2
    assert result.measurements["epoch_of_kafka_python"] == 0
    committed = measured(result, "transactions_of_java")
    assert result.measurements["epoch_of_java"] == committed > 1
    assert came_true(result) == "java"


# -- what others see of a transaction ----------------------------------------------------------


@pytest.mark.parametrize("level", ["read_committed", "read_uncommitted"])
def test_an_open_transaction_hides_plain_records_from_read_committed(
    shared_cluster: LocalCluster, level: str
) -> None:
    result = run(shared_cluster, "hung_transaction", isolation_level=level)
    hidden = measured(result, "hidden_plain_records")
    assert hidden > 0 if level == "read_committed" else hidden == 0
    assert (result.report.verdict, _processing(result)) == ("valid", "valid"), (
        "it was late, not lost"
    )
    counts = result.report.counts
    assert (counts.failed, counts.acknowledged) == (0, counts.readable), "the hung one, too"
    assert result.report.others.written == 0


def test_lag_need_not_reach_zero(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "last_offset", transactions=3)
    assert result.measurements["lag_records"] == 1
    assert result.measurements["processed_records"] == 30
    assert (result.report.verdict, _processing(result)) == ("valid", "valid")


def _processing(result: Result) -> str:
    assert result.processing is not None
    return result.processing.verdict
