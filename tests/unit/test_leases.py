"""Leases count while their holder lives, and the watchdog looks after what was left behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from labs.base import clock
from labs.supervise import leases
from labs.supervise.home import Home
from labs.supervise.identity import birth
from labs.supervise.ledger import Ledger
from labs.supervise.watchdog import dismiss, ensure_watchdog, watch, watchdog_pid
from tests.helpers import wait_until


def write_lease(folder: Path, name: str, **lease: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps(lease))


def test_this_process(tmp_path: Path) -> None:
    assert leases.holders(tmp_path) == []
    leases.hold(tmp_path)
    assert leases.holders(tmp_path) == [f"process {os.getpid()}"]
    leases.release(tmp_path)
    assert leases.holders(tmp_path) == []


def test_the_dead_hold_nothing(tmp_path: Path) -> None:
    child = psutil.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    write_lease(tmp_path, "child", pid=child.pid, create_time=birth(child))
    assert leases.holders(tmp_path) == [f"process {child.pid}"]
    child.kill()
    wait_until(lambda: not leases.holders(tmp_path), "the lease of a zombie to end")
    child.wait()
    assert list(tmp_path.iterdir()) == []


def test_a_reused_pid_holds_nothing(tmp_path: Path) -> None:
    write_lease(tmp_path, "old", pid=os.getpid(), create_time=1.0)
    assert leases.holders(tmp_path) == []


def test_a_promise_ends_and_the_longer_one_counts(tmp_path: Path) -> None:
    leases.promise(tmp_path, 3600)
    leases.promise(tmp_path, 1)
    assert json.loads((tmp_path / leases.PROMISE).read_text())["until"] > time.time() + 3000
    (holder,) = leases.holders(tmp_path)
    assert holder.startswith("a promise until ")
    write_lease(tmp_path, "promise", until=time.time() - 1)
    assert leases.holders(tmp_path) == []


def test_a_wall_clock_that_is_set_ends_no_promise_and_prolongs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_time, real_now = time.time, clock.now
    leases.promise(tmp_path, 1800)
    monkeypatch.setattr(time, "time", lambda: real_time() + 3600)
    assert leases.holders(tmp_path)
    monkeypatch.setattr(time, "time", lambda: real_time() - 900)
    monkeypatch.setattr(clock, "now", lambda: real_now() + 1790)
    assert leases.holders(tmp_path)
    monkeypatch.setattr(clock, "now", lambda: real_now() + 1810)
    assert leases.holders(tmp_path) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"until": "soon"}', "{}"])
def test_a_lease_that_makes_no_sense(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.json").write_text(text)
    assert leases.holders(tmp_path) == []


def test_release_all(tmp_path: Path) -> None:
    leases.hold(tmp_path)
    leases.promise(tmp_path, 60)
    leases.release_all(tmp_path)
    assert leases.holders(tmp_path) == []


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def word_of(home: Home) -> str:
    return f"--home={home.path}"


def mark_of(home: Home) -> str:
    return re.escape(word_of(home))


def test_one_watchdog_and_no_other(home: Home) -> None:
    with home.lock():  # as whoever starts a cluster does
        ensure_watchdog(home, mark_of(home))
        first = watchdog_pid(home)
        assert first is not None
        ensure_watchdog(home, mark_of(home))
        assert watchdog_pid(home) == first
        dismiss(home)
        assert watchdog_pid(home) is None
        assert not psutil.pid_exists(first) or (
            psutil.Process(first).status() == psutil.STATUS_ZOMBIE
        )


def test_the_watchdog_ends_what_a_killed_start_left(home: Home) -> None:
    Ledger({}).save(home.state_file)
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)", word_of(home)]
    ) as stray:
        with home.lock():
            ensure_watchdog(home, mark_of(home))
            time.sleep(1.5)
            assert stray.poll() is None  # while the lock is held, a start may be going on
        assert stray.wait(30) < 0
    wait_until(lambda: watchdog_pid(home) is None, "the watchdog to end")


def test_a_watchdog_that_is_not_the_recorded_one_leaves(home: Home) -> None:
    Ledger({}).save(home.state_file)
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)", word_of(home)]
    ) as other:
        time.sleep(0.1)
        watch(home, 0, mark_of(home))
        assert other.poll() is None
        other.kill()
