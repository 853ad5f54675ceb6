"""Kafka's own tools by `labs`, each on the live cluster; and what they are told of it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from labs.app.tools import TOOLS
from labs.kafka.local import LocalCluster
from tests.helpers import Labs

TOPIC, GROUP = "orders", "readers"
SEGMENT = "orders-0/00000000000000000000"


@pytest.fixture
def labs(cluster: LocalCluster) -> Labs:
    """The command line on the shared cluster."""
    return Labs(cluster.home.path)


def make_two_records(labs: Labs) -> None:
    """A topic, two records in it and a group that has read them, all by the tools."""
    made = said(labs, "kafka-topics --create --topic orders --partitions 1 --replication-factor 3")
    assert "Created topic orders." in made
    subprocess.run(
        [*labs.command, "kafka-console-producer", "--topic", TOPIC],
        env={**os.environ, "LABS_HOME": str(labs.home.path)},
        input=b"one\ntwo\n",
        check=True,
    )
    wanted = f"--topic {TOPIC} --group {GROUP} --from-beginning --max-messages 2"
    assert said(labs, f"kafka-console-consumer {wanted}").splitlines() == ["one", "two"]


def said(labs: Labs, line: str, **environment: str) -> str:
    answer = labs.run(*line.split(), **environment)
    assert answer.code == 0, answer.out + answer.err
    return answer.out


#: A line of each tool that made no record, and what it must say.
LINES = {
    "kafka-broker-api-versions": "Fetch(1): ",
    "kafka-configs --describe --topic orders": "Dynamic configs for topic orders",
    "kafka-consumer-groups --describe --group readers": "readers orders 0 2 2 0",
    "kafka-consumer-perf-test --topic orders --num-records 2": ", 2, ",
    "kafka-dump-log --print-data-log --files broker-1/orders-0/*.log": "payload: two",
    f"kafka-dump-log --files broker-3/{SEGMENT}.index": f"Dumping broker-3/{SEGMENT}.index",
    "kafka-features describe": "Feature: metadata.version",
    "kafka-get-offsets --topic orders": "orders:0:2",
    "kafka-groups --list": "readers Classic consumer",
    "kafka-leader-election --election-type preferred --topic orders --partition 0": "orders-0",
    "kafka-log-dirs --describe --topic-list orders": '"partition":"orders-0"',
    "kafka-metadata-quorum describe --status": "LeaderId: 100",
    "kafka-reassign-partitions --list": "No partition reassignments found.",
    "kafka-share-groups --list": "",
    "kafka-topics.sh --describe --topic orders": "ReplicationFactor: 3",
    "kafka-transactions list": "TransactionalId Coordinator",
}


def test_every_tool_is_run_here() -> None:
    run = {line.split()[0].removesuffix(".sh") for line in LINES}
    elsewhere = {"kafka-console-producer", "kafka-console-consumer", "kafka-delete-records"}
    assert run | elsewhere | {"kafka-producer-perf-test"} == set(TOOLS)


@pytest.mark.timeout(1200)  # some 20 JVMs, one after the other
def test_each_tool_asks_the_live_cluster_and_leaves_no_file(labs: Labs, tmp_path: Path) -> None:
    make_two_records(labs)
    for line, wanted in LINES.items():
        assert wanted in " ".join(said(labs, line, TMPDIR=str(tmp_path)).split()), line
    assert list(tmp_path.iterdir()) == []


def test_two_tools_that_change_something(labs: Labs, tmp_path: Path) -> None:
    said(labs, "kafka-topics --create --topic scratch --partitions 1 --replication-factor 3")
    send = "kafka-producer-perf-test --topic scratch --num-records 5 --record-size 9"
    assert "5 records sent" in said(labs, f"{send} --throughput -1")
    wanted = [{"topic": "scratch", "partition": 0, "offset": 3}]
    file = tmp_path / "offsets.json"
    file.write_text(json.dumps({"partitions": wanted, "version": 1}))
    assert "low_watermark: 3" in said(labs, f"kafka-delete-records --offset-json-file {file}")


def test_what_the_learner_says_goes_before_what_is_filled_in(labs: Labs) -> None:
    nobody = labs.run("kafka-get-offsets", "--bootstrap-server", "127.0.0.1:1", "--topic", "orders",
                      "--command-config", "/nowhere")  # fmt: skip
    assert nobody.code != 0
    assert "/nowhere" in nobody.out + nobody.err


def test_a_file_that_no_broker_has(labs: Labs) -> None:
    answer = labs.run("kafka-dump-log", "--files", "broker-2/nothing-0/0.log")
    assert answer.code == 2
    assert "broker-2 has no file nothing-0/0.log" in answer.sentence()
