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
_TOPIC = re.compile(r"--topic(?:-list)? ([\w-]+)|broker-\d/(\w+)-\d+/")
#: The topic of a panel's last run: its name ends with signs that nobody knows beforehand.
_ANY = re.compile(r'--(?:topic|include) "([\w-]+)\.[.*]+([\w-]*)"')
_GROUP = re.compile(r"--group (\w+)")
#: A producer that has had transactions, and that a line asks about.
_TRANSACTIONAL = re.compile(r"describe --transactional-id (\w+)")
_READS = re.compile(r"--max-messages (\d+)")
#: In what two lines may differ that show the same.
_NAME = re.compile(r'--(?:topic|include|group) (?:"[^"]+"|[\w-]+)|(?<=--max-messages )\d+')
_WRONG = re.compile(r"Exception|ERROR|[Ee]rror:|does not exist|not a recognized")


def lines() -> list[str]:
    """The lines of all chapters that run a console tool; of those that differ in names, one."""
    blocks = [b for text in chapters() for b in _BLOCK.findall(text.path.read_text("utf-8"))]
    found = [line for block in blocks for line in block.splitlines() if "labs kafka-" in line]
    return list({_NAME.sub("", line): line for line in found}.values())


def prepare(bootstrap: list[str]) -> None:
    """Make the topics, records and groups that the lines name."""
    topics = {name for line in lines() for found in _TOPIC.findall(line) for name in found if name}
    topics |= {f"{begin}a1b2c3{end}" for line in lines() for begin, end in _ANY.findall(line)}
    read = max(int(count) for line in lines() for count in _READS.findall(line))
    with admin(bootstrap) as client:
        wanted = {"num_partitions": 3, "replication_factor": 3}
        client.create_topics(dict.fromkeys(topics, wanted), wait_for_metadata=True)
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    sent = [
        producer.send(topic, b"value", b"key", partition=partition)
        for topic in topics
        for partition in range(3)
        for _ in range(max(5, read // 3 + 1))
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
    for name in {name for line in lines() for name in _TRANSACTIONAL.findall(line)}:
        till = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=name)
        till.init_transactions()
        till.close()


@pytest.mark.timeout(1200)  # some 60 JVMs, one after the other
def test_every_line_runs_as_it_stands(cluster: LocalCluster) -> None:
    assert len(lines()) >= 15
    prepare(cluster.bootstrap)
    for line in lines():
        code, said = run(line, cluster)
        assert code == 0, f"{line}\n{said}"
        assert not _WRONG.search(said), f"{line}\n{said}"


def run(line: str, cluster: LocalCluster) -> tuple[int, str]:
    """The exit code of a line, and all that it says."""
    path = os.pathsep.join([os.environ["PATH"], str(Path(sys.executable).parent)])
    done = subprocess.run(
        line,
        shell=True,
        env={**os.environ, "PATH": path, "LABS_HOME": str(cluster.home.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
