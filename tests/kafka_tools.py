"""Kafka's own command line tools, from the very jars that the brokers run on."""

from __future__ import annotations

import re
import subprocess
from functools import cache

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from labs.kafka.admin import admin
from labs.kafka.cluster import Role
from labs.kafka.installation import ensure_installation, jvm_environment
from labs.kafka.local import LocalCluster
from labs.observe.observer import by_metadata
from labs.workload import number_of
from tests.helpers import wait_until


def kafka_tool(name: str, *arguments: str, given: str | None = None) -> str:
    """What a tool prints; `given` is typed into it."""
    done = _run(name, *arguments, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refusal(name: str, *arguments: str) -> str:
    """All that a tool says when it does not do what it is asked."""
    done = _run(name, *arguments, given="")
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


def _run(name: str, *arguments: str, given: str | None) -> subprocess.CompletedProcess[str]:
    command = ensure_installation().command_of(name, (), arguments)
    return subprocess.run(
        command,
        env=jvm_environment(),
        input=given,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


#: Classes that print their settings as a page, by whose settings they are.
_PAGES = {
    "producer": "org.apache.kafka.clients.producer.ProducerConfig",
    "consumer": "org.apache.kafka.clients.consumer.ConsumerConfig",
    "broker": "kafka.server.KafkaConfig",
    "topic": "org.apache.kafka.storage.internals.log.LogConfig",
}


@cache
def settings_page(whose: str) -> str:
    """The page of these settings, in HTML, as Kafka's own documentation generator prints it."""
    return kafka_tool(_PAGES[whose])


@cache
def java_defaults(whose: str) -> dict[str, str]:
    """Settings and defaults, as Kafka's own documentation generator prints them.

    `whose`: the Java producer's or consumer's, a broker's or a topic's.
    """
    entry = r'<h4><a id="([\w.]+)".*?<th>Default:</th><td>(.*?)</td>'
    return dict(re.findall(entry, settings_page(whose), re.DOTALL))


def value_and_default(bootstrap: list[str], name: str) -> tuple[str, str]:
    """A setting's value and Kafka's own default, by broker 1's word (KIP-226)."""
    broker = ConfigResource(ConfigResourceType.BROKER, "1")
    with admin(bootstrap) as client:
        answer = client.describe_configs([broker], config_filter="all", include_synonyms=True)
    told = answer["broker"]["1"][name]
    (default,) = (s["value"] for s in told["synonyms"] if s["source"] == "DEFAULT_CONFIG")
    return told["value"], default


def leader_of(cluster: LocalCluster, topic: str) -> int:
    """Who leads partition 0 of a new topic, as soon as every broker knows that, the leader too.

    `create_topics` has its answer from the controller: a broker that is asked straight afterwards
    may not have heard of the topic, and the one that leads it may not know that it does.
    """
    brokers = [node.id for node in cluster.status().nodes if node.role is Role.BROKER]
    wait_until(lambda: all(_led_by(cluster, b, topic) for b in brokers), f"all know {topic}")
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap)
    consumer.end_offsets([TopicPartition(topic, 0)])  # tries again until the leader itself answers
    consumer.close()
    (leader,) = _led_by(cluster, brokers[0], topic)
    return leader


def _led_by(cluster: LocalCluster, broker: int, topic: str) -> list[int]:
    """Who leads partition 0, by the word of one broker; empty if it has not heard of any."""
    with cluster.line(broker, timeout_s=20) as line:
        return [p.leader for p in by_metadata(line, [topic]) if p.index == 0 and p.leader]


def end_offsets(bootstrap: list[str], topic: str) -> dict[int, int]:
    """The readable end of each partition, by `kafka-get-offsets`."""
    said = kafka_tool(
        "org.apache.kafka.tools.GetOffsetShell",
        *("--bootstrap-server", ",".join(bootstrap), "--topic", topic),
    )
    rows = [line.split(":") for line in said.splitlines() if line.startswith(f"{topic}:")]
    return {int(partition): int(offset) for _, partition, offset in rows}


def consume(bootstrap: list[str], topic: str, promised: int) -> list[str]:
    """Every numbered value from the beginning on, by `kafka-console-consumer`.

    `promised`: so many records the offsets tell of (none of them a transaction's marker); it ends
    when it has them.
    """
    said = kafka_tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *("--bootstrap-server", ",".join(bootstrap), "--topic", topic),
        *("--from-beginning", "--timeout-ms", "30000", "--max-messages", str(promised)),
    )
    # It says on the same channel that nothing more has come in time; a record of ours has a number.
    return [line for line in said.splitlines() if number_of(line.encode()) is not None]
