"""Every experiment of chapter 13 shows what the chapter says, on the live cluster."""

from __future__ import annotations

from functools import partial

import pytest

from labs.chapters.architectures import bus, fan_out
from labs.experiment.views import Lines
from labs.kafka.local import LocalCluster
from labs.workload.judgements import UNKNOWN, VALID
from tests.outcomes import came_true, measured, run_of

run = partial(run_of, "architectures")


# -- event bus -------------------------------------------------------------------------------------


def test_a_plain_handler_charges_again_what_it_had_in_hand(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "bus", kills=2)
    assert came_true(result) == "twice"
    assert measured(result, "charged_twice") == 2, "one for each kill"
    assert measured(result, "left_open") == 0, "the saga went on by itself"
    assert measured(result, "tickets") + measured(result, "refunds") >= bus.BOOKINGS
    assert result.report.counts.acknowledged == bus.BOOKINGS, "bookings went on"
    assert result.report.verdict == VALID


def test_an_idempotent_handler_charges_once(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "bus", handler="idempotent", kills=2)
    assert came_true(result) == "well"
    assert (measured(result, "charged_twice"), measured(result, "left_open")) == (0, 0)
    assert measured(result, "tickets") + measured(result, "refunds") == bus.BOOKINGS


# -- order -----------------------------------------------------------------------------------------


def test_two_topics_have_no_common_order(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "order")
    assert came_true(result) in ("some", "all")
    assert measured(result, "cancelled_before_scheduled") > 0
    assert result.report.verdict == VALID


def test_one_topic_keeps_it(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "order", topics="1")
    assert came_true(result) == "never"
    assert measured(result, "cancellations") > 100
    assert result.report.verdict == VALID


# -- fan-out ---------------------------------------------------------------------------------------


def test_one_more_reader_of_a_log_costs_nothing_on_disk(own_cluster: LocalCluster) -> None:
    few = run(own_cluster, "fan_out", readers=3, records=2000)
    more = run(own_cluster, "fan_out", readers=5, records=2000)
    assert came_true(few) == came_true(more) == "network"
    disk = [measured(result, "on_disk_a_record_bytes") for result in (few, more)]
    assert disk[1] == pytest.approx(disk[0], rel=0.05)
    for result in (few, more):
        assert measured(result, "to_a_reader_a_record_bytes") > 100
        assert measured(result, "log_a_record_bytes") == measured(result, "on_disk_a_record_bytes")


def test_a_copy_for_each_reader_is_written_once_more(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "fan_out", way=fan_out.COPIES, readers=3, records=1000)
    assert came_true(result) == "disk"
    log = measured(result, "log_a_record_bytes")
    assert measured(result, "on_disk_a_record_bytes") == pytest.approx(4 * log, rel=0.1)
    assert measured(result, "disk_for_one_more_reader_bytes") == pytest.approx(log, rel=0.1)


# -- lambda ----------------------------------------------------------------------------------------


def test_batch_and_speed_layer_together_are_the_replay(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "seam", speed_layer="same")
    assert came_true(result) == "equal"
    assert measured(result, "days_that_differ") == measured(result, "in_neither_records") == 0
    (view,) = result.views
    assert isinstance(view, Lines)
    assert view.series["batch_and_speed"] == view.series["replay"]
    assert result.report.verdict == VALID


@pytest.mark.parametrize("rule", ["early", "cancelled"])
def test_a_bug_in_one_of_the_codes_shows_from_the_seam_on(
    own_cluster: LocalCluster, rule: str
) -> None:
    result = run(own_cluster, "seam", speed_layer=rule)
    assert came_true(result) == "jump"
    (view,) = result.views
    assert isinstance(view, Lines)
    (mark,) = view.marks
    pairs = zip(view.series["batch_and_speed"], view.series["replay"], strict=True)
    differing = {one[0]: one[1] != other[1] for one, other in pairs}
    assert not any(wrong for day, wrong in differing.items() if day < mark.at - 1)
    assert all(wrong for day, wrong in differing.items() if day >= mark.at)
    minutes = measured(result, "most_wrong_minutes")
    assert minutes > 0 if rule.startswith("early") else minutes < 0


def test_a_cut_at_midnight_leaves_late_events_out(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "seam", speed_layer="same", cut_at="midnight")
    assert came_true(result) == "gap"
    assert measured(result, "in_neither_records") > 1


# -- kappa -----------------------------------------------------------------------------------------


def test_a_switch_at_once_shows_too_little_for_a_while(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "replay")
    assert came_true(result) == "a_while"
    assert measured(result, "answers_too_small") > 0
    assert measured(result, "new_counts") == measured(result, "right_count")
    assert measured(result, "late_records") > 0
    assert measured(result, "days_that_differ") == 0, "each is counted in its own day"
    assert result.report.verdict == VALID


def test_a_switch_after_the_replay_shows_nothing_wrong(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "replay", switch="caught_up")
    assert came_true(result) == "right"
    assert measured(result, "answers_too_small") == measured(result, "missing_records") == 0
    counts = measured(result, "new_counts")
    assert counts == measured(result, "right_count") < measured(result, "old_counts")
    assert measured(result, "days_that_differ") == 0


def test_what_the_log_has_lost_is_missing_for_good(own_cluster: LocalCluster) -> None:
    caught_up = {"switch": "caught_up", "kept": "two_thirds"}
    result = run(own_cluster, "replay", history=3000, **caught_up)
    assert came_true(result) == "missing"
    assert measured(result, "missing_records") == 1000
    assert measured(result, "new_counts") < measured(result, "right_count")
    assert measured(result, "days_that_differ") > 0
    assert result.report.verdict == UNKNOWN
