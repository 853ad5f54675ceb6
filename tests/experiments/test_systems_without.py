"""Chapter 10 where RabbitMQ can't be had: it says so, and goes on with the others."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from nbclient import NotebookClient

from labs.base.errors import LabsError
from labs.base.progress import silent
from labs.base.variables import UNATTENDED
from labs.chapters import find_exercise
from labs.exercise.judge import judge, prepare
from labs.exercise.verdict import CANT_TELL, PASS
from labs.kafka.local import LocalCluster
from labs.services.known import service
from labs.supervise.home import cache_dir
from labs.workload.judgements import UNKNOWN
from tests.course import chapters
from tests.exercises.test_exercises import said
from tests.outcomes import run_now
from tests.slate import stop_servers

run = partial(run_now, "systems")

#: The experiments that ask RabbitMQ, each as short as it can be; the rate is like the latency.
SHORT: dict[str, dict[str, object]] = {
    "kill": {"copies": "1", "node": "away"},
    "shares": {"slow_s": 2},
    "replay": {"records": 20},
    "latency": {"seconds": 2},
    "backlog": {"rate": 100, "minutes": 1},
}


@pytest.fixture(scope="module", autouse=True)
def without_rabbitmq(
    own_cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """No `rabbitmq-server` on PATH, none in the cache, and no apt to fetch it with."""
    own_cluster.start()
    stop_servers()
    cache = tmp_path_factory.mktemp("cache")
    for place in cache_dir().iterdir():
        if not place.name.startswith("rabbitmq"):
            (cache / place.name).symlink_to(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent))
        patch.setenv("LABS_CACHE", str(cache))
        yield
    stop_servers()


def test_it_is_said_in_one_sentence() -> None:
    with pytest.raises(LabsError) as refused:
        service("rabbitmq").handle()
    assert refused.value.hint


@pytest.mark.parametrize("what", SHORT)
def test_each_experiment_goes_on_with_the_others(own_cluster: LocalCluster, what: str) -> None:
    result = run(own_cluster, what, **SHORT[what])
    assert result.report.verdict != UNKNOWN
    measured = {name for name, value in result.measurements.items() if value is not None}
    assert any("kafka" in name for name in measured)
    assert not any(name.startswith("rabbitmq") for name in measured)


def test_an_answer_is_asked_about_the_others(own_cluster: LocalCluster) -> None:
    exercise = find_exercise("10.2")
    told = prepare(exercise, own_cluster, silent)
    assert "QUEUE" not in told
    solution = exercise.file("solution", "python")
    assert solution is not None
    answer = said(solution, own_cluster, told)
    assert judge(exercise, own_cluster, answer=answer).verdict == PASS
    assert judge(exercise, own_cluster, answer=f"{answer} 40").reason == "numbers"


def test_an_exercise_that_needs_it_says_so(own_cluster: LocalCluster) -> None:
    verdict = judge(find_exercise("10.3"), own_cluster, command=[sys.executable, "-c", ""])
    assert (verdict.verdict, verdict.reason) == (CANT_TELL, "no_rabbitmq")


@pytest.mark.timeout(300)
def test_run_all_ends_without_an_error(own_cluster: LocalCluster) -> None:
    text = next(text for text in chapters() if text.chapter.startswith("10_"))
    learners = {name: value for name, value in os.environ.items() if name != UNATTENDED}
    client = NotebookClient(text.book(), timeout=120, kernel_name="python3")
    client.execute(cwd=str(text.saved.parent), env=learners)  # raises what a cell raises
