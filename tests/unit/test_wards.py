"""A learner's program does not outlive its judge, however that ends: the watchdog sees to it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labs.kafka.local import have_watchdog
from labs.supervise import wards
from labs.supervise.home import Home
from labs.supervise.identity import kill_all
from labs.supervise.watchdog import watchdog_pid
from tests.helpers import wait_until

#: Keeps a program that has a child in a session of its own, and one that has forgotten its mark.
KEEPER = """
import subprocess, sys, time
from pathlib import Path
from labs.exercise.program import Program
from labs.supervise import wards
folder, scratch = map(Path, sys.argv[1:])
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
program = f'''
import os, subprocess
subprocess.Popen({sleep}, start_new_session=True)
subprocess.Popen({sleep}, env=dict())
print("begun", flush=True)
subprocess.run({sleep})
'''
with wards.kept(folder, scratch) as mark:
    judged = Program([sys.executable, "-c", program], {}, scratch, ward=mark)
    judged.start()
    judged.wait(lambda: judged.lines, 60)
    print(mark, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path.resolve() / "home")
    yield home
    kill_all(psutil.Process(pid) for pid in [watchdog_pid(home)] if pid)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def keeper(home: Home, scratch: Path) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", KEEPER, str(home.wards), str(scratch)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()
    for file in home.wards.glob("*.json"):
        kill_all(wards.carriers(file.stem))


def test_a_judge_that_is_killed_leaves_nothing_running(
    home: Home, scratch: Path, keeper: subprocess.Popen[str]
) -> None:
    assert keeper.stdout
    mark = keeper.stdout.readline().strip()
    wait_until(lambda: len(wards.carriers(mark)) == 4, "the program and its three children")
    have_watchdog(home)
    wait_until(lambda: watchdog_pid(home), "the watchdog to run")
    keeper.kill()
    wait_until(lambda: not wards.carriers(mark), "the watchdog to end them")
    wait_until(lambda: watchdog_pid(home) is None, "the watchdog to end itself")
    assert not scratch.exists()
    assert not wards.any_kept(home.wards)


def test_nothing_is_done_to_those_whose_keeper_lives(home: Home, scratch: Path) -> None:
    with wards.kept(home.wards, scratch) as mark:
        wards.end_orphans(home.wards)
        assert scratch.exists()
        assert [file.stem for file in home.wards.iterdir()] == [mark]
    assert not wards.any_kept(home.wards)


def test_a_file_that_makes_no_sense_is_put_away(home: Home) -> None:
    home.wards.mkdir(parents=True)
    (home.wards / "half.json").write_text('{"pid": 1,')
    wards.end_orphans(home.wards)
    assert not wards.any_kept(home.wards)
