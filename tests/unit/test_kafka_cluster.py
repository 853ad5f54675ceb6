"""What is the same of every cluster of the learner's own."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labs.base.clock import now
from labs.kafka import faultlog
from labs.kafka.cluster import CONTROLLER_ID, Node, Role, State
from labs.kafka.config import SESSION_S
from labs.kafka.local import LocalCluster
from labs.observe.healing import heal
from labs.observe.snapshot import ClusterSnapshot, Partition
from labs.supervise.home import Home


class Looking:
    """A subscription that sees one thing after the other, and then the last."""

    def __init__(self, *seen: ClusterSnapshot) -> None:
        self._seen = list(seen)

    def look(self) -> ClusterSnapshot:
        return self._seen.pop(0) if len(self._seen) > 1 else self._seen[0]

    def __enter__(self) -> Looking:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Startable:
    """A cluster that counts its starts."""

    can_break = True
    starts = 0

    def start(self) -> None:
        self.starts += 1


@pytest.mark.parametrize("state", [State.KILLED, State.STOPPED, State.PAUSED, State.STOPPING])
def test_what_leaves_while_a_run_waits_for_its_cluster_is_started_again(
    monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    def nodes(state: State) -> tuple[Node, ...]:
        return (
            Node(1, Role.BROKER, state, 1, 1, ""),
            Node(2, Role.BROKER, State.RUNNING, 2, 2, ""),
        )

    behind = Partition("t", 0, 2, 0, replicas=(1, 2), isr=(2,))
    full = replace(behind, isr=(1, 2))
    whole = ClusterSnapshot(0, nodes(State.RUNNING), (full,), answered_by=2)
    monkeypatch.setattr(
        "labs.observe.healing.watch",
        lambda *_, **__: Looking(
            replace(whole, partitions=(behind,)), replace(whole, nodes=nodes(state)), whole
        ),
    )
    cluster: Any = Startable()
    heal(cluster)
    assert cluster.starts == 1


@pytest.mark.parametrize(
    ("action", "node", "ago_s", "waits"),
    [
        ("kill", 1, 0.2, True),
        ("stop", 1, 0.2, True),
        ("pause", 1, 0.2, False),  # it lives
        ("kill", 2, 0.2, False),  # another one
        ("kill", CONTROLLER_ID, 0.2, False),
        ("kill", 1, SESSION_S + 0.2, False),
        ("kill", 1, -3600.0, False),  # another boot's, and the clock was set back since
    ],
)
def test_a_broker_waits_for_the_end_of_its_old_session(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    node: int,
    ago_s: float,
    waits: bool,
) -> None:
    home = Home(tmp_path)
    home.prepare()
    faultlog.record(home.faults_file, action, node, when=now() - ago_s)
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    LocalCluster(home).outlast_session(CONTROLLER_ID if node == CONTROLLER_ID else 1)
    assert len(slept) == waits
    assert all(0 < seconds < SESSION_S for seconds in slept)


@pytest.mark.parametrize("moved", [3600, -900])
def test_a_wall_clock_that_is_set_shortens_no_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: float
) -> None:
    home = Home(tmp_path)
    home.prepare()
    slept: list[float] = []
    real = time.time
    faultlog.record(home.faults_file, "kill", 1)
    monkeypatch.setattr(time, "time", lambda: real() + moved)
    monkeypatch.setattr(time, "sleep", slept.append)
    LocalCluster(home).outlast_session(1)
    assert len(slept) == 1
