"""What chapter 07 says of Kafka and its clients, asked of the live ones."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import confluent_kafka
import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import ConfigResource, ConfigResourceType

from labs.kafka.config import LAB_SETTINGS
from labs.kafka.features import NEW_GROUPS, SHARE_GROUPS
from labs.kafka.installation import ensure_installation, jvm_environment
from labs.kafka.local import LocalCluster
from labs.workload import set_here
from labs.workload.group import Group
from tests.kafka_tools import java_defaults, kafka_tool


def told_by_a_broker(cluster: LocalCluster) -> dict[str, str]:
    """Broker 1's settings, those that we changed as Kafka has them by default."""
    broker = ConfigResource(ConfigResourceType.BROKER, "1")
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    told = client.describe_configs([broker], config_filter="all")["broker"]["1"]
    client.close()
    ours = {setting.name: setting.default for setting in LAB_SETTINGS}
    return {name: ours.get(name, entry["value"]) for name, entry in told.items()}


def test_now_by_the_java_clients_defaults() -> None:
    told = java_defaults("consumer")
    assert told["group.protocol"] == "classic"
    assert told["session.timeout.ms"] == "45000 (45 seconds)"
    assert told["max.poll.interval.ms"] == "300000 (5 minutes)"
    assert told["max.poll.records"] == "500"
    assert told["auto.offset.reset"] == "latest"
    strategies = re.findall(r"\w+Assignor", told["partition.assignment.strategy"])
    assert strategies == ["RangeAssignor", "CooperativeStickyAssignor"]


def test_kafka_python_has_no_kip_848() -> None:
    assert "group_protocol" not in KafkaConsumer.DEFAULT_CONFIG


def test_now_by_the_brokers_defaults(shared_cluster: LocalCluster) -> None:
    told = told_by_a_broker(shared_cluster)
    assert told["group.consumer.migration.policy"].lower() == "bidirectional"
    assert told["group.consumer.heartbeat.interval.ms"] == "5000"
    assert told["offsets.retention.minutes"] == str(7 * 24 * 60)
    assert told["offsets.retention.check.interval.ms"] == str(10 * 60 * 1000)
    assert told["group.share.delivery.count.limit"] == "5"
    assert told["group.share.record.lock.duration.ms"] == "30000"


def test_the_cluster_can_do_both_new_kinds_of_groups(shared_cluster: LocalCluster) -> None:
    assert NEW_GROUPS.missing(shared_cluster) == SHARE_GROUPS.missing(shared_cluster) == ""


def test_a_groups_own_settings_and_their_defaults() -> None:
    """They are the groups', as Kafka's own documentation generator prints them."""
    page = kafka_tool("org.apache.kafka.coordinator.group.GroupConfig")
    told = dict(re.findall(r'<h4><a id="([\w.]+)".*?Default:</th><td>(.*?)[ <]', page, re.DOTALL))
    for name, default in set_here.GROUP.items():
        assert told[name] == str(default)
    assert {"consumer.session.timeout.ms", "share.delivery.count.limit"} <= told.keys()
    assert not [name for name in told if "dead" in name], "share groups have no dead-letter topic"


def test_a_kip_848_member_may_not_set_the_clocks_itself() -> None:
    clocks = {"session.timeout.ms": 6000}
    with pytest.raises(confluent_kafka.KafkaException, match=r"session\.timeout\.ms"):
        confluent_kafka.Consumer({"group.id": "g", "group.protocol": "consumer", **clocks})


def test_a_second_member_of_the_same_static_name_fences_the_first(cluster: LocalCluster) -> None:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    client.create_topics({"desks": {"num_partitions": 1, "replication_factor": 3}})
    client.close()
    group = Group(cluster.bootstrap, "desks")
    options: dict[str, Any] = {"group_instance_id": "desk", "heartbeat_interval_ms": 500}
    try:
        first, second = (group.add(name, options=options) for name in "AB")
        first.join()
        _until(lambda: first.first("assigned"))
        second.join()
        _until(lambda: first.errors)
        assert "Fenced" in first.errors[0].error
    finally:
        group.close()


def test_a_java_group_with_the_cooperative_sticky_assignor_is_converted(
    cluster: LocalCluster,
) -> None:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    client.create_topics({"desks": {"num_partitions": 2, "replication_factor": 3}})
    group = Group(cluster.bootstrap, "desks")

    def kind() -> list[tuple[str, str]]:
        listed = client.list_groups()
        found = [g for g in listed if g["group_id"] == group.name]
        return [(g["group_state"], g["group_type"]) for g in found]

    assignor = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"
    arguments = ["--topic", "desks", "--group", group.name]
    arguments += ["--command-property", f"partition.assignment.strategy={assignor}"]
    arguments += ["--bootstrap-server", ",".join(cluster.bootstrap)]
    tool = "org.apache.kafka.tools.consumer.ConsoleConsumer"
    command = ensure_installation().command_of(tool, (), arguments)
    new = group.add("new", protocol="consumer", client="confluent-kafka")
    java = subprocess.Popen(command, env=jvm_environment(), stdout=subprocess.DEVNULL)
    try:
        _until(lambda: kind() == [("Stable", "classic")])
        new.join()
        _until(lambda: any(event.partitions for event in new.events if event.kind == "assigned"))
        assert [of_type for _, of_type in kind()] == ["consumer"]
        assert not new.errors
    finally:
        group.close()
        java.kill()
        java.wait()
        client.close()


def _until(true: Any) -> None:
    import time

    deadline = time.monotonic() + 40
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "session.timeout.ms": "test_now_by_the_java_clients_defaults",
    "cooperative-sticky": "test_now_by_the_java_clients_defaults",
    "KIP-848": "test_the_cluster_can_do_both_new_kinds_of_groups",
    "KIP-932": (
        "experiments/test_groups.py::test_in_a_share_group_more_members_than_partitions_work"
    ),
}
