"""What chapter 10's experiments show, on live Kafka, RabbitMQ and Pulsar."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest

from labs.base.errors import LabsError
from labs.chapters.systems.beside import rabbitmq
from labs.experiment.result import Result
from labs.kafka.local import LocalCluster
from labs.services.known import service
from labs.services.service import Service
from labs.services.status import ServiceStatus
from labs.workload.judgements import VALID, VIOLATED
from tests.outcomes import came_true, measured, run_of

run = partial(run_of, "systems")
WAYS = ("kafka_group", "share_group", "rabbitmq_queue", "pulsar_shared")


@pytest.fixture(scope="module", autouse=True)
def servers(own_cluster: LocalCluster) -> object:
    """Started once for all tests; what can't be had here is left out by the experiments."""
    own_cluster.start()
    yield
    for name in ("rabbitmq", "pulsar"):
        service(name).stop()


def asked(result: Result, suffix: str) -> dict[str, float]:
    """What was measured of each system that could be had; RabbitMQ is one if it can."""
    told = {n: v for n, v in result.measurements.items() if n.endswith(suffix)}
    assert any(name.startswith("rabbitmq") for name in told) == (rabbitmq() is not None)
    return {name: measured(result, name) for name in told}


# -- a node is killed ------------------------------------------------------------------------------


@pytest.mark.parametrize("copies", ["1", "3"])
def test_what_was_acknowledged_is_there_when_the_node_comes_back(
    own_cluster: LocalCluster, copies: str
) -> None:
    result = run(own_cluster, "kill", copies=copies)
    assert came_true(result) == "none"
    assert result.report.verdict == VALID
    assert set(asked(result, "_lost_records").values()) == {0}
    assert min(asked(result, "_acknowledged_records").values()) > 10
    assert asked(result, "_silent_s")["pulsar_silent_s"] > 5, "its one process was away"


def test_three_copies_outlive_the_node(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "kill", node="away")
    assert came_true(result) == "none"
    assert result.report.verdict == VALID
    assert set(asked(result, "_lost_records").values()) == {0}


def test_one_copy_is_gone_with_its_node_and_the_lost_are_named(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "kill", copies="1", node="away")
    assert result.report.verdict == VIOLATED
    lost, acknowledged = (asked(result, f"_{what}_records") for what in ("lost", "acknowledged"))
    for name, count in lost.items():
        assert count > 10
        assert count == acknowledged[name.replace("_lost_", "_acknowledged_")]
    assert str(result.measurements["lost_names"]).startswith("UA1545")


# -- who waits behind a slow task ------------------------------------------------------------------


def test_only_behind_a_partition_do_tasks_wait_if_workers_get_one_at_a_time(
    own_cluster: LocalCluster,
) -> None:
    result = run(own_cluster, "shares", slow_s=6)
    assert came_true(result) == "group"
    waited = asked(result, "_waited_tasks")
    assert waited["kafka_group_waited_tasks"] == 7, "all behind it in its partition"


def test_tasks_wait_everywhere_if_workers_get_many_ahead(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "shares", ahead="many")
    assert came_true(result) == "all"


# -- once more -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("retention", "option"), [("default", "logs"), ("hour", "and_pulsar")])
def test_who_gives_acknowledged_records_once_more(
    own_cluster: LocalCluster, retention: str, option: str
) -> None:
    result = run(own_cluster, "replay", pulsar_retention=retention, records=20)
    assert came_true(result) == option
    again = asked(result, "_again_records")
    assert again["kafka_topic_again_records"] == 20
    assert again["pulsar_topic_again_records"] == (20 if option == "and_pulsar" else 0)
    if rabbitmq():
        assert again["rabbitmq_quorum_again_records"] == 0
        assert again["rabbitmq_stream_again_records"] == 20


def test_a_rabbitmq_that_does_not_start_is_left_out_and_the_result_says_why(
    own_cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not rabbitmq():
        pytest.skip("RabbitMQ can't be had here")
    start = Service.start

    def refused(self: Service, settings: Mapping[str, str] | None = None) -> ServiceStatus:
        if self.server.id == "rabbitmq":
            raise LabsError("its third node died")
        return start(self, settings)

    monkeypatch.setattr(Service, "start", refused)
    result = run(own_cluster, "replay", records=20)
    assert came_true(result) == "logs"
    assert "its third node died" in result.conclusion
    assert not any(name.startswith("rabbitmq") for name in result.measurements)


# -- who gets which, in which order ----------------------------------------------------------------


def test_both_readers_work_in_order_where_a_key_has_one_reader(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "subscriptions")
    assert result.report.verdict == VALID
    assert came_true(result) == "by_key"
    told = {name: measured(result, name) for name in result.about}
    assert told["pulsar_exclusive_readers"] == told["pulsar_failover_readers"] == 1
    assert told["pulsar_key_shared_readers"] == told["kafka_group_readers"] == 2
    assert min(told["pulsar_shared_overtaken_events"], told["share_group_overtaken_events"]) > 0


# -- tenants ---------------------------------------------------------------------------------------


def test_a_limit_holds_one_tenant_and_not_the_other(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "tenants", limit=20)
    assert result.report.verdict == VALID
    assert came_true(result) == "one"
    rates = {name: measured(result, name) for name in result.about}
    assert rates["airline_after_rate"] < rates["airline_before_rate"]
    assert rates["airline_after_rate"] < rates["airport_after_rate"]


def test_without_a_limit_both_write_alike(own_cluster: LocalCluster) -> None:
    result = run(own_cluster, "tenants", limited="nobody", limit=20, seconds=2)
    assert came_true(result) == "none"
