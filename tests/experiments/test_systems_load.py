"""Kafka, RabbitMQ and Pulsar under load: what holds in every run, whoever is quicker."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from labs.chapters.systems.backlog import BEHIND, CAUGHT_UP
from labs.chapters.systems.load_clients import LINGER_MS, RABBITMQ
from labs.chapters.systems.rate import RATES
from labs.experiment.result import Result
from labs.experiment.views import Lines
from labs.kafka.local import LocalCluster
from labs.services.known import service
from labs.workload.judgements import VALID
from tests.outcomes import came_true, measured, run_of

run = partial(run_of, "systems")

#: So long 99 of 100 answers may take here, ms: nobody is to be over the first on any machine. The
#: second is as long as Kafka's and Pulsar's clients wait for a batch alone: they are over it.
GENEROUS, NONE = 2000, LINGER_MS
UP_TO = 2000


@pytest.fixture(scope="module")
def with_servers(own_cluster: LocalCluster) -> Iterator[LocalCluster]:
    """The same servers for all tests."""
    yield own_cluster
    for name in ("rabbitmq", "pulsar"):
        service(name).stop()


def _systems(result: Result, suffix: str) -> list[str]:
    found = [name.removesuffix(suffix) for name in result.measurements if name.endswith(suffix)]
    assert set(found) >= {"kafka", "pulsar"}
    return found


def _nothing_is_missing(result: Result) -> None:
    assert result.report.verdict == VALID
    assert result.report.counts.acknowledged == result.report.counts.sent
    assert measured(result, "read_messages") == result.report.counts.sent
    assert measured(result, "acknowledged_and_not_read") == 0


@pytest.mark.parametrize("copies", ["1", "3"])
def test_each_message_is_acknowledged_and_read(with_servers: LocalCluster, copies: str) -> None:
    result = run(with_servers, "latency", copies=copies, seconds=4)
    _nothing_is_missing(result)
    for id in _systems(result, "_acknowledged_p50_ms"):
        for what in ("acknowledged", "read"):
            p50, p99 = (measured(result, f"{id}_{what}_{name}_ms") for name in ("p50", "p99"))
            assert 0 < p50 <= p99
    assert came_true(result)


@pytest.mark.parametrize("bound_ms", [GENEROUS, NONE])
def test_what_is_held_was_within_the_bound_and_the_next_step_was_not(
    with_servers: LocalCluster, bound_ms: int
) -> None:
    result = run(with_servers, "rate", bound=bound_ms, up_to=UP_TO)
    _nothing_is_missing(result)
    view = result.views[0]
    assert isinstance(view, Lines)
    for id in _systems(result, "_held_rate"):
        held = measured(result, f"{id}_held_rate")
        steps = dict(view.series[id])
        assert all((p99_ms <= bound_ms) == (rate <= held) for rate, p99_ms in steps.items())
        over = [rate for rate in steps if rate > held]
        assert len(over) == (held < UP_TO), "it climbs until the first step over the bound"
        if bound_ms == GENEROUS:
            assert held >= RATES[0]
        elif id != RABBITMQ:  # it waits for no batch
            assert (held, over) == (0, [RATES[0]])
    assert came_true(result)


def test_a_backlog_is_read_whole_and_more_copies_take_more_bytes(
    with_servers: LocalCluster,
) -> None:
    grew = []
    for copies in ("1", "3"):
        result = run(with_servers, "backlog", copies=copies, rate=100, minutes=1)
        _nothing_is_missing(result)
        assert came_true(result) in (CAUGHT_UP, BEHIND), "nothing is dropped or refused"
        for id in _systems(result, "_caught_up_s"):
            assert measured(result, f"{id}_backlog_messages") == 6000, "all that is due in a minute"
            assert measured(result, f"{id}_refused") == 0
            assert measured(result, f"{id}_new_read_after_s") > 0
        # A Kafka's disk is asked for this topic alone: what others delete at leisure may be older.
        grew.append(measured(result, "kafka_disk_grew_mb"))
        assert measured(result, "kafka_disk_left_mb") >= grew[-1], "reading deletes nothing"
    one, three = grew
    assert three > 2 * one > 2 * 6000 * 1024 / 1e6
