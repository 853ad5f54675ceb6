"""The wall clock of the brokers themselves is set in the middle of a run, as on one machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labs.base import clock
from labs.experiment.faults import lagging
from labs.experiment.groups import SESSION_MS
from labs.kafka.installation import jvm_environment
from labs.kafka.local import LocalCluster
from labs.workload.member import Member
from tests.outcomes import measured, run_now
from tests.wall import LONG_S, Wall, both_ways, linux_only

pytestmark = linux_only


@pytest.fixture(scope="module")
def brokers_wall(
    own_cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Wall]:
    """The wall clock of controller and brokers, and of this process, as on one machine."""
    wall, ahead = Wall(tmp_path_factory.mktemp("wall")), clock.wall_ahead_s
    own_cluster.stop()
    with pytest.MonkeyPatch.context() as patch:
        environment = {**jvm_environment(), **wall.environment}
        patch.setattr("labs.kafka.local.jvm_environment", lambda: environment)
        patch.setattr(clock, "wall_ahead_s", lambda: ahead() + wall.ahead_s)
        own_cluster.start()
        yield wall
        own_cluster.stop()


@pytest.mark.parametrize(
    ("jump_s", "session_s", "lag_s", "removed_by"),
    [
        # The session alone would have ended first: of 10 s of lag there were only 9.
        (3600, 9, 10, "replica.lag.time.max.ms"),
        # The lag alone would have: a quarter of an hour is to pass again first.
        (-900, 6, 2, "broker.session.timeout.ms"),
    ],
)
def test_a_leader_measures_lag_by_its_wall_clock_and_a_controller_no_session(
    shared_cluster: LocalCluster,
    brokers_wall: Wall,
    monkeypatch: pytest.MonkeyPatch,
    jump_s: int,
    session_s: int,
    lag_s: int,
    removed_by: str,
) -> None:
    pause = LocalCluster.pause

    def paused(self: LocalCluster, node: int) -> None:
        pause(self, node)
        brokers_wall.jump(jump_s)

    monkeypatch.setattr(LocalCluster, "pause", paused)
    clocks = {"session_timeout_s": session_s, "replica_lag_time_s": lag_s}
    result = run_now("acks", shared_cluster, "paused_follower", **clocks)
    assert result.measurements["removed_by"] == removed_by
    assert 1000 * session_s - 1500 < measured(result, "fenced_after_ms") < 1000 * LONG_S
    assert result.report.verdict == "unknown"
    assert lagging() in result.report.why
    assert [round(jump.by_s) for jump in result.jumps] == [jump_s]


@both_ways
def test_a_coordinator_measures_no_members_session_by_it(
    shared_cluster: LocalCluster,
    brokers_wall: Wall,
    monkeypatch: pytest.MonkeyPatch,
    jump_s: int,
) -> None:
    kill = Member.kill

    def killed(self: Member) -> float:
        at = kill(self)
        brokers_wall.jump(jump_s)
        return at

    monkeypatch.setattr(Member, "kill", killed)
    result = run_now("groups", shared_cluster, "rebalance", event="dies")
    # Its last heartbeat came up to a second before its death.
    assert SESSION_MS - 1500 < measured(result, "longest_gap_ms") < 1000 * LONG_S
    assert result.report.verdict == "valid"
    assert [round(jump.by_s) for jump in result.jumps] == [jump_s]
