"""A learner's folder from before is taken over as it is: running, left behind, or stopped.

It is a real one, made by the code of that time on today's packages.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer

from labs.kafka.admin import asking
from labs.supervise.home import PROJECT
from tests.helpers import FIRST_COMMIT, Labs, wait_until

HOLD = "import labs, time; labs.connect(); print('up', flush=True); time.sleep(600)"


@pytest.fixture(scope="module")
def older_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python to which `labs` is the code of that commit."""
    packed = subprocess.run(["git", "archive", FIRST_COMMIT], cwd=PROJECT, capture_output=True)
    if packed.returncode:
        pytest.skip(f"this clone's history does not go back to {FIRST_COMMIT}")
    code, environment = tmp_path_factory.mktemp("older"), tmp_path_factory.mktemp("python")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(code, filter="data")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    # Paths alone: what our own environment would import at its start is not looked at.
    (site / "older.pth").write_text(f"{code}\n{sysconfig.get_path('purelib')}\n", "utf-8")
    return str(environment / "bin" / "python")


@pytest.fixture
def older(labs: Labs, older_python: str) -> Labs:
    """The command of that time, on the same home; it is up, and has ten records."""
    older = Labs(labs.home.path)
    older.command = (older_python, "-P", "-m", "labs")
    answer = older.run("up")
    assert answer.code == 0, answer.err
    bootstrap = older.status()["bootstrap"]
    with asking(bootstrap) as client:
        client.create_topics({"kept": {"num_partitions": 1, "replication_factor": 3}})
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    for number in range(10):
        producer.send("kept", b"%d" % number)
    producer.close()
    return older


def older_watchdogs(labs: Labs) -> list[int]:
    words = {"labs.cluster.watchdog", str(labs.home.path)}
    found = psutil.process_iter(["cmdline"])
    return [process.pid for process in found if words <= set(process.info["cmdline"] or ())]


def records(labs: Labs) -> list[bytes]:
    consumer = KafkaConsumer(
        "kept",
        bootstrap_servers=labs.status()["bootstrap"],
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )
    read = [next(consumer).value for _ in range(10)]
    consumer.close()
    return read


def is_taken_over(labs: Labs, before: dict[str, object]) -> None:
    """Whether today's commands do everything with it, and nothing of it is left at the end."""
    after = labs.up()
    for same in ("cluster_id", "bootstrap", "kafka_version"):
        assert after[same] == before[same]
    assert records(labs) == [b"%d" % number for number in range(10)]
    wait_until(lambda: not older_watchdogs(labs), "the older watchdog to make room")
    for words in (("kill", "1"), ("start", "1"), ("pause", "2"), ("resume", "2"), ("down",)):
        answer = labs.run(*words)
        assert answer.code == 0, answer.err
    assert labs.leftovers() == []


def test_one_that_runs(labs: Labs, older: Labs) -> None:
    before = older.status()
    assert len(older_watchdogs(labs)) == 1
    assert labs.status() == {**before, "remarks": []}, "a key was added since"
    assert labs.up()["nodes"] == before["nodes"], "adopted: no process is started anew"
    is_taken_over(labs, before)


def test_one_that_was_stopped(labs: Labs, older: Labs) -> None:
    before = older.status()
    assert older.run("down").code == 0
    assert {node["state"] for node in labs.status()["nodes"]} == {"stopped"}
    is_taken_over(labs, before)


def test_one_whose_notebook_and_watchdog_were_killed(labs: Labs, older: Labs) -> None:
    notebook = subprocess.Popen(
        [older.command[0], "-P", "-c", HOLD],
        env={**os.environ, "LABS_HOME": str(labs.home.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert notebook.stdout is not None
    assert notebook.stdout.readline() == "up\n"
    before = older.status()
    notebook.kill()
    notebook.communicate()
    for pid in (*older_watchdogs(labs), before["nodes"][0]["pid"]):
        os.kill(pid, signal.SIGKILL)
    states = {node["id"]: node["state"] for node in labs.status()["nodes"]}
    assert states == {1: "killed", 2: "running", 3: "running", 100: "running"}
    is_taken_over(labs, before)


def test_a_start_of_that_time_that_was_cut_short(labs: Labs, older: Labs) -> None:
    before = older.status()
    assert older.run("down").code == 0
    up = older.begin("up")
    wait_until(lambda: len(labs.jvms()) >= 2, "a start that is half way")
    up.kill()
    up.communicate()
    is_taken_over(labs, before)


def test_a_state_that_makes_no_sense_is_told(labs: Labs, tmp_path: Path) -> None:
    """Its disks are of a cluster that nobody knows: they are wiped, and a sentence says so."""
    labs.up()
    assert labs.run("down").code == 0
    labs.home.state_file.write_text('{"nodes": "lost"}')
    answer = labs.run("up")
    assert answer.code == 0, answer.err
    assert "wiping the disks: what is on them is of a cluster unknown here" in answer.err
