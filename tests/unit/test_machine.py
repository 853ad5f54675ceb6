"""Which machine runs the cluster of a home: told apart, waited for, taken over."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from labs.supervise import machine
from labs.supervise.home import Home
from labs.supervise.machine import Elsewhere, Machine

HERE = Machine("boot-1", "pid:[1]", "here")
CONTAINER = replace(HERE, pids="pid:[2]", host="4f5e6d")
THERE = Machine("boot-2", "pid:[1]", "there")
REBOOTED = replace(HERE, boot="boot-0")
UNKNOWN = Machine("", "", "somewhere")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "ours", lambda: HERE)


def claimed(home: Path, by: Machine, ago_s: float) -> Path:
    """The file that a machine left so long ago."""
    file = home / "machine.json"
    file.write_text(json.dumps({**asdict(by), "since": 1795664256.0}))
    when = time.time() - ago_s
    os.utime(file, (when, when))
    return file


@pytest.mark.parametrize(
    ("by", "ago_s", "refused"),
    [
        (HERE, 1, False),
        (replace(HERE, host="renamed"), 1, False),  # a laptop in another network
        (CONTAINER, 1, True),
        (THERE, 1, True),
        (THERE, 10, True),
        (THERE, -3600, True),  # a clock that was set: as if touched just now
        (THERE, 60, False),  # left behind
        (REBOOTED, 1, True),  # or another one of the same name
        (REBOOTED, 10, False),
        (UNKNOWN, 1, False),
    ],
)
def test_who_is_refused(tmp_path: Path, by: Machine, ago_s: float, refused: bool) -> None:
    claimed(tmp_path, by, ago_s)
    found = machine.elsewhere(tmp_path)
    assert (found is not None) == refused
    if refused:
        with pytest.raises(Elsewhere, match=rf"another machine runs .*: {by.host}\b.*, since "):
            machine.require_seen_from_here(tmp_path)


def test_where_the_system_tells_nothing_nobody_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "ours", lambda: UNKNOWN)
    claimed(tmp_path, THERE, 1)
    assert machine.elsewhere(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"boot": "x"}'])
def test_a_file_that_makes_no_sense_refuses_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "machine.json").write_text(text)
    assert machine.elsewhere(tmp_path) is None
    machine.claim(tmp_path)
    assert json.loads((tmp_path / "machine.json").read_text())["host"] == "here"


def test_nobody_is_refused_where_there_is_no_file_yet(tmp_path: Path) -> None:
    with Home(tmp_path / "new").lock():
        assert machine.elsewhere(tmp_path / "new") is None
    assert machine.still_ours(tmp_path)  # an earlier version's cluster: nothing is made of it
    assert list(tmp_path.iterdir()) == [tmp_path / "new"]


def test_one_that_goes_on_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    file = claimed(tmp_path, THERE, 1)
    over = threading.Event()

    def watchdog() -> None:
        while not over.wait(0.05):
            os.utime(file)

    thread = threading.Thread(target=watchdog)
    thread.start()
    told: list[str] = []
    try:
        with pytest.raises(Elsewhere), Home(tmp_path).lock(tell=lambda text, _: told.append(text)):
            pytest.fail("nobody may come in")
    finally:
        over.set()
        thread.join()
    assert "looking whether there still runs this cluster" in told[0]
    assert [path.name for path in tmp_path.iterdir()] == ["machine.json"]


def test_one_that_was_cut_off_is_waited_for_and_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "LEFT_BEHIND_S", 1.0)
    monkeypatch.setattr(machine, "WATCHED_S", 0.5)
    claimed(tmp_path, CONTAINER, 0.2)
    with Home(tmp_path).lock():
        machine.claim(tmp_path)
    assert machine.still_ours(tmp_path)
    assert json.loads((tmp_path / "machine.json").read_text())["pids"] == HERE.pids


def test_who_was_taken_over_notices(tmp_path: Path) -> None:
    claimed(tmp_path, THERE, 1)
    assert not machine.still_ours(tmp_path)


def test_ours_is_said_again_and_given_up(tmp_path: Path) -> None:
    machine.claim(tmp_path)
    file = tmp_path / "machine.json"
    since = json.loads(file.read_text())["since"]
    os.utime(file, (1, 1))
    assert machine.still_ours(tmp_path)
    assert file.stat().st_mtime > 1
    os.utime(file, (1, 1))
    machine.claim(tmp_path)
    assert file.stat().st_mtime > 1
    assert json.loads(file.read_text())["since"] == since
    machine.give_up(tmp_path)
    assert list(tmp_path.iterdir()) == []
