"""The wall clock is set in the middle of a run: a laptop that slept, NTP, WSL 2."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labs.base import clock
from labs.experiment.faults import LAGGING
from labs.experiment.groups import SESSION_MS
from labs.kafka.installation import jvm_environment
from labs.kafka.local import LocalCluster
from labs.workload.member import Member
from tests.helpers import Labs
from tests.outcomes import measured, run_of
from tests.wall import Wall

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD is Linux's")

both_ways = pytest.mark.parametrize("jump_s", [3600, -900])

#: None of these runs takes so long, s; the smaller jump is longer.
LONG_S = 600


def run_with_a_jump(
    cluster: LocalCluster, folder: Path, name: str, when: str, jump_s: int
) -> dict[str, Any]:
    """`labs run NAME --json`; its clock, and its helpers', is set when it says `when`."""
    wall = Wall(folder)
    labs = Labs(cluster.home.path, **wall.environment)
    process = labs.begin("run", name, "--json")
    assert process.stderr is not None
    assert process.stdout is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if when in line:
            wall.set(jump_s)
    out = process.stdout.read()
    assert process.wait() == 0, told
    found: dict[str, Any] = json.loads(out)
    assert [round(jump) for jump in found["wall_clock_jumps_s"]] == [jump_s]
    return found


def plausible(found: dict[str, Any]) -> None:
    """No time of the run is longer than the run, and none is below zero."""
    assert 0 < found["duration_s"] < LONG_S
    for name, value in found["measurements"].items():
        if name.endswith("_ms") and value is not None:
            assert 0 <= value <= 1000 * found["duration_s"], name


@both_ways
def test_a_failover_takes_as_long_as_it_takes(
    shared_cluster: LocalCluster, tmp_path: Path, jump_s: int
) -> None:
    found = run_with_a_jump(
        shared_cluster, tmp_path, "replication.failover", "killing broker", jump_s
    )
    plausible(found)
    assert found["verdict"] == "valid"
    assert found["measurements"]["new_leader_after_ms"] > 0


@both_ways
def test_a_groups_processes_share_the_clock(
    shared_cluster: LocalCluster, tmp_path: Path, jump_s: int
) -> None:
    found = run_with_a_jump(shared_cluster, tmp_path, "consumers.rebalance", "D joins", jump_s)
    plausible(found)
    assert (found["verdict"], found["processing"]["verdict"]) == ("valid", "valid")
    assert found["measurements"]["longest_gap_ms"] > 0


def test_lost_records_keep_the_name_of_the_broker_that_acknowledged(
    shared_cluster: LocalCluster, tmp_path: Path
) -> None:
    found = run_with_a_jump(shared_cluster, tmp_path, "acks.leader_crash", "are paused", 3600)
    # Had the brokers' clock been set as well, the followers might have left the ISR at once.
    assert (found["verdict"], found["counts"]["lost"] > 0) == ("unknown", True)
    assert LAGGING in found["unknown_because"]["log"]
    assert all(offender["acknowledged_by"] for offender in found["offenders"])


def test_what_a_broker_decides_by_its_wall_clock_is_unknown(
    shared_cluster: LocalCluster, tmp_path: Path
) -> None:
    found = run_with_a_jump(
        shared_cluster, tmp_path, "consumers.hung_transaction", "opens a transaction", 3600
    )
    assert (found["verdict"], found["processing"]["verdict"]) == ("unknown", "unknown")
    assert "the wall clock jumped by +3,600 s" in found["unknown_because"]["log"]


# -- the brokers' own clock ------------------------------------------------------------------------


@pytest.fixture
def brokers_wall(
    shared_cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Wall]:
    """The wall clock of controller and brokers, and of this process, as on one machine."""
    wall, ahead = Wall(tmp_path), clock.wall_ahead_s
    shared_cluster.stop()
    with monkeypatch.context() as patch:
        environment = {**jvm_environment(), **wall.environment}
        patch.setattr("labs.kafka.local.jvm_environment", lambda: environment)
        patch.setattr(clock, "wall_ahead_s", lambda: ahead() + wall.ahead_s)
        shared_cluster.start()
        try:
            yield wall
        finally:
            shared_cluster.stop()
    shared_cluster.start()


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
        brokers_wall.set(jump_s)

    monkeypatch.setattr(LocalCluster, "pause", paused)
    clocks = {"session_timeout_s": session_s, "replica_lag_time_s": lag_s}
    result = run_of("acks", shared_cluster, "paused_follower", **clocks)
    assert result.measurements["removed_by"] == removed_by
    assert 1000 * session_s - 1500 < measured(result, "fenced_after_ms") < 1000 * LONG_S
    assert result.report.verdict == "unknown"
    assert LAGGING in result.report.why
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
        brokers_wall.set(jump_s)
        return at

    monkeypatch.setattr(Member, "kill", killed)
    result = run_of("consumers", shared_cluster, "rebalance", event="dies")
    # Its last heartbeat came up to a second before its death.
    assert SESSION_MS - 1500 < measured(result, "longest_gap_ms") < 1000 * LONG_S
    assert result.report.verdict == "valid"
    assert [round(jump.by_s) for jump in result.jumps] == [jump_s]
