"""Every experiment of chapter 2 shows what the chapter says, on the live cluster."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest

from labs.base.figures import DOUBT
from labs.chapters import find
from labs.experiment.prediction import Estimate
from labs.kafka.local import LocalCluster
from labs.workload.judgements import VALID, VIOLATED
from tests.outcomes import came_true, measured, run_of

Settings = Mapping[str, object]


run = partial(run_of, "producers")


# -- pace --------------------------------------------------------------------------------------


def test_waiting_for_each_answer_is_slower(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "sending", records=300)
    assert result.report.verdict == VALID
    assert measured(result, "synchronous_ms") > measured(result, "asynchronous_ms")
    assert measured(result, "synchronous_ms") > measured(result, "callback_ms")
    assert came_true(result) is not None


def test_lingering_makes_one_at_a_time_slower_still(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "sending", records=300, linger_ms=20)
    assert measured(result, "synchronous_ms") >= 300 * 20


def test_batches_carry_more_records_in_fewer_bytes(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "batching", rate=0, seconds=1)
    assert result.report.verdict == VALID
    m = result.measurements
    assert measured(result, "batched_records_per_s") > measured(result, "at_once_records_per_s")
    assert measured(result, "records_per_batch") > 1
    assert measured(result, "batched_bytes_per_record") < float(m["at_once_bytes_per_record"] or 0)


def test_at_a_rate_that_single_requests_cannot_keep_up_with_waiting_is_sooner(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "batching", rate=5000, seconds=1)
    assert measured(result, "at_once_p99_ms") > measured(result, "batched_p99_ms") > 0
    assert measured(result, "at_once_due_not_sent_records") > 0, "they count, too"
    assert came_true(result) == "sooner"


@pytest.mark.parametrize("compression", ["gzip", "lz4", "zstd"])
def test_compression_halves_what_is_sent_at_least(
    shared_cluster: LocalCluster, compression: str
) -> None:
    result = run(shared_cluster, "batching", rate=0, seconds=1, compression=compression)
    assert result.report.verdict == VALID
    alone = measured(result, "at_once_bytes_per_record")
    assert measured(result, "batched_bytes_per_record") < alone / 2


def test_the_same_brokers_take_more_from_a_native_client(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "clients", records=5000)
    assert result.report.verdict == VALID
    assert result.report.counts.acknowledged == result.report.counts.sent > 5000
    times = measured(result, "times_as_fast")
    assert times > 1.5
    assert came_true(result) == ("client" if times > 1.5 * (1 + DOUBT) else None)


# -- keys --------------------------------------------------------------------------------------


def test_real_airlines_fill_partitions_unevenly(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "keys", records=2000)
    assert result.report.verdict == VALID
    fair = measured(result, "fair_share_percent")
    assert measured(result, "fullest_partition_percent") > 1.5 * fair
    assert isinstance(find("producers.keys").ask, Estimate)


def test_without_a_key_they_are_even(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "keys", records=2000, key="none")
    assert measured(result, "empty_partitions") == 0
    assert measured(result, "fullest_partition_percent") < 25


def test_order_holds_in_a_partition_and_not_in_a_topic(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "order", records=2000)
    assert result.report.verdict == VALID
    assert measured(result, "out_of_order_in_the_topic_records") > 0
    assert measured(result, "out_of_order_in_a_partition_records") == 0
    assert result.key_order is not None
    assert result.key_order.verdict == VALID, "a key has one partition"


def test_one_partition_has_one_order(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "order", records=1000, partitions=1)
    assert measured(result, "out_of_order_in_the_topic_records") == 0
    assert came_true(result) == "as_sent"


@pytest.mark.parametrize(("added", "least", "most"), [(1, 65, 85), (3, 40, 60)])
def test_adding_partitions_moves_keys(
    shared_cluster: LocalCluster, added: int, least: float, most: float
) -> None:
    result = run(shared_cluster, "growing", added=added)
    assert result.report.verdict == VALID
    assert least < measured(result, "moved_keys_percent") < most
    assert measured(result, "keys_read_out_of_order") > 0
    assert result.key_order is not None
    assert (result.key_order.verdict, result.key_order.out_of_order > 0) == (VIOLATED, True)


def test_librdkafka_hashes_otherwise_unless_told_not_to(shared_cluster: LocalCluster) -> None:
    default = run(shared_cluster, "partitioners")
    assert measured(default, "same_partition_percent") < 35
    alike = run(shared_cluster, "partitioners", partitioner="murmur2_random")
    assert measured(alike, "same_partition_percent") == 100
    assert default.report.verdict == alike.report.verdict == VALID


# -- pressure ----------------------------------------------------------------------------------


def test_kafka_python_queues_without_a_bound(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "full_buffer")
    assert result.report.verdict == VALID
    assert measured(result, "rejected_records") == 0
    assert measured(result, "most_waiting_records") > 300
    assert came_true(result) == "goes_on"


def test_a_bounded_queue_holds_the_program_up(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "full_buffer", client="confluent-kafka")
    assert result.report.verdict == VALID
    assert measured(result, "longest_call_ms") > 500
    assert measured(result, "most_waiting_records") <= 210
    assert came_true(result) == "blocks"


def test_or_refuses_what_has_no_room(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "full_buffer", client="confluent-kafka", when_full="give_up")
    assert measured(result, "rejected_records") == result.report.counts.failed > 0
    assert result.report.counts.lost == 0
    assert came_true(result) == "raises"
