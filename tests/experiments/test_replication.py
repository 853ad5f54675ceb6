"""Chapter 4: what every experiment must show, whatever the machine's speed."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from labs.experiment.result import Result
from labs.kafka.local import LocalCluster
from labs.workload.judgements import VALID, VIOLATED
from tests.outcomes import came_true, run_of

run = partial(run_of, "replication")


def figures(result: Result) -> dict[str, Any]:
    """What it measured."""
    return dict(result.measurements)


def test_consumers_read_no_further_than_the_slowest_of_the_isr(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "copies")
    m = figures(result)
    assert m["isr_size"] == 3
    assert m["high_watermark"] <= m["slowest_log_end"] < m["leader_log_end"]
    assert m["middle_log_end"] == m["leader_log_end"], "two of three had everything"
    assert m["disk_agrees_with_brokers"] == "yes"
    assert m["high_watermark_after_shrink"] == m["leader_log_end"]
    assert came_true(result) == "slowest"
    assert result.report.verdict == VALID


def test_copies_that_keep_up_are_equal(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "copies", paused_followers=0, acks="all")
    m = figures(result)
    assert m["high_watermark"] == m["slowest_log_end"] == m["leader_log_end"]
    assert came_true(result) is None


def test_the_dead_stay_in_the_isr_and_the_leaving_do_not(shared_cluster: LocalCluster) -> None:
    stay = {
        how: figures(run(shared_cluster, "dead_follower", how=how))["left_isr_s"]
        for how in ("SIGTERM", "SIGKILL")
    }
    assert stay["SIGTERM"] < stay["SIGKILL"]


def test_a_paused_leader_costs_the_client_more_than_it_costs_the_cluster(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "failover", how="SIGSTOP")
    m = figures(result)
    assert m["longest_wait_ms"] > m["new_leader_after_ms"]
    assert m["longest_wait_ms"] >= 1000 * float(result.settings["request_timeout_s"])
    assert came_true(result) == "client"
    assert (result.report.verdict, result.report.counts.lost) == (VALID, 0)


def test_nobody_leads_for_longer_after_a_kill_than_after_a_stop(
    shared_cluster: LocalCluster,
) -> None:
    results = {how: run(shared_cluster, "failover", how=how) for how in ("SIGTERM", "SIGKILL")}
    gaps = {how: figures(result)["leaderless_ms"] for how, result in results.items()}
    assert gaps["SIGTERM"] < gaps["SIGKILL"]
    assert {result.report.verdict for result in results.values()} == {VALID}


def test_the_old_leader_follows_until_a_preferred_election(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "rejoin")
    m = figures(result)
    assert m["leader_when_back"] == "new"
    assert m["epoch_at_first"] < m["epoch_after_failover"]
    assert m["epoch_after_return"] < m["epoch_after_preferred_election"]
    assert came_true(result) == "stays"
    assert result.report.verdict == VALID


def test_the_old_leader_cuts_off_what_only_it_had(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "truncation")
    m = figures(result)
    assert m["cut_records"] > 0
    assert m["cut_at_offset"] < m["log_end_at_death"]
    assert m["copies_equal_after"] == "yes"
    assert m["epoch_before"] < m["epoch_after"]
    assert came_true(result) == "cut"
    # What is cut off had been acknowledged by the leader alone.
    assert (result.report.verdict, result.report.counts.lost > 0) == (VIOLATED, True)


def test_with_acks_all_nothing_acknowledged_is_cut_off(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "truncation", acks="all")
    assert result.measurements["copies_equal_after"] == "yes"
    assert (result.report.verdict, result.report.counts.lost) == (VALID, 0)


def test_an_unclean_election_loses_what_acks_all_acknowledged(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "unclean")
    assert (result.report.verdict, result.report.counts.lost > 0) == (VIOLATED, True)
    m = figures(result)
    assert m["records_on_dead_disk"] > m["records_on_it_after"]
    assert came_true(result) == "some_lost"


def test_whoever_waits_for_the_last_leader_loses_nothing(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "unclean", unclean=False)
    assert result.measurements["led_before_the_return"] == "no"
    assert (result.report.verdict, result.report.counts.lost) == (VALID, 0)


def test_with_two_in_sync_even_a_forced_election_loses_nothing(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "unclean", min_insync_replicas=2)
    assert result.measurements["led_before_the_return"] == "yes"
    assert (result.report.verdict, result.report.counts.lost) == (VALID, 0)
    assert result.report.counts.failed > 0, "alone, the leader refused"


@pytest.mark.parametrize(("how", "elected"), [("SIGTERM", "second"), ("SIGKILL", "last")])
def test_who_may_lead_when_all_have_gone(
    shared_cluster: LocalCluster, how: str, elected: str
) -> None:
    result = run(shared_cluster, "last_standing", how=how)
    assert (result.measurements["elected"], came_true(result)) == (elected, elected)
    assert len(str(result.measurements["elr_when_the_first_returned"]).split()) == 2
    assert (result.report.verdict, result.report.counts.lost) == (VALID, 0)


def test_records_flow_without_a_controller_and_elections_wait_for_it(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "controller")
    m = figures(result)
    assert m["acknowledged_without_controller"] > 0
    assert m["read_without_controller"] > 0
    assert m["create_topic"] != "created"
    assert m["new_leader"] != m["leader_in_metadata"], "nobody was elected meanwhile"
    assert came_true(result) == "both"
    assert result.report.verdict == VALID
