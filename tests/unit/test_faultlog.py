"""The fault log keeps what was done, when, and to whom."""

from __future__ import annotations

import time
from pathlib import Path

from labs.cluster import faultlog
from labs.cluster.protocol import Fault


def test_recorded_in_order(tmp_path: Path) -> None:
    log = tmp_path / "faults.jsonl"
    assert faultlog.read(log) == []
    before = time.time()
    faultlog.record(log, "kill", 1)
    faultlog.record(log, "configure", None, "주제: {'retention.ms': '1'}", when=12.5)
    first, second = faultlog.read(log)
    assert before <= first.time <= time.time()
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
