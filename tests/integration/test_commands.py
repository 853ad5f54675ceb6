"""The commands on the real cluster, and what Kafka itself says of it afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from labs.base.clock import now
from labs.base.errors import BadInput, LabsError
from labs.kafka.cluster import State
from labs.kafka.local import LocalCluster
from labs.kafka.wire import BrokerConnection
from labs.services.known import known
from tests.helpers import OFFLINE, Labs, wait_until

NODE_KEYS = ["id", "role", "state", "pid", "port", "log"]
KEYS = ["backend", "kafka_version", "cluster_id", "home", "bootstrap", "ready_s", "nodes"]
KEYS += ["remarks"]  # what whoever uses it should know


@pytest.fixture
def labs(cluster: LocalCluster) -> Labs:
    """The command line on the shared cluster."""
    return Labs(cluster.home.path)


@contextmanager
def admin(cluster: LocalCluster) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    yield client
    client.close()


def unfenced(cluster: LocalCluster) -> set[int]:
    """The brokers that Kafka's own metadata names, as one that is not broken tells it."""
    well = next(node for node in cluster.status().nodes if node.state is State.RUNNING)
    with BrokerConnection(well.port) as broker:
        return {seen.node_id for seen in broker.metadata([]).brokers}


def states(cluster: LocalCluster) -> dict[int, State]:
    return {node.id: node.state for node in cluster.status().nodes}


def test_json(labs: Labs) -> None:
    answer = labs.run("up", "--json")
    assert answer.code == 0
    assert answer.out.count("\n") == 1
    status: dict[str, Any] = json.loads(answer.out)
    assert list(status) == KEYS
    assert [list(node) for node in status["nodes"]] == [NODE_KEYS] * 4
    assert [n["role"] for n in status["nodes"]] == ["broker", "broker", "broker", "controller"]
    assert [n["id"] for n in status["nodes"]] == [1, 2, 3, 100]
    assert {n["state"] for n in status["nodes"]} == {"running"}
    assert status["bootstrap"] == [f"127.0.0.1:{n['port']}" for n in status["nodes"][:3]]
    assert status["home"] == str(labs.home.path)
    assert status["ready_s"] > 0
    again = labs.run("status", "--json")
    assert (again.code, json.loads(again.out)) == (0, status)
    assert again.err == ""


def test_loopback_only(cluster: LocalCluster) -> None:
    nodes = cluster.status().nodes
    for node in nodes:
        assert node.pid is not None
        listening = [
            connection.laddr
            for connection in psutil.Process(node.pid).net_connections()
            if connection.status == psutil.CONN_LISTEN
        ]
        # A JVM that can speak IPv6 writes an IPv4 address in IPv6's way.
        hosts = {address.ip.removeprefix("::ffff:") for address in listening}
        assert (hosts, {address.port for address in listening}) == ({"127.0.0.1"}, {node.port})


def test_breaking_and_mending(cluster: LocalCluster, labs: Labs) -> None:
    began = now()
    known = len(cluster.faults())

    assert labs.run("kill", "1").code == 0
    assert states(cluster)[1] is State.KILLED
    wait_until(lambda: unfenced(cluster) == {2, 3}, "Kafka to notice the killed broker")
    again = labs.run("kill", "1")
    assert again.code == 1
    assert again.sentence() == "labs: broker 1 is killed; `labs start 1` starts it."
    assert labs.run("start", "1").code == 0
    assert (states(cluster)[1], unfenced(cluster)) == (State.RUNNING, {1, 2, 3})

    pid = cluster.status().nodes[1].pid
    cluster.pause(2)
    assert states(cluster)[2] is State.PAUSED
    wait_until(lambda: unfenced(cluster) == {1, 3}, "Kafka to notice the paused broker")
    with pytest.raises(LabsError, match="broker 2 is paused"):
        cluster.stop_broker(2)
    cluster.resume(2)
    wait_until(lambda: unfenced(cluster) == {1, 2, 3}, "Kafka to notice the resumed broker")
    assert cluster.status().nodes[1].pid == pid

    cluster.stop_broker(3)
    assert states(cluster)[3] is State.STOPPED
    assert unfenced(cluster) == {1, 2}  # it said goodbye: no waiting
    cluster.start_broker(3)
    assert unfenced(cluster) == {1, 2, 3}

    cluster.kill(100)
    assert states(cluster)[100] is State.KILLED
    cluster.start_broker(100)
    with admin(cluster) as client:  # a controller is needed for this
        client.create_topics([NewTopic("after", num_partitions=1, replication_factor=3)])

    answer = labs.run("kill", "9")
    assert (answer.code, "there is no node 9" in answer.sentence()) == (2, True)
    for do in (cluster.pause, cluster.resume, cluster.stop_broker, cluster.start_broker):
        with pytest.raises(BadInput, match="there is no node 9"):
            do(9)

    log = cluster.faults()[known:]
    assert [(fault.action, fault.node) for fault in log] == [
        ("kill", 1),
        ("start", 1),
        ("pause", 2),
        ("resume", 2),
        ("stop", 3),
        ("start", 3),
        ("kill", 100),
        ("start", 100),
    ]
    times = [began, *(fault.time for fault in log), now()]
    assert times == sorted(times)


def test_a_stop_that_takes_too_long_is_written_down(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = len(cluster.faults())
    monkeypatch.setattr("labs.supervise.processes.ProcessRunner.stop_timeout_s", 0.0)
    with pytest.raises(LabsError, match="did not finish its controlled shutdown"):
        cluster.stop_broker(3)
    assert [(fault.action, fault.node) for fault in cluster.faults()[known:]] == [("stop", 3)]
    wait_until(lambda: states(cluster)[3] is State.STOPPED, "the end of what had begun")
    cluster.start_broker(3)


def test_a_broker_that_does_not_come_up_is_not_added(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_arguments: object) -> None:
        raise LabsError("it does not register")

    known = len(cluster.faults())
    monkeypatch.setattr("labs.kafka.readiness.wait_registered", never)
    with pytest.raises(LabsError, match="it does not register"):
        cluster.add_broker()
    assert set(states(cluster)) == {1, 2, 3, 100}
    assert len(Labs(cluster.home.path).jvms()) == 4
    assert not (cluster.home.data / "broker-4").exists()
    assert len(cluster.faults()) == known


def test_records_outlive_the_cluster(cluster: LocalCluster, labs: Labs) -> None:
    with admin(cluster) as client:
        client.create_topics([NewTopic("kept", num_partitions=1, replication_factor=3)])
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all")
    for number in range(50):
        producer.send("kept", b"%d" % number)
    producer.close()
    before = cluster.status()

    assert labs.run("down").code == 0
    assert labs.leftovers() == []
    assert labs.run("status", "--json").code == 3
    assert labs.run("down").code == 0  # once more does no harm

    after = labs.up(**OFFLINE)  # a second start downloads nothing
    assert after["cluster_id"] == before.cluster_id
    assert after["bootstrap"] == before.bootstrap
    assert {n["pid"] for n in after["nodes"]}.isdisjoint(n.pid for n in before.nodes)
    consumer = KafkaConsumer(
        "kept",
        bootstrap_servers=after["bootstrap"],
        auto_offset_reset="earliest",
        consumer_timeout_ms=5000,
    )
    read = [next(consumer).value for _ in range(50)]
    consumer.close()
    assert read == [b"%d" % number for number in range(50)]

    assert labs.up() == after  # a second `up` starts nothing


def test_logs(cluster: LocalCluster, labs: Labs) -> None:
    log = Path(cluster.status().nodes[0].log)
    some = labs.run("logs", "1", "-n", "5")
    assert some.code == 0
    lines = some.out.splitlines()
    assert len(lines) == 5
    assert set(lines) <= set(log.read_text("utf-8").splitlines())
    everywhere = labs.run("logs", "-n", "1").out.splitlines()
    assert [line.split(" | ")[0] for line in everywhere] == [
        "broker 1",
        "broker 2",
        "broker 3",
        "controller 100",
    ]
    assert labs.run("logs", "9").code == 2

    follower = labs.begin("logs", "2", "-f", "-n", "1")
    assert follower.stdout is not None
    follower.stdout.readline()  # it is looking now
    with admin(cluster) as client:
        client.create_topics([NewTopic("followed", num_partitions=1, replication_factor=3)])
    while "followed-0" not in follower.stdout.readline():  # or the test's time runs out
        pass
    follower.terminate()
    assert follower.wait() == 0


def test_doctor(labs: Labs) -> None:
    answer = labs.run("doctor")
    assert answer.code == 0, answer.out
    names = [line.split()[1].rstrip(":") for line in answer.out.splitlines()]
    assert names[:4] == ["Python", "memory", "home", "disk"]
    assert set(names[4:-6]) == set(known())
    assert names[-6:] == ["Java", "jars", "cache", "libraries", "ports", "processes"]
    told = json.loads(labs.run("doctor", "--json").out)
    assert [one["name"] for one in told] == names
    assert all(one["good"] and one["found"] and not one["mend"] for one in told)


def value_of(cluster: LocalCluster, broker: int, name: str) -> str:
    with admin(cluster) as client:
        asked = ConfigResource(ConfigResourceType.BROKER, str(broker))
        told = client.describe_configs([asked], config_filter="all")["broker"][str(broker)]
        return str(told[name]["value"])


def test_settings_of_a_running_cluster(cluster: LocalCluster) -> None:
    cluster.set_broker_config({"log.retention.ms": "60000"})
    cluster.set_broker_config({"log.retention.ms": "70000"}, 2)
    for broker, value in ((1, "60000"), (2, "70000"), (3, "60000")):
        wait_until(
            lambda b=broker, v=value: value_of(cluster, b, "log.retention.ms") == v,  # type: ignore[misc]
            f"broker {broker} to take its setting",
        )
    for settings, node in (
        ({"log.retentoin.ms": "1"}, None),  # misspelt
        ({"node.id": "1"}, 1),  # not to be changed while it runs
        ({"log.retention.ms": "soon"}, 1),  # no number
        ({"log.retention.ms": "1"}, 9),  # no such broker
    ):
        with pytest.raises(BadInput):
            cluster.set_broker_config(settings, node)
    with pytest.raises(BadInput):
        cluster.set_topic_config("no-such-topic", {"retention.ms": "1"})

    cluster.kill(1)  # at once: Kafka still names it to its clients
    cluster.set_broker_config({"log.retention.ms": "80000"})
    wait_until(lambda: value_of(cluster, 3, "log.retention.ms") == "80000", "the new default")
    with pytest.raises(LabsError, match="broker 1 is killed"):
        cluster.set_broker_config({"log.retention.ms": "1"}, 1)
    assert [fault.action for fault in cluster.faults()][-4:] == [
        "configure",
        "configure",
        "kill",
        "configure",
    ]
