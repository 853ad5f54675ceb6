"""Every experiment of chapter 11 shows what the chapter says, on the live cluster."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import requests
from kafka import KafkaConsumer, TopicPartition

from labs.experiment.result import Result
from labs.kafka.local import LocalCluster
from labs.services.known import service
from labs.workload import number_of
from labs.workload.judgements import VALID, VIOLATED
from tests.outcomes import came_true, measured, run_now, run_of

run = partial(run_of, "connect")

DEBEZIUM = "io.debezium.connector.postgresql.PostgresConnector"
#: Up to so many times, where a run may miss what it is to show.
TRIALS = 3


@pytest.fixture
def shared_cluster(beside_servers: LocalCluster) -> LocalCluster:
    """Servers are started by the first experiment that needs them, and serve all."""
    return beside_servers


# -- the dual write ----------------------------------------------------------------------------


@pytest.mark.parametrize("trial", range(5))
def test_a_kill_between_the_two_writes_leaves_rows_that_kafka_never_gets(
    shared_cluster: LocalCluster, trial: int
) -> None:
    result = run(shared_cluster, "dual_write", kills=1 + trial % 3)
    assert measured(result, "rows_without_a_record") == result.settings["kills"]
    assert result.report.counts.lost == result.settings["kills"]
    assert {offender.kind for offender in result.report.offenders} == {"lost"}
    assert len(str(result.measurements["missing"]).split(", ")) == result.settings["kills"]
    assert came_true(result) == "no_record"


@pytest.mark.parametrize("trial", range(5))
def test_the_outbox_loses_none_and_repeats_what_its_relay_had_not_noted(
    shared_cluster: LocalCluster, trial: int
) -> None:
    result = run(shared_cluster, "dual_write", way="outbox", kills=1 + trial % 3)
    assert measured(result, "rows_without_a_record") == result.report.counts.lost == 0
    assert measured(result, "records_without_a_row") == 0, "neither is there, or both"
    assert measured(result, "records_twice") == result.settings["kills"]
    assert result.report.counts.reordered == 0
    assert came_true(result) == "twice"


def test_kafka_first_tells_of_rows_that_do_not_exist(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "dual_write", way="kafka_first")
    assert measured(result, "records_without_a_row") == result.report.others.written == 2
    assert result.report.verdict == VALID, "nobody was promised these"
    assert came_true(result) == "no_row"


@pytest.mark.parametrize("kills", [3, 2])
def test_debezium_as_the_relay_loses_none_at_five_kills(
    shared_cluster: LocalCluster, kills: int
) -> None:
    """Of the program and of the worker; without an outbox each kill loses a row."""
    how = {"way": "debezium", "kills": kills}
    result = run_now("connect", shared_cluster, "dual_write", **how)  # its topic is read here
    assert measured(result, "rows_without_a_record") == result.report.counts.lost == 0
    assert measured(result, "records_without_a_row") == 0, "neither is there, or both"
    assert measured(result, "rows") == result.report.counts.readable >= 100
    assert {offender.kind for offender in result.report.offenders} <= {"duplicated"}
    assert came_true(result) in ("same", "twice")
    record = _first_record(result)
    assert number_of(record.value) == 0, "the payload is the record's value, as it is"
    assert dict(record.headers)["id"], "by which a reader knows an event again"


def _first_record(result: Result) -> Any:
    place = TopicPartition(result.topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=result.bootstrap, consumer_timeout_ms=60_000)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    record = next(consumer)
    consumer.close()
    return record


@pytest.mark.parametrize("way", ["database_first", "kafka_first", "outbox"])
def test_without_a_kill_all_is_well(shared_cluster: LocalCluster, way: str) -> None:
    result = run(shared_cluster, "dual_write", way=way, kills=0)
    assert result.report.verdict == VALID
    assert measured(result, "rows") == result.report.counts.readable == 120
    assert came_true(result) == "same"


# -- change data capture -----------------------------------------------------------------------


@pytest.mark.parametrize("killed", ["nothing", "connect", "postgres"])
def test_every_change_comes_in_order_whatever_is_killed(
    shared_cluster: LocalCluster, killed: str
) -> None:
    result = run(shared_cluster, "changes", killed=killed)
    counts = result.report.counts
    assert counts.acknowledged == counts.readable == 240
    assert (counts.lost, counts.reordered) == (0, 0)
    assert measured(result, "snapshot_records") == 20
    assert measured(result, "delete_records") == measured(result, "tombstone_records") >= 60
    if killed == "nothing":
        assert came_true(result) == "once"
        assert measured(result, "insert_records") == 60
        assert measured(result, "update_records") == 120


def test_what_connect_had_not_noted_comes_again(shared_cluster: LocalCluster) -> None:
    for _ in range(TRIALS):
        result = run(shared_cluster, "changes", killed="connect", changes=120)
        if came_true(result) == "twice":
            assert {offender.kind for offender in result.report.offenders} == {"duplicated"}
            return
    pytest.fail("nothing came again")


def test_with_exactly_once_nothing_comes_again_to_who_reads_committed(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "changes", delivery="exactly_once", changes=120)
    counts = result.report.counts
    assert counts.acknowledged == counts.readable == 120
    assert (counts.lost, counts.duplicated, counts.reordered) == (0, 0, 0)
    assert result.report.verdict == VALID
    assert came_true(result) == "once"
    assert _refused_exactly_once(), "the worker is as it always is"


def _refused_exactly_once() -> bool:
    """Whether the worker refuses a connector that demands exactly once of it."""
    wanted = {"name": "any", "connector.class": DEBEZIUM, "exactly.once.support": "required"}
    path = "connector-plugins/PostgresConnector/config/validate"
    told = requests.put(f"{service('connect').handle()}/{path}", json=wanted, timeout=30).json()
    found = (each["value"] for each in told["configs"])
    return any(one["name"] == "exactly.once.support" and one["errors"] for one in found)


# -- the slot ----------------------------------------------------------------------------------


@pytest.mark.parametrize("connector", ["stopped", "running"])
def test_the_log_is_kept_for_the_slot_until_its_reader_goes_on(
    shared_cluster: LocalCluster, connector: str
) -> None:
    """Running, too, where the table that is captured does not change."""
    result = run(shared_cluster, "slot", connector=connector)
    assert measured(result, "kept_at_most_mb") >= 80
    assert measured(result, "kept_at_the_end_mb") < measured(result, "kept_at_most_mb") / 2
    assert measured(result, "changes_until_freed") > 0
    assert result.report.verdict == VALID
    assert came_true(result) == "kept"


def test_with_a_heartbeat_the_log_is_freed_though_the_table_is_quiet(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "slot", connector="heartbeat")
    assert measured(result, "kept_at_the_end_mb") < measured(result, "kept_at_most_mb") / 2
    assert measured(result, "changes_until_freed") == 0
    assert result.report.verdict == VALID
    assert came_true(result) == "removed"


def test_with_a_limit_the_slot_is_given_up_and_connect_still_says_running(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "slot", max_slot_wal_keep_size="32MB")
    assert result.measurements["slot_status"] == "lost"
    assert measured(result, "changes_missing") == result.report.counts.lost == 40
    assert result.measurements["connector_state"] == "RUNNING"
    assert came_true(result) == "given_up"


# -- sinks -------------------------------------------------------------------------------------


def test_an_upsert_by_key_makes_the_second_time_harmless(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "sink", insert_mode="upsert")
    assert measured(result, "rows") == 400
    assert _processing(result) == (VALID, 0, 0)
    assert came_true(result) == "each_once"


def test_an_insert_makes_further_rows(shared_cluster: LocalCluster) -> None:
    for _ in range(TRIALS):
        result = run(shared_cluster, "sink", insert_mode="insert")
        assert measured(result, "records_missing") == 0
        if came_true(result) == "some_twice":
            verdict, missed, repeated = _processing(result)
            assert (verdict, missed, repeated) == (VIOLATED, 0, measured(result, "rows_twice"))
            return
    pytest.fail("no row came again")


def test_a_file_has_further_lines_and_knows_no_upsert(shared_cluster: LocalCluster) -> None:
    for _ in range(TRIALS):
        result = run(shared_cluster, "sink", into="file", insert_mode="upsert")
        assert measured(result, "records_missing") == 0
        if came_true(result) == "some_twice":
            verdict, missed, repeated = _processing(result)
            assert (verdict, missed, repeated) == (VIOLATED, 0, measured(result, "rows_twice"))
            return
    pytest.fail("no line came again")


def test_a_record_that_is_no_json_stops_the_task_and_not_the_connector(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "poison")
    assert (result.measurements["connector_state"], result.measurements["task_state"]) == (
        "RUNNING",
        "FAILED",
    )
    assert measured(result, "rows") == 20, "those before it"
    assert _processing(result)[1] == 40
    assert came_true(result) == "stops"


def test_with_a_dead_letter_queue_all_others_are_written(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "poison", errors_tolerance="all")
    assert result.measurements["task_state"] == "RUNNING"
    assert measured(result, "rows") == 59
    assert measured(result, "dead_letter_records") == _processing(result)[1] == 1
    assert came_true(result) == "skips"


def _processing(result: Result) -> tuple[str, int | None, int]:
    assert result.processing is not None
    return result.processing.verdict, result.processing.missed, result.processing.repeated


# -- a CRUD service, and the log ---------------------------------------------------------------


def test_who_asks_a_service_misses_changes_and_gets_rows_for_nothing(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "crud")
    assert measured(result, "quick_missed_changes") > 0
    assert measured(result, "quick_idle_requests") > 0
    seen = measured(result, "changes") - measured(result, "quick_missed_changes")
    assert measured(result, "quick_old_rows") > seen
    timetable = int(result.settings["flights"]) - measured(result, "changes")
    assert measured(result, "bulk_old_rows") >= measured(result, "bulk_requests") * timetable > 0
    assert came_true(result) == "some"


def test_from_the_log_both_get_each_change_and_nothing_else(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "crud", way="log")
    assert measured(result, "quick_missed_changes") == 0
    assert measured(result, "quick_old_rows") == measured(result, "bulk_old_rows") == 0
    assert result.report.verdict == VALID
    assert result.report.counts.readable == measured(result, "changes") == 60
    assert measured(result, "bulk_requests") < measured(result, "quick_requests")
    assert came_true(result) == "each"
