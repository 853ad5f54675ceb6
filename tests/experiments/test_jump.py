"""The wall clock is set in the middle of a run: a laptop that slept, NTP, WSL 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labs.experiment.faults import lagging
from labs.kafka.local import LocalCluster
from tests.helpers import Labs
from tests.wall import LONG_S, Wall, both_ways, linux_only

pytestmark = linux_only


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
            wall.jump(jump_s)
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
    found = run_with_a_jump(shared_cluster, tmp_path, "groups.rebalance", "D joins", jump_s)
    plausible(found)
    assert (found["verdict"], found["processing"]["verdict"]) == ("valid", "valid")
    assert found["measurements"]["longest_gap_ms"] > 0


def test_lost_records_keep_the_name_of_the_broker_that_acknowledged(
    shared_cluster: LocalCluster, tmp_path: Path
) -> None:
    found = run_with_a_jump(shared_cluster, tmp_path, "acks.leader_crash", "are paused", 3600)
    # Had the brokers' clock been set as well, the followers might have left the ISR at once.
    assert (found["verdict"], found["counts"]["lost"] > 0) == ("unknown", True)
    assert lagging() in found["unknown_because"]["log"]
    assert all(offender["acknowledged_by"] for offender in found["offenders"])


def test_what_a_broker_decides_by_its_wall_clock_is_unknown(
    shared_cluster: LocalCluster, tmp_path: Path
) -> None:
    found = run_with_a_jump(
        shared_cluster, tmp_path, "exactly_once.hung_transaction", "opens a transaction", 3600
    )
    assert (found["verdict"], found["processing"]["verdict"]) == ("unknown", "unknown")
    assert "the wall clock jumped by +3,600 s" in found["unknown_because"]["log"]
