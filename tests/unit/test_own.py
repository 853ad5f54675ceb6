"""What is the same of every cluster of the learner's own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from labs.clock import now
from labs.cluster import faultlog
from labs.cluster.config import SESSION_S
from labs.cluster.home import Home
from labs.cluster.local import LocalCluster
from labs.cluster.protocol import CONTROLLER_ID


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
    LocalCluster(home)._outlast_session(CONTROLLER_ID if node == CONTROLLER_ID else 1)
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
    LocalCluster(home)._outlast_session(1)
    assert len(slept) == 1
