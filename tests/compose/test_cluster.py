"""The cluster in containers does what the local one does, through the same commands."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from labs.base.errors import BadInput, LabsError
from labs.chapters import find, find_exercise
from labs.exercise.judge import judge
from labs.exercise.verdict import NOT_YET, PASS
from labs.kafka.cluster import BROKER_IDS, CONTROLLER_ID, Cluster, State
from labs.kafka.compose import ComposeCluster
from labs.kafka.refusals import Unfinished
from labs.notebook.cockpit import Cockpit
from labs.observe.healing import heal
from labs.observe.segments import read_copy
from labs.supervise.home import PROJECT
from tests.compose.conftest import PORTS, PROJECT_NAME, containers, did, docker, labs, states
from tests.helpers import wait_until
from tests.run import NBVAL

WHOLE = {node: "running" for node in (*BROKER_IDS, CONTROLLER_ID)}


def written(cluster: ComposeCluster, count: int = 3) -> None:
    """A topic `kept` with some records on all brokers."""
    with KafkaAdminClient(bootstrap_servers=cluster.bootstrap) as admin:
        admin.create_topics({"kept": {"num_partitions": 1, "replication_factor": 3}})
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all")
    for number in range(count):
        producer.send("kept", b"%d" % number).get(timeout=30)
    producer.close()


def topics(cluster: ComposeCluster) -> list[str]:
    with KafkaAdminClient(bootstrap_servers=cluster.bootstrap) as admin:
        return [name for name in admin.list_topics() if not name.startswith("__")]


def setting(cluster: ComposeCluster, broker: int, name: str) -> str:
    asked = ConfigResource(ConfigResourceType.BROKER, str(broker))
    with KafkaAdminClient(bootstrap_servers=cluster.bootstrap) as admin:
        told = admin.describe_configs([asked], config_filter="all")["broker"][str(broker)]
    return str(told[name]["value"])


def test_up_is_ready_and_says_so(shared: ComposeCluster) -> None:
    assert isinstance(shared, Cluster)
    status = json.loads(did("up", "--json"))
    assert status["backend"] == "compose"
    assert {node["id"]: node["state"] for node in status["nodes"]} == WHOLE
    assert status["bootstrap"] == [f"127.0.0.1:{PORTS}{broker}" for broker in BROKER_IDS]
    written(shared, count=1)
    assert did("down") == "The cluster is down.\n"
    assert states() == {node: "stopped" for node in WHOLE}
    assert labs("status").code == 3
    did("up")
    assert topics(shared) == ["kept"], "records stay in the volumes"


def test_nothing_listens_outside_this_machine_and_all_has_a_limit(shared: ComposeCluster) -> None:
    found = containers()
    assert len(found) == 4
    for container in found:
        bound = container["NetworkSettings"]["Ports"].values()
        addresses = [place["HostIp"] for places in bound if places for place in places]
        assert addresses == ["127.0.0.1"], container["Name"]
        assert 0 < container["HostConfig"]["Memory"] <= 2**30
        assert not container["HostConfig"]["Privileged"]
        assert [mount["Type"] for mount in container["Mounts"]] == ["volume"]


def test_healthy_is_who_answers(shared: ComposeCluster, image: str) -> None:
    def health() -> set[str]:
        return {container["State"]["Health"]["Status"] for container in containers()}

    wait_until(lambda: health() == {"healthy"}, "every container to be healthy")
    for container in containers():
        check = container["Config"]["Healthcheck"]["Test"][1:]
        alone = docker("run", "--rm", "--entrypoint", check[0], image, *check[1:])
        assert alone.returncode == 1, "the same check, where no Kafka is"


@pytest.mark.parametrize("node", [2, CONTROLLER_ID])
def test_kill_pause_resume_stop_and_start(cluster: ComposeCluster, node: int) -> None:
    did("kill", str(node))
    assert states() == {**WHOLE, node: "killed"}
    assert f"is killed; `labs start {node}`" in labs("kill", str(node)).sentence()
    did("start", str(node))
    did("pause", str(node))
    assert states() == {**WHOLE, node: "paused"}
    did("resume", str(node))
    did("stop", str(node))
    assert states() == {**WHOLE, node: "stopped"}
    did("start", str(node))
    assert states() == WHOLE
    assert [f.action for f in cluster.faults()][-6:] == [
        *("kill", "start", "pause", "resume", "stop", "start")
    ]
    heal(cluster)


@pytest.mark.parametrize("mend", [("up",), ("reset",), ("run", "acks.latency", "--json")])
def test_a_broker_whose_stop_is_pending_is_started_again(
    cluster: ComposeCluster, mend: tuple[str, ...]
) -> None:
    did("pause", str(CONTROLLER_ID))
    before = {box["Name"]: box["State"]["StartedAt"] for box in containers()}
    assert "did not finish its controlled shutdown" in labs("stop", "3").sentence()
    assert states() == {**WHOLE, CONTROLLER_ID: "paused", 3: "stopping"}
    did(*mend)
    assert states() == WHOLE
    after = {box["Name"]: box["State"]["StartedAt"] for box in containers()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {f"/{PROJECT_NAME}-broker-3-1"}


def test_a_broker_that_is_stopping_is_started_by_mend_all(cluster: ComposeCluster) -> None:
    did("kill", str(CONTROLLER_ID))
    with pytest.raises(Unfinished):
        cluster.stop_broker(2)
    cockpit = Cockpit(cluster)
    try:
        cockpit.mend()
    finally:
        cockpit.close()
    assert states() == WHOLE


def test_a_broker_that_is_killed_while_a_start_waits_is_started_again(
    cluster: ComposeCluster,
) -> None:
    cluster.kill(1)
    with ThreadPoolExecutor() as pool:
        up = pool.submit(labs, "up")
        wait_until(lambda: states()[1] == "running", "a start that is half way")
        docker("kill", f"{PROJECT_NAME}-broker-1-1", f"{PROJECT_NAME}-broker-2-1")
        assert up.result().code == 0, up.result().err
    did("up")
    assert states() == WHOLE


def test_a_paused_broker_can_be_killed_and_says_no_more(cluster: ComposeCluster) -> None:
    cluster.pause(3)
    with pytest.raises(OSError), cluster.line(3) as broker:
        broker.metadata([])
    cluster.kill(3)
    assert states() == {**WHOLE, 3: "killed"}
    with pytest.raises(OSError):
        cluster.line(3)
    cluster.start_broker(3)
    heal(cluster)


def test_the_copies_on_disk_whatever_their_broker_does(cluster: ComposeCluster) -> None:
    written(cluster)
    cluster.pause(2)
    cluster.kill(3)
    for broker in BROKER_IDS:
        assert [r.value for r in read_copy(cluster, broker, "kept").records] == [b"0", b"1", b"2"]
    assert cluster.files(3, "kept-0/*.nothing") == {} == cluster.files(1, "none-0/*.log")
    assert "recovery-point-offset-checkpoint" in cluster.files(1, "*checkpoint")
    cluster.resume(2)
    cluster.start_broker(3)
    heal(cluster)


def test_settings_for_one_start(cluster: ComposeCluster) -> None:
    written(cluster)
    own = setting(cluster, 1, "num.io.threads")
    cluster.stop_broker(1)
    # The first is the lab's own, the second none of it.
    cluster.start_broker(1, {"num.io.threads": "4", "replica.lag.time.max.ms": "4000"})
    heal(cluster)
    assert setting(cluster, 1, "num.io.threads") == "4"
    assert setting(cluster, 1, "replica.lag.time.max.ms") == "4000"
    assert len(read_copy(cluster, 1, "kept").records) == 3, "the same volume"
    cluster.kill(1)
    cluster.start_broker(1)
    heal(cluster)
    assert setting(cluster, 1, "num.io.threads") == own
    assert setting(cluster, 1, "replica.lag.time.max.ms") == "30000"
    names = [container["Name"] for container in containers()]
    assert f"/{PROJECT_NAME}-broker-1-1" in names and len(names) == 4


def test_a_broker_that_dies_at_its_start_says_why(cluster: ComposeCluster) -> None:
    cluster.kill(2)
    with pytest.raises(LabsError, match=r"broker 2 died .*num\.io\.threads") as error:
        cluster.start_broker(2, {"num.io.threads": "soon"})
    assert "labs logs 2" in str(error.value)
    assert "num.io.threads" in did("logs", "2", "-n", "50")
    cluster.start_broker(2)
    heal(cluster)


def test_logs_are_followed(cluster: ComposeCluster) -> None:
    command = [sys.executable, "-m", "labs", "logs", "-f", "-n", "1"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        follower.stdout.readline()  # it is looking now
        written(cluster)
        named = {f"broker {broker} | " for broker in BROKER_IDS}
        while named:  # or the test's time runs out
            line = follower.stdout.readline()
            named = {name for name in named if not (line.startswith(name) and "kept-0" in line)}
        follower.terminate()
        assert follower.wait() == 0


def test_a_fourth_broker_comes_and_goes(cluster: ComposeCluster) -> None:
    assert cluster.add_broker() == 4
    assert states() == {**WHOLE, 4: "running"}
    assert len(cluster.bootstrap) == 4
    cluster.kill(4)
    cluster.start_broker(4)
    cluster.reset()
    assert states() == WHOLE
    assert len(containers()) == 4
    assert f"{PROJECT_NAME}_broker-4" not in docker("volume", "ls", "--quiet").stdout
    heal(cluster)  # nobody waits for it


def test_reset_cleans_and_mends(cluster: ComposeCluster) -> None:
    written(cluster)
    before = setting(cluster, 3, "log.retention.ms")
    cluster.set_broker_config({"log.retention.ms": "60000"})
    wait_until(lambda: setting(cluster, 3, "log.retention.ms") == "60000", "the new setting")
    cluster.pause(1)
    cluster.kill(2)
    did("reset")
    assert states() == WHOLE
    assert topics(cluster) == []
    wait_until(lambda: setting(cluster, 3, "log.retention.ms") == before, "the old setting")


def test_hard_reset_wipes_the_disks(cluster: ComposeCluster) -> None:
    written(cluster)
    cluster.add_broker()
    did("reset", "--hard")
    assert states() == WHOLE
    assert cluster.files(1, "kept-0/*.log") == {}
    assert [fault.action for fault in cluster.faults()] == ["reset"]


def test_no_such_node(cluster: ComposeCluster) -> None:
    answer = labs("kill", "9")
    assert answer.code == 2
    assert "there is no node 9" in answer.sentence()
    with pytest.raises(BadInput):
        cluster.files(9, "*")
    with pytest.raises(BadInput):
        cluster.set_broker_config({"log.retention.ms": "1"}, 9)


def test_it_touches_no_other_container(cluster: ComposeCluster, image: str) -> None:
    name = f"{PROJECT_NAME}-neighbour"
    run = ("run", "--detach", "--rm", "--name", name, "--entrypoint", "sleep", image, "300")
    assert docker(*run).returncode == 0
    try:
        assert states() == WHOLE
        cluster.reset(hard=True)
        found = docker("inspect", "--format", "{{.State.Status}}", name)
        assert found.stdout.strip() == "running"
    finally:
        docker("rm", "--force", name)


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("acks.leader_crash", {"acks": "all"}),
        # It starts the controller, and the leader, with settings that can't be changed later.
        ("acks.paused_follower", {"session_timeout_s": "9", "replica_lag_time_s": "6"}),
        ("acks.java_error", {}),
        ("replication.truncation", {}),
        # Controller and leader die, and the controller may get the dead leader's address.
        ("replication.controller", {}),
    ],
)
def test_experiments(cluster: ComposeCluster, name: str, chosen: dict[str, str]) -> None:
    result = find(name).run(cluster, chosen)
    assert result.report.counts.acknowledged > 0
    assert result.conclusion
    assert {node.state for node in cluster.status().nodes} == {State.RUNNING}


@pytest.mark.parametrize("id", ["02.1", "05.3"])  # the first one breaks brokers
def test_exercises(
    cluster: ComposeCluster, id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABS_WORK", str(tmp_path))
    exercise = find_exercise(id)
    for file, verdict in (
        (exercise.file("solution", "python"), PASS),
        (exercise.starter("python"), NOT_YET),
    ):
        found = judge(exercise, cluster, command=[str(file)], seed=17, budget_s=120)
        assert found.verdict == verdict, found
    assert {node.state for node in cluster.status().nodes} == {State.RUNNING}


@pytest.mark.parametrize("book", ["00_start_here", "04_replication"])
def test_notebooks(cluster: ComposeCluster, book: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", *NBVAL, f"notebooks/{book}.ipynb"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout[-3000:]
