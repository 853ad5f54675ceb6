"""Chapter 7's experiments, on the live cluster: direction or invariant, never a time."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from labs.chapters.groups import EXPERIMENTS
from labs.experiment.result import Result
from labs.kafka.local import LocalCluster
from tests.outcomes import came_true, measured, run_of


def run(cluster: LocalCluster, what: str, **settings: object) -> Result:
    result = run_of("groups", cluster, what, **settings)
    assert result.report.counts.acknowledged > 0
    assert result.report.counts.lost == 0
    return result


def verdicts(result: Result) -> tuple[str, str]:
    """On the log, and on the processing."""
    assert result.processing is not None
    return result.report.verdict, result.processing.verdict


def test_none_of_them_breaks_a_broker() -> None:
    assert not any(experiment.breaks for experiment in EXPERIMENTS)


# -- rebalances ------------------------------------------------------------------------------------


def test_a_cooperative_group_takes_away_only_what_moves(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "rebalance", protocol="cooperative")
    assert 0 < measured(result, "interrupted_partitions") < 6
    assert came_true(result) == "moved"
    assert result.report.counts.lost == 0


def test_a_slow_member_holds_up_everybody_only_if_eager(shared_cluster: LocalCluster) -> None:
    eager, kip_848 = (
        run(shared_cluster, "rebalance", event="slow", protocol=protocol)
        for protocol in ("eager", "kip-848")
    )
    assert came_true(eager) == "all"
    assert came_true(kip_848) == "moved"
    # The same thing of both: the partitions that slow C neither had nor got.
    gaps = [measured(result, "longest_gap_others_ms") for result in (eager, kip_848)]
    assert gaps[1] < gaps[0] / 2
    for result in (eager, kip_848):
        m = result.measurements
        parts = [m["longest_gap_kept_ms"], m["longest_gap_moved_ms"]]
        assert m["longest_gap_others_ms"] == max(part for part in parts if part is not None)
        others = measured(result, "kept_partitions") + measured(result, "moved_partitions")
        assert 2 <= others <= 4, "C had two of six, and got up to two others"


def test_a_clean_leave_costs_less_than_a_death(shared_cluster: LocalCluster) -> None:
    leaves, dies = (run(shared_cluster, "rebalance", event=event) for event in ("leaves", "dies"))
    assert measured(leaves, "longest_gap_ms") < measured(dies, "longest_gap_ms")
    assert dies.report.counts.lost == leaves.report.counts.lost == 0


@pytest.mark.parametrize(
    ("assignor", "types", "what"),
    [
        ("range", ["classic", "consumer", "consumer"], "converts"),
        # librdkafka's members send userData with their subscription (KAFKA-18134).
        ("cooperative-sticky", ["classic", "classic", None], "refused"),
    ],
)
def test_the_first_new_member_converts_the_group_while_it_works_or_is_refused(
    shared_cluster: LocalCluster, assignor: str, types: list[str | None], what: str
) -> None:
    result = run(shared_cluster, "converting", assignor=assignor)
    m = result.measurements
    when = ("type_before", "type_with_one_new_member", "type_with_new_members_only")
    assert [m[name] for name in when] == types
    assert came_true(result) == what
    assert ("group id does not exist" in str(m["refused_because"])) == (what == "refused")
    assert m["never_processed_records"] == 0


# -- slow, or silent -------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "stays"), [("handler", True), ("frozen", False)])
def test_heartbeats_come_from_the_process_and_not_from_poll(
    shared_cluster: LocalCluster, how: str, stays: bool
) -> None:
    result = run(shared_cluster, "silent", how=how)
    assert came_true(result) == ("stays" if stays else "removed")
    assert result.processing is not None
    assert (result.processing.missed, result.processing.repeated == 0) == (0, stays)


@pytest.mark.parametrize(("busy_s", "limit_s", "stays"), [(3, 1, False), (1, 10, True)])
def test_who_does_not_poll_is_put_out(
    shared_cluster: LocalCluster, busy_s: int, limit_s: int, stays: bool
) -> None:
    result = run(shared_cluster, "max_poll", busy_s=busy_s, max_poll_interval_s=limit_s)
    assert result.measurements["commit_error"] == (None if stays else "CommitFailedError")
    assert verdicts(result) == ("valid", "valid" if stays else "violated")
    assert result.processing is not None
    assert (result.processing.missed, result.processing.repeated == 0) == (0, stays)


# -- restarts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "taken"), [({}, 0), ({"static": False}, 2)])
def test_nobody_notices_a_static_member_that_is_soon_back(
    shared_cluster: LocalCluster, settings: Mapping[str, object], taken: int
) -> None:
    result = run(shared_cluster, "static_member", **settings)
    assert result.measurements["interrupted_partitions_of_others"] == taken
    assert result.report.counts.lost == 0


@pytest.mark.parametrize(
    ("members", "taken"),
    [("eager", "all"), ("cooperative", "some"), ("static", "none"), ("kip-848", "some")],
)
def test_what_a_rolling_restart_takes_from_the_others(
    shared_cluster: LocalCluster, members: str, taken: str
) -> None:
    result = run(shared_cluster, "rolling", members=members)
    assert came_true(result) == taken
    assert measured(result, "longest_gap_ms") > 0


# -- offsets that expire ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "began", "skipped"),
    [
        ({}, "end", 20),
        ({"auto_offset_reset": "earliest"}, "beginning", 0),
    ],
)
def test_an_empty_groups_offset_expires(
    shared_cluster: LocalCluster, settings: Mapping[str, object], began: str, skipped: int
) -> None:
    result = run(shared_cluster, "expiry", **settings)
    assert result.measurements["committed_offset_when_back"] is None
    assert came_true(result) == began
    assert measured(result, "skipped_readable_records") == skipped
    assert result.processing is not None
    assert result.processing.missed == skipped


# -- share groups ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "who"), [("share", "every"), ("consumer", "as_partitions")])
def test_in_a_share_group_more_members_than_partitions_work(
    shared_cluster: LocalCluster, group: str, who: str
) -> None:
    result = run(shared_cluster, "queue", group=group, members=3)
    assert came_true(result) == who
    assert verdicts(result) == ("valid", "valid")
    assert (measured(result, "out_of_order_records") > 0) == (group == "share")


@pytest.mark.parametrize(("how", "when"), [("SIGKILL", "at_once"), ("SIGSTOP", "after_lock")])
def test_what_a_lost_member_had_taken_comes_back(
    shared_cluster: LocalCluster, how: str, when: str
) -> None:
    # A lock that ends while B still joins would prove nothing: 15 s suffice on a busy machine.
    result = run(shared_cluster, "locks", how=how, lock_s=15)
    assert came_true(result) == when
    assert result.processing is not None
    assert result.processing.missed == 0
    twice = measured(result, "processed_twice_records")
    assert twice == (measured(result, "taken_records") if how == "SIGSTOP" else 0)


@pytest.mark.parametrize(("acknowledge", "deliveries"), [("release", 3), ("reject", 1)])
def test_a_poison_record_is_given_up_and_nothing_waits_for_it(
    shared_cluster: LocalCluster, acknowledge: str, deliveries: int
) -> None:
    result = run(shared_cluster, "poison", acknowledge=acknowledge)
    assert came_true(result) == "given_up"
    assert measured(result, "deliveries") == deliveries
    assert measured(result, "highest_delivery_count") == deliveries
    assert measured(result, "other_records_processed") == 29
    assert result.processing is not None
    assert result.processing.missed == 1, "the log has it, and nobody processed it"
