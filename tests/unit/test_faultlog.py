"""The fault log keeps what was done, when, and to whom."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from labs.base import clock
from labs.base.clock import now
from labs.kafka import faultlog
from labs.kafka.cluster import Fault


def test_recorded_in_order(tmp_path: Path) -> None:
    log = tmp_path / "faults.jsonl"
    assert faultlog.read(log) == []
    before = now()
    faultlog.record(log, "kill", 1)
    faultlog.record(log, "configure", None, "주제: {'retention.ms': '1'}", when=12.5)
    first, second = faultlog.read(log)
    assert before <= first.time <= now()
    assert (first.action, first.node, first.detail) == ("kill", 1, "")
    assert second == Fault(12.5, "configure", None, "주제: {'retention.ms': '1'}")


def test_cut_off_line_is_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "faults.jsonl"
    faultlog.record(log, "kill", 1)
    with log.open("a") as file:
        file.write('{"time": 1.0, "act')
    assert [fault.action for fault in faultlog.read(log)] == ["kill"]


def test_a_line_after_a_cut_off_one_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "faults.jsonl"
    log.write_text('{"time": 1.0, "act')
    faultlog.record(log, "kill", 2)
    assert [fault.node for fault in faultlog.read(log)] == [2]


def test_a_wall_clock_that_is_set_moves_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "faults.jsonl"
    real = time.time
    faultlog.record(log, "kill", 1)
    for moved in (3600, -900):
        monkeypatch.setattr(time, "time", lambda moved=moved: real() + moved)
        faultlog.record(log, "start", 1)
        faults = faultlog.read(log)
        assert [f.time for f in faults] == sorted(f.time for f in faults)
        assert faults[-1].time - faults[0].time < 60


def test_a_log_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    log = tmp_path / "faults.jsonl"
    log.write_text(json.dumps({"time": time.time() - 60, "action": "kill", "node": 1}) + "\n")
    (fault,) = faultlog.read(log)
    assert now() - 70 < fault.time < now() - 50


def test_of_another_boot_the_time_of_day_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "faults.jsonl"
    faultlog.record(log, "kill", 1, when=now() - 5000)
    monkeypatch.setattr(clock, "boot", lambda: "another one")
    (fault,) = faultlog.read(log)
    assert abs(now() - 5000 - fault.time) < 60
    monkeypatch.setattr(clock, "boot", lambda: "")  # a system that tells none
    faultlog.record(log, "start", 1)
    assert now() - 60 < faultlog.read(log)[-1].time <= now() + 1
