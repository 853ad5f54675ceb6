"""A JVM is started and signalled; whoever is interrupted meanwhile knows what was begun."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labs.kafka import process
from labs.kafka.installation import Installation
from labs.kafka.state import ClusterState, NodeState, our_processes
from labs.supervise.home import Home
from labs.supervise.java import Java


@pytest.fixture
def sleeper(tmp_path: Path) -> Installation:
    """A installation whose Java understands every flag and sleeps."""
    java = tmp_path / "java"
    java.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(600)\n")
    java.chmod(0o755)
    (tmp_path / "checkpoint").touch()
    return Installation(Java(java, "17"), "", tmp_path / "checkpoint")


def cluster_of(node: NodeState) -> ClusterState:
    return ClusterState("id", "4.3.1", None, {n.id: n for n in (node, NodeState(100, 19090))})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_until_we_know_whom_we_started(
    tmp_path: Path, sleeper: Installation, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    node = NodeState(1, 19091)

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            signal.raise_signal(number)

    monkeypatch.setattr("labs.kafka.process.subprocess.Popen", Interrupted)
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            process.spawn(home, sleeper, cluster_of(node), node)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert node.pid is not None
    assert process.is_alive(home, node)
    assert process.send(home, node, signal.SIGKILL)  # at once, whether it is Java yet or not
    assert process.wait_gone(home, [node], 10) == []
    assert list(our_processes(home.path)) == []


def test_a_child_is_no_node_of_another_home(tmp_path: Path, sleeper: Installation) -> None:
    home, other = Home(tmp_path / "home"), Home(tmp_path / "other")
    home.prepare()
    node = NodeState(1, 19091)
    process.spawn(home, sleeper, cluster_of(node), node)
    try:
        assert not process.is_alive(other, node)
        assert not process.send(other, node, signal.SIGKILL)
        assert process.is_alive(home, node)
    finally:
        assert process.send(home, node, signal.SIGKILL)
    assert process.wait_gone(home, [node], 10) == []
