"""`labs new` and `labs check`, as a learner types them."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaAdminClient

from labs.chapters import find_exercise
from labs.exercise import judging
from labs.exercise.judge import judge
from labs.exercise.verdict import NOT_YET
from labs.kafka.cluster import State
from labs.kafka.local import LocalCluster
from labs.supervise.identity import marked
from tests.helpers import Answer, Labs, wait_until


@pytest.fixture
def labs(cluster: LocalCluster, tmp_path: Path) -> Labs:
    return Labs(cluster.home.path, LABS_WORK=str(tmp_path / "work"))


def verdict(answer: Answer) -> dict[str, Any]:
    """The one object that `labs check --json` prints."""
    told: dict[str, Any] = json.loads(answer.out)
    expected = {"exercise", "verdict", "why", "evidence", "hint", "tries", "duration_s"}
    assert set(told) == expected
    assert answer.code == {"pass": 0, "not yet": 1, "can't tell": 3}[told["verdict"]]
    return told


def test_an_answer_is_asked_for_and_judged(labs: Labs) -> None:
    """A wrong answer, and one that can't be judged any more."""
    asked = labs.run("new", "01.3")
    assert asked.code == 0, asked.err
    assert "PARTITION" in asked.out and "labs check 01.3 --answer" in asked.out
    wrong = verdict(labs.run("check", "01.3", "--answer", "XX0", "--json"))
    assert (wrong["verdict"], wrong["tries"]) == ("not yet", 1)
    assert wrong["evidence"] and wrong["hint"]
    assert labs.run("reset").code == 0
    gone = verdict(labs.run("check", "01.3", "--answer", "XX0", "--json"))
    assert (gone["verdict"], gone["tries"], gone["hint"]) == ("can't tell", 2, "")


def test_a_program_from_windows_in_a_folder_with_a_korean_name(labs: Labs, tmp_path: Path) -> None:
    solution = find_exercise("05.3").file("solution", "python")
    assert solution
    file = tmp_path / "카프카 it's mine" / "다시 읽기.py"
    file.parent.mkdir()
    text = "\ufeff" + solution.read_text("utf-8").replace("\n", "\r\n")
    file.write_bytes(text.encode())
    answer = labs.run("check", "05.3", "--program", str(file), "--json", "--seed", "17")
    assert verdict(answer)["verdict"] == "pass", answer
    assert "seed 17" in answer.err


def test_a_program_that_sends_without_end(
    cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended long before the disk is full, and what it has sent goes."""
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "work"))
    monkeypatch.setattr(judging, "TOPICS_LIMIT", 5_000_000)
    file = tmp_path / "endless.py"
    file.write_text(
        "import os\nfrom confluent_kafka import Producer\n"
        "producer = Producer({'bootstrap.servers': os.environ['KAFKA_BOOTSTRAP_SERVERS']})\n"
        "while True:\n"
        "    try:\n        producer.produce(os.environ['TOPIC'], os.urandom(1000))\n"
        "    except BufferError:\n        producer.poll(0.1)\n"
    )
    found = judge(find_exercise("02.1"), cluster, command=[str(file)], seed=17)
    assert (found.verdict, found.reason) == (NOT_YET, "fills_topic"), found
    with closing(KafkaAdminClient(bootstrap_servers=cluster.bootstrap)) as admin:
        left = [topic for topic in admin.list_topics() if topic.startswith("exercise-02-1-")]
    assert not left


#: Each word of its child's command line is ours alone.
CHILD = "labs-test-child-of-a-judged-program"


@pytest.fixture
def restless(tmp_path: Path) -> Iterator[Path]:
    """A solution of 02.2 that starts another process, which goes far away."""
    solution = find_exercise("02.2").file("solution", "python")
    child = [sys.executable, "-c", "import time; time.sleep(600)", CHILD]
    file = tmp_path / "restless.py"
    start = f"import subprocess\nsubprocess.Popen({child}, start_new_session=True)\n"
    file.write_text(f"{start}exec(compile(open({str(solution)!r}).read(), 'it', 'exec'))\n")
    yield file
    for process in marked(CHILD):
        process.kill()


def test_a_judge_that_is_killed(labs: Labs, cluster: LocalCluster, restless: Path) -> None:
    """Nothing of the program is left; the brokers are whole again at the next command."""
    check = labs.begin("check", "02.2", "--program", str(restless))
    wait_until(
        lambda: (
            check.poll() is not None
            or any(node.state is not State.RUNNING for node in cluster.status().nodes)
        ),
        "a broker that is broken",
    )
    (program,) = [p for p in psutil.Process(check.pid).children() if str(restless) in p.cmdline()]
    assert list(marked(CHILD))
    os.kill(check.pid, signal.SIGKILL)
    check.communicate()
    wait_until(lambda: not program.is_running() and not list(marked(CHILD)), "the watchdog")
    assert not list(cluster.home.wards.iterdir())
    answer = labs.run("check", "05.1", "--program", "false", "--json")
    assert "ended by itself" in verdict(answer)["why"]
    assert {node.state for node in cluster.status().nodes} == {State.RUNNING}
