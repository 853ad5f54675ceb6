"""What a chapter has a learner copy into a terminal runs as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer

from labs.kafka.admin import admin
from labs.kafka.local import LocalCluster
from tests.course import chapters

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TOPIC = re.compile(r"--topic(?:-list)? (\w+)|broker-\d/(\w+)-\d+/")
_GROUP = re.compile(r"--group (\w+)")
_WRONG = re.compile(r"Exception|ERROR|[Ee]rror:|does not exist|not a recognized")


def lines() -> list[str]:
    """Every line of every chapter that runs a console tool, once."""
    blocks = [b for text in chapters() for b in _BLOCK.findall(text.path.read_text("utf-8"))]
    found = [line for block in blocks for line in block.splitlines() if "labs kafka-" in line]
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def prepared(shared_cluster: LocalCluster) -> LocalCluster:
    """The cluster with the topics, records and groups that the lines name."""
    shared_cluster.reset()
    bootstrap = shared_cluster.bootstrap
    topics = {name for line in lines() for found in _TOPIC.findall(line) for name in found if name}
    with admin(bootstrap) as client:
        wanted = {"num_partitions": 3, "replication_factor": 3}
        client.create_topics(dict.fromkeys(topics, wanted), wait_for_metadata=True)
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    sent = [
        producer.send(topic, b"value", b"key", partition=partition)
        for topic in topics
        for partition in range(3)
        for _ in range(5)
    ]
    for future in sent:
        future.get(timeout=60)
    producer.close()
    for group in {name for line in lines() for name in _GROUP.findall(line)}:
        reader = KafkaConsumer(
            *topics, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest"
        )
        while not reader.poll(timeout_ms=1000):
            pass
        reader.close()  # commits
    return shared_cluster


def test_there_are_lines() -> None:
    assert len(lines()) >= 15


@pytest.mark.parametrize("line", lines())
def test_a_line_runs_as_it_stands(prepared: LocalCluster, line: str) -> None:
    path = os.pathsep.join([os.environ["PATH"], str(Path(sys.executable).parent)])
    done = subprocess.run(
        line,
        shell=True,
        env={**os.environ, "PATH": path, "LABS_HOME": str(prepared.home.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not _WRONG.search(done.stdout + done.stderr)
