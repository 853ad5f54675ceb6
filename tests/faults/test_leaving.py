"""A node that was told to stop will not come back: a start notices, and starts it again.

A broker asks its controller before it ends. Where that is dead or paused it serves on, and leaves
as soon as the controller is back: in the middle of the start that has brought it back.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from labs.base.errors import LabsError
from labs.kafka.cluster import State
from labs.kafka.local import LocalCluster, runner_of
from labs.notebook.cockpit import Cockpit
from labs.observe.healing import heal
from tests.helpers import Labs, finish, wait_until


def states(labs: Labs) -> dict[int, str]:
    return {node["id"]: node["state"] for node in labs.status()["nodes"]}


def told_to_stop(labs: Labs, node: int) -> None:
    """`labs stop`, ended half way: the signal is out, and nobody waits for its effect."""
    stop = labs.begin("stop", str(node))
    wait_until(lambda: labs.state().servers[node].wanted is State.STOPPED, "the signal")
    stop.kill()
    finish(stop)


def by_up(labs: Labs) -> None:
    labs.up()


def by_reset(labs: Labs) -> None:
    answer = labs.run("reset")
    assert answer.code == 0, answer.err


def by_mend_all(labs: Labs) -> None:
    cockpit = Cockpit(LocalCluster(labs.home))
    try:
        cockpit.mend()
    finally:
        cockpit.close()


def by_heal(labs: Labs) -> None:
    """As each experiment begins and ends."""
    heal(LocalCluster(labs.home))


@pytest.mark.parametrize("mend", [by_up, by_reset, by_mend_all, by_heal])
@pytest.mark.parametrize("fault", ["pause", "kill"])
def test_a_broker_whose_stop_is_pending_is_started_again(
    labs: Labs, fault: str, mend: Callable[[Labs], None]
) -> None:
    before = labs.up()["nodes"]
    assert labs.run(fault, "100").code == 0
    told_to_stop(labs, 3)
    assert states(labs)[3] == "stopping"
    mend(labs)
    after = labs.status()["nodes"]
    assert {node["state"] for node in after} == {"running"}
    pids = [{node["id"]: node["pid"] for node in nodes} for nodes in (before, after)]
    assert [i for i in (1, 2, 3) if pids[0][i] != pids[1][i]] == [3]


def test_the_whole_story_in_the_words_of_a_learner(labs: Labs) -> None:
    labs.up()
    assert labs.run("pause", "100").code == 0
    answer = labs.run("stop", "3")
    assert answer.code == 1
    assert "broker 3 did not finish its controlled shutdown" in answer.sentence()
    assert "… waiting until broker 3 has shut down" in answer.err
    assert "waiting for the end of broker 3" in labs.run("up").err
    assert set(states(labs).values()) == {"running"}


def test_a_stop_that_is_pending_outlives_a_start_that_is_killed(labs: Labs) -> None:
    labs.up()
    assert labs.run("kill", "100").code == 0
    told_to_stop(labs, 2)
    up = labs.begin("up")
    wait_until(lambda: len(labs.jvms()) == 4, "a controller that is just being started")
    up.kill()
    finish(up)
    labs.up()
    answer = labs.run("run", "acks.latency", "--json")
    assert answer.code == 0, answer.err


def test_what_can_be_done_to_a_node_that_is_stopping(labs: Labs) -> None:
    labs.up()
    assert labs.run("pause", "100").code == 0
    told_to_stop(labs, 2)
    told_to_stop(labs, 3)
    hint = "wait for its end, or end it with `labs kill 3`"
    for command in ("pause", "resume"):
        answer = labs.run(command, "3")
        assert (answer.code, hint in answer.sentence()) == (1, True), command
    assert "`labs resume 100` comes first" in labs.run("start", "3").sentence()
    assert labs.run("kill", "3").code == 0
    assert states(labs)[3] == "killed"
    assert labs.run("resume", "100").code == 0
    for node in ("2", "3"):
        answer = labs.run("start", node)  # the one has ended by now, or is just about to
        assert answer.code == 0, answer.err
    labs.up()


def test_a_stop_of_all_that_was_cut_short(labs: Labs) -> None:
    pids = labs.up()["nodes"]
    assert labs.run("kill", "100").code == 0
    down = labs.begin("down")
    wait_until(lambda: labs.state().servers[1].wanted is State.STOPPED, "the signals")
    down.kill()
    finish(down)
    labs.up()  # at once: each JVM that lives is about to leave
    assert {node["pid"] for node in pids}.isdisjoint(labs.jvms())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
@pytest.mark.parametrize("node", [1, 2])
def test_whatever_is_done_to_a_node_while_a_start_waits(
    labs: Labs, number: signal.Signals, node: int
) -> None:
    """Broker 1 is being started; broker 2 has run before."""
    old = {n["id"]: n["pid"] for n in labs.up()["nodes"]}
    assert labs.run("kill", "1").code == 0
    up = labs.begin("up")
    wait_until(lambda: labs.state().servers[1].pid != old[1], "broker 1's start")
    wait_until(
        lambda: runner_of(labs.home).servers.first(labs.state().servers[node]), "its process"
    )
    pid = labs.state().servers[node].pid
    assert pid is not None
    os.kill(pid, number)
    answer = finish(up)
    assert answer.code == 0, answer.err
    if number is not signal.SIGTERM:  # which lets a node run on for a while, perhaps for long
        assert set(states(labs).values()) == {"running"}


def test_a_start_alone_does_not_wait_for_a_controller_that_died(labs: Labs) -> None:
    controller = labs.up()["nodes"][-1]["pid"]
    assert labs.run("kill", "1").code == 0
    start = labs.begin("start", "1")
    wait_until(lambda: len(labs.jvms()) == 4, "a broker that is just being started")
    os.kill(controller, signal.SIGKILL)
    answer = finish(start)
    if answer.code:  # else it was let in just before
        assert "the controller was killed during the start" in answer.sentence()
    labs.up()


def test_a_node_that_is_killed_time_and_again_is_told(
    labs: Labs, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = LocalCluster(labs.home)
    spawn = cluster.starting.start_dead

    def spawned_in_vain() -> None:
        spawn()
        node = labs.state().servers[1]
        assert node.pid is not None
        os.kill(node.pid, signal.SIGKILL)

    monkeypatch.setattr(cluster.starting, "start_dead", spawned_in_vain)
    with pytest.raises(LabsError, match=r"broker 1 was killed during the start \(.*SIGKILL"):
        cluster.start()
    assert labs.jvms() == []
