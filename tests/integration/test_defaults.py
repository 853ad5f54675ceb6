"""The defaults that a run's settings are compared with are those of the clients that we run."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from labs.base.words import Words
from labs.chapters.acks import java
from labs.experiment.experiment import Experiment
from labs.experiment.run import Run
from labs.kafka import installation
from labs.kafka.admin import admin, alter_default
from labs.kafka.local import LocalCluster
from labs.supervise.home import PROJECT
from labs.workload import set_here
from tests import librdkafka, settings_sheet
from tests.kafka_tools import java_defaults, kafka_tool, leader_of

#: librdkafka's name for it in its own list, where ours is an alias or has a word for a number.
ALIASES = {
    "acks": ("request.required.acks", "-1"),
    "auto.offset.reset": ("auto.offset.reset", "largest"),
    "compression.type": ("compression.codec", "none"),
    "delivery.timeout.ms": ("message.timeout.ms", "300000"),
    "linger.ms": ("queue.buffering.max.ms", "5"),
    "retries": ("message.send.max.retries", "2147483647"),
    "group.instance.id": ("group.instance.id", ""),
    "max.in.flight.requests.per.connection": ("max.in.flight.requests.per.connection", "1000000"),
}


def test_librdkafkas_defaults() -> None:
    told = librdkafka.defaults()
    if not told:
        pytest.skip("this wheel of confluent-kafka brings librdkafka in another way")
    for name, default in set_here.LIBRDKAFKA.items():
        alias, value = ALIASES.get(name, (name, str(default)))
        assert told.get(alias, "").lower() == value.lower(), name


def java_producers_defaults() -> dict[str, str]:
    """As Kafka's own documentation generator prints them, without the unit in words."""
    page = kafka_tool("org.apache.kafka.clients.producer.ProducerConfig")
    entries = re.findall(
        r'<h4><a id="([\w.]+)".*?Default:</th><td>(.*?)</td>', page, flags=re.DOTALL
    )
    return {name: value.partition(" (")[0] for name, value in entries}


def test_the_java_producers_defaults() -> None:
    told = java_producers_defaults()
    for name, default in set_here.JAVA_PRODUCER.items():
        assert told[name] == str(default).lower(), name


def test_what_the_console_producer_sets_of_its_own(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has values of its own; the client in it logs what it really goes by."""
    loud = "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=info"
    monkeypatch.setattr(installation, "JVM_FLAGS", (*installation.JVM_FLAGS, loud))
    heard: list[str] = []
    understood = java.printed

    def listen(text: str) -> java.Printed:
        heard.append(text)
        return understood(text)

    monkeypatch.setattr(java, "printed", listen)
    with admin(cluster.bootstrap) as client:
        client.create_topics({"console": {"num_partitions": 1, "replication_factor": 3}})
    given = {"delivery.timeout.ms": 9000, "request.timeout.ms": 8000, "linger.ms": 0, "retries": 9}
    java.console_producer(cluster.bootstrap, "console", [b"1|x"], given)
    told = dict(re.findall(r"^\t([\w.]+) = (.*)$", heard[0], flags=re.MULTILINE))
    assert told["delivery.timeout.ms"] == "9000"
    defaults = {n: d for n, d in java_producers_defaults().items() if d.isdigit() or d == "all"}
    real = {
        name: "all" if (name, told[name]) == ("acks", "-1") else told[name] for name in defaults
    }
    changed = {name for name, default in defaults.items() if real[name] != default}
    ours = set_here.java_producer("console", {**java.ITS_OWN, **given})
    assert {d.name for d in ours} == changed


def test_the_brokers_defaults(shared_cluster: LocalCluster) -> None:
    broker = ConfigResource(ConfigResourceType.BROKER, "1")
    with admin(shared_cluster.bootstrap) as client:
        told = client.describe_configs([broker], config_filter="all", include_synonyms=True)
    known: Mapping[str, dict[str, list[dict[str, str]]]] = told["broker"]["1"]
    for name, default in set_here.BROKER.items():
        assert known[name]["synonyms"][-1] == {
            "name": name, "value": str(default), "source": "DEFAULT_CONFIG"
        }  # fmt: skip


@pytest.mark.parametrize(
    ("broker_has", "topic_has", "default"),
    [("log.retention.ms", "retention.ms", 7 * 24), ("log.roll.ms", "segment.ms", 7 * 24)],
)
def test_a_topics_default_where_a_learner_has_set_the_brokers(
    cluster: LocalCluster, broker_has: str, topic_has: str, default: int
) -> None:
    """Then the broker names its own default as well, and that counts hours."""
    alter_default(cluster.bootstrap, {broker_has: "1000000"})
    resource = ConfigResource(ConfigResourceType.TOPIC, "kept")
    with admin(cluster.bootstrap) as client:
        settings = {"num_partitions": 1, "replication_factor": 3, "configs": {topic_has: "77"}}
        client.create_topics({"kept": settings})
        leader_of(cluster, "kept")
        told = client.describe_configs([resource], include_synonyms=True)["topic"]["kept"]
    ours = {d.name: d.default for d in set_here.topic(told)}
    assert ours[topic_has] == default * 3_600_000


def test_a_run_tells_what_it_sets_and_nothing_else(shared_cluster: LocalCluster) -> None:
    def body(run: Run) -> None:
        run.make_topic(config={"min.insync.replicas": "2", "segment.bytes": "1073741824"})
        run.load(run.producer(retries=0, enable_idempotence=False), 0, 10).wait()

    result = Experiment("trial.of_settings", Words(__file__), (), body, breaks=False).run(
        shared_cluster
    )
    told = {(d.where, d.name): (d.value, d.default) for d in result.set_here}
    producer = "producer (kafka-python)"
    assert told[producer, "metadata.max.age.ms"] == (5000, 300_000)
    assert told[producer, "retries"] == (0, "no limit")
    assert told["topic", "min.insync.replicas"] == (2, 1)
    assert told["topic", "retention.ms"] == (-1, 604_800_000)
    assert ("topic", "segment.bytes") not in told  # set, but to what it is anyway
    assert result.as_dict()["set_here"][0] == result.set_here[0].as_dict()


def test_the_sheet_of_settings_is_what_the_clients_say() -> None:
    """Its rows are made of the installed clients and of the jars (`tests/settings_sheet.py`)."""
    saved = (PROJECT / settings_sheet.FILE).read_text("utf-8")
    assert settings_sheet.page() == saved, "`python -m tests.settings_sheet` makes it anew"


def test_every_setting_of_the_sheet_is_one_of_kafkas() -> None:
    for whose in settings_sheet.WHOSE:
        assert set(settings_sheet.rows(whose)) <= set(java_defaults(whose))


def test_the_sheet_tells_the_clients_apart() -> None:
    assert settings_sheet.defaults("producer", "linger.ms") == ["0", "5", "5"]
    assert settings_sheet.defaults("producer", "acks") == ["all", "all", "all"]
    assert settings_sheet.defaults("producer", "enable.idempotence") == ["true", "false", "true"]
