"""Every experiment of chapter 3 shows what the chapter says, on the live cluster."""

from __future__ import annotations

from functools import partial

from labs.base.words import Words
from labs.kafka.local import LocalCluster
from labs.workload import verdicts
from labs.workload.judgements import UNKNOWN, VALID, VIOLATED
from tests.outcomes import came_true, measured, run_of

run = partial(run_of, "acks")


# -- what it costs ------------------------------------------------------------------------------


def test_acks_all_takes_longer_than_no_acknowledgement(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "latency", seconds=3)
    assert result.report.verdict == VALID
    assert measured(result, "acks_0_p50_ms") < measured(result, "acks_1_p50_ms")
    assert measured(result, "acks_0_p50_ms") < measured(result, "acks_all_p50_ms")
    for acks in ("0", "1", "all"):
        assert measured(result, f"acks_{acks}_p50_ms") <= measured(result, f"acks_{acks}_max_ms")
    assert came_true(result) is not None


# -- the leader's crash -------------------------------------------------------------------------


def test_acks_1_loses_acknowledged_records(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "leader_crash", acks="1")
    assert result.report.verdict == VIOLATED
    assert result.report.counts.lost > 0
    assert {o.kind for o in result.report.offenders} == {"lost"}
    assert all(o.acknowledged_by is not None for o in result.report.offenders)
    assert came_true(result) == "some"


def test_acks_all_loses_none(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "leader_crash", acks="all", min_insync_replicas=2)
    assert result.report.verdict == VALID
    assert result.report.counts.acknowledged > 0
    assert result.report.counts.lost == 0
    assert came_true(result) == "none"


def test_who_had_left_the_isr_may_not_lead_and_so_nothing_is_lost(
    shared_cluster: LocalCluster,
) -> None:
    """The chapter's challenge: acks=all, a minimum of 1, and the leader alone in sync."""
    settings = {"acks": "all", "lag_s": 5, "min_insync_replicas": 1}
    result = run(shared_cluster, "leader_crash", **settings)
    assert result.report.counts.acknowledged > 0
    assert result.report.counts.lost == 0
    assert result.measurements["a_follower_was_elected"] == "no"


def test_acks_0_loses_records_and_tells_nobody(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "leader_crash", acks="0", lag_s=1)
    assert result.report.verdict == UNKNOWN
    assert result.report.counts.acknowledged == 0
    assert result.report.counts.failed == 0
    assert measured(result, "unreadable_records") > 0
    assert came_true(result) is None


# -- a silent follower --------------------------------------------------------------------------


def test_acks_all_waits_for_the_whole_isr_until_the_fencing(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "paused_follower", acks="all", min_insync_replicas=2)
    assert result.report.verdict == VALID
    assert measured(result, "stall_ms") > 1000
    assert result.measurements["removed_by"] == "broker.session.timeout.ms"
    assert result.measurements["enough_in_sync"] == "yes"
    assert came_true(result) == "wait"


def test_acks_1_waits_for_no_follower(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "paused_follower", acks="1")
    assert result.report.verdict == VALID
    assert measured(result, "stall_ms") < measured(result, "isr_shrunk_after_ms")


def test_the_other_clock_is_the_lag_and_goes_first_if_it_is_shorter(
    shared_cluster: LocalCluster,
) -> None:
    # A lag of 1 s also puts out whoever is merely late on a busy machine: 2 s, and time until 6.
    clocks = {"replica_lag_time_s": 2, "session_timeout_s": 6}
    result = run(shared_cluster, "paused_follower", **clocks)
    assert result.report.verdict == VALID
    assert result.measurements["removed_by"] == "replica.lag.time.max.ms"
    shrunk, fenced = (measured(result, f"{what}_after_ms") for what in ("isr_shrunk", "fenced"))
    assert shrunk < fenced
    assert measured(result, "stall_ms") < fenced


def test_fencing_waits_for_the_session_to_run_out(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "paused_follower", session_timeout_s=5)
    assert result.measurements["removed_by"] == "broker.session.timeout.ms"
    # The session began with the last heartbeat, and they come every second.
    assert measured(result, "fenced_after_ms") > 5000 - 1500
    assert measured(result, "stall_ms") > 5000 - 1500


def test_a_minimum_of_three_waits_until_the_follower_is_back(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "paused_follower", min_insync_replicas=3)
    assert result.measurements["enough_in_sync"] == "no"
    assert measured(result, "stall_ms") > measured(result, "isr_shrunk_after_ms")


# -- at the minimum, and below ------------------------------------------------------------------


def test_acks_all_is_taken_exactly_where_the_isr_has_the_minimum(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "min_isr", records=20)
    assert result.report.verdict == VALID
    for size in (1, 2, 3):
        for minimum in (1, 2, 3):
            taken = measured(result, f"acknowledged_isr_{size}_min_{minimum}")
            assert taken == (20 if size >= minimum else 0)
    assert came_true(result) == "one"


def test_acks_1_never_asks_for_the_minimum(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "min_isr", acks="1", records=10)
    assert result.report.counts.acknowledged == result.report.counts.sent
    assert came_true(result) == "three"


def test_below_the_minimum_acks_1_records_are_hidden(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "two_brokers_down", acks="1", min_insync_replicas=2)
    assert measured(result, "acknowledged_by_the_leader_alone") > 0
    assert measured(result, "acknowledged_but_hidden") > 0
    end = measured(result, "readable_end_offset")
    assert measured(result, "highest_acknowledged_offset") >= end
    assert result.report.verdict == VALID, "they are readable when a replica is back"
    assert result.report.counts.readable == result.report.counts.sent
    assert came_true(result) == "hidden"


def test_with_a_minimum_of_one_the_leader_alone_is_enough(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "two_brokers_down", acks="all", min_insync_replicas=1)
    assert result.report.verdict == VALID
    assert measured(result, "acknowledged_by_the_leader_alone") > 0
    assert measured(result, "not_enough_replicas") == 0
    assert measured(result, "acknowledged_but_hidden") == 0
    assert came_true(result) == "readable"


def test_below_the_minimum_acks_all_is_refused(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "two_brokers_down", acks="all", min_insync_replicas=2)
    assert result.report.verdict == VALID
    assert measured(result, "acknowledged_by_the_leader_alone") == 0
    assert measured(result, "not_enough_replicas") > 0
    assert came_true(result) == "refused"


# -- what an error says -------------------------------------------------------------------------


def test_sends_that_ended_in_an_error_were_written(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "failed_but_written", paused="follower")
    assert result.report.verdict == VALID
    assert measured(result, "and_yet_readable") > 0
    counts = result.report.counts
    assert (counts.failed, counts.unknown) == (0, measured(result, "ended_in_an_error"))
    say = Words(verdicts.__file__)
    assert say("log.unknown_outcome", count=counts.unknown) in result.words()
    assert result.report.counts.readable > result.report.counts.acknowledged
    unmoved = result.measurements["isr_or_leader_changed"] == "no"
    assert came_true(result) == ("written" if unmoved else None)


def test_a_frozen_leader_makes_sends_end_in_an_error_too(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "failed_but_written", paused="leader")
    assert measured(result, "ended_in_an_error") > 0
    assert result.report.counts.lost == 0


def test_the_java_client_speaks_of_time_and_not_of_replicas(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "java_error")
    assert result.report.verdict == VALID
    assert result.measurements["python_error"] == "NotEnoughReplicasError"
    assert result.measurements["java_exception"] == "TimeoutException"
    assert result.measurements["java_names_the_isr"] == "no"
    assert result.measurements["java_log_names_it"] == "yes"
    assert "no server response has been received" in str(result.measurements["java_text"])
    assert came_true(result) == "times_out"


def test_with_few_retries_the_java_client_names_the_reason(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "java_error", retries="3", delivery_timeout_ms=10_000)
    assert result.measurements["java_exception"] == "NotEnoughReplicasException"
    assert came_true(result) == "names_it"
