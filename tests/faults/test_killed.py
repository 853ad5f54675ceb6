"""SIGKILL to everything that can be killed. The next `labs up` makes it whole; `down` ends all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from labs.kafka.admin import asking
from labs.kafka.local import LocalCluster
from labs.kafka.readiness import PROBE_PREFIX
from labs.kafka.refusals import NotReady
from labs.supervise import leases
from tests.helpers import Labs, finish, wait_until
from tests.kernels import answer_to, begin_cell, run_cell, wait_for_output


def test_up_killed_half_way(labs: Labs) -> None:
    moments: list[Callable[[], bool]] = [
        labs.home.state_file.exists,  # the ports are chosen, a first JVM is just being born
        lambda: len(labs.jvms()) >= 2,  # in the middle of it
    ]
    for moment in moments:
        up = labs.begin("up")
        wait_until(moment, "a start that is half way")
        up.kill()
        finish(up)
        wait_until(lambda: not labs.leftovers(), "the watchdog to end a start without a starter")
    up = labs.begin("up")
    wait_until(lambda: len(labs.jvms()) == 4, "four JVMs that are not yet ready")
    up.kill()
    finish(up)
    labs.up()  # at once, faster than any watchdog


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_interrupted_half_way(labs: Labs, number: signal.Signals) -> None:
    up = labs.begin("up")
    wait_until(lambda: len(labs.jvms()) >= 3, "a start that is half way")
    up.send_signal(number)
    answer = finish(up)
    assert answer.code == 1
    assert "interrupted" in answer.sentence()
    assert labs.jvms() == []
    wait_until(lambda: not labs.watchdogs(), "the watchdog to end with the start")
    assert labs.run("status", "--json").code == 3


def mending(labs: Labs) -> tuple[subprocess.Popen[str], list[int]]:
    """A start that is half way, with one broker to mend, and the JVMs that ran before."""
    labs.up()
    assert labs.run("kill", "1").code == 0
    others = labs.jvms()
    up = labs.begin("up")
    wait_until(lambda: len(labs.jvms()) == 4, "a start that is half way")
    return up, others


def test_a_start_that_is_interrupted_harms_nobody_who_ran_before(labs: Labs) -> None:
    up, others = mending(labs)
    up.send_signal(signal.SIGINT)
    assert "interrupted" in finish(up).sentence()
    assert labs.jvms() == others
    states = {node["id"]: node["state"] for node in labs.status()["nodes"]}
    assert states == {1: "killed", 2: "running", 3: "running", 100: "running"}

    assert labs.run("kill", "100").code == 0
    answer = labs.run("start", "1")  # it would wait for the controller in vain
    assert (answer.code, "`labs start 100` comes first" in answer.sentence()) == (1, True)
    labs.up()


def test_a_start_that_is_killed_harms_nobody_who_ran_before(labs: Labs) -> None:
    up, others = mending(labs)
    up.kill()
    finish(up)
    time.sleep(5)  # the watchdog naps for 3 s, and looks every second
    assert set(others) <= set(labs.jvms())
    labs.up()


def test_the_topic_of_a_start_that_was_killed_is_deleted_by_the_next(labs: Labs) -> None:
    labs.up()
    with asking(labs.status()["bootstrap"]) as client:
        client.create_topics(
            {f"{PROBE_PREFIX}left": {"num_partitions": 1, "replication_factor": 3}}
        )
        labs.run("kill", "2")
        labs.up()
        assert not [name for name in client.list_topics() if name.startswith(PROBE_PREFIX)]


def test_a_start_that_fails_promises_nothing(labs: Labs) -> None:
    assert labs.run("up", LABS_JAVA="/nothing").code == 1
    assert leases.holders(labs.home.leases) == []


def test_a_start_in_vain_names_the_node_and_its_log(
    labs: Labs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labs.supervise.processes.ProcessRunner.ready_timeout_s", 0.0)
    with pytest.raises(NotReady, match="did not yet see all of the cluster") as told:
        LocalCluster(labs.home).start()
    assert told.value.log == labs.home.log_of("broker-1")
    assert labs.jvms() == []


def status_of(client: BlockingKernelClient, code: str) -> str:
    return str(run_cell(client, code)[0]["status"])


@pytest.mark.timeout(900)
def test_notebook_kernel_interrupted_and_killed(labs: Labs) -> None:
    environment = {**os.environ, "LABS_HOME": str(labs.home.path)}
    manager: KernelManager
    manager, client = start_new_kernel(env=environment)
    try:
        assert status_of(client, "import labs; cluster = labs.connect()") == "ok"
        pids = labs.jvms()
        assert len(pids) == 4

        told = run_cell(client, "cluster.kill(9)")[0]["traceback"]
        assert len(told) == 1  # no traceback at all, but a sentence
        assert told[0].startswith("BadInput: there is no node 9")

        sleeping = begin_cell(client, "import time; print('here'); time.sleep(600)")
        wait_for_output(client, sleeping)
        manager.interrupt_kernel()  # SIGINT to the kernel's whole process group
        assert answer_to(client, sleeping)["ename"] == "KeyboardInterrupt"
        assert status_of(client, "assert cluster.status().up") == "ok"
        assert labs.jvms() == pids

        kernel = manager.provisioner.pid  # type: ignore[union-attr]
        os.kill(kernel, signal.SIGKILL)
        wait_until(lambda: not manager.is_alive(), "the kernel's death")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert labs.jvms() == pids
    adopted = labs.up()
    assert labs.jvms() == pids  # not started anew

    os.kill(labs.watchdogs()[0], signal.SIGKILL)
    os.kill(adopted["nodes"][-1]["pid"], signal.SIGKILL)  # the controller
    assert labs.run("down").code == 0  # with nobody to help
    assert labs.leftovers() == []


def test_watchdog_brokers_and_down_killed(labs: Labs) -> None:
    first = labs.up()
    os.kill(labs.watchdogs()[0], signal.SIGKILL)
    second = labs.up()  # with a watchdog again
    assert [n["pid"] for n in second["nodes"]] == [n["pid"] for n in first["nodes"]]

    for node in second["nodes"]:
        if node["role"] == "broker":
            os.kill(node["pid"], signal.SIGKILL)
    seen = labs.run("status", "--json")
    assert seen.code == 3
    assert '"killed"' in seen.out
    third = labs.up()
    assert third["cluster_id"] == first["cluster_id"]
    assert third["bootstrap"] == first["bootstrap"]

    down = labs.begin("down")
    wait_until(lambda: len(labs.jvms()) < 4, "a stop that is half way")
    down.kill()
    finish(down)
    wait_until(lambda: not labs.leftovers(), "the watchdog to end the rest")
    assert {node["state"] for node in labs.status()["nodes"]} == {"stopped"}


def test_pytest_worker_killed_and_the_watchdog_stops_the_cluster(
    labs: Labs, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    test = tmp_path / "test_with_a_cluster.py"
    test.write_text(
        "import pathlib, time, labs\n"
        "def test_it():\n"
        "    assert labs.connect().status().up\n"
        f"    pathlib.Path({str(ready)!r}).touch()\n"
        "    time.sleep(600)\n"
    )
    boss = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-n1", "-p", "no:cacheprovider", str(test)],
        cwd=tmp_path,
        env={**os.environ, "LABS_HOME": str(labs.home.path), "LABS_GRACE_S": "1"},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: ready.exists() or boss.poll() is not None, "the worker's cluster")
        time.sleep(2.5)  # longer than the grace and a look
        assert len(labs.jvms()) == 4  # it stays while the holder of the lease lives
        (holder,) = labs.home.leases.glob("*.json")
        assert int(holder.stem) in {child.pid for child in psutil.Process(boss.pid).children()}
        os.kill(int(holder.stem), signal.SIGKILL)
        wait_until(lambda: not labs.leftovers(), "the cluster that nobody needs to stop")
    finally:
        boss.kill()
        boss.wait()
    assert {node["state"] for node in labs.status()["nodes"]} == {"stopped"}
    labs.up()
