"""One clock, which nobody sets; and a wall clock whose jumps are noticed."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from labs.base import clock


def test_every_process_reads_the_same_clock() -> None:
    before = clock.now()
    code = "from labs.base.clock import now; print(now())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert before < float(told.stdout) < clock.now()


@pytest.mark.parametrize("moved", [3600, -900])
def test_the_clock_does_not_follow_the_wall(monkeypatch: pytest.MonkeyPatch, moved: float) -> None:
    real, before = time.time, clock.now()
    monkeypatch.setattr(time, "time", lambda: real() + moved)
    assert 0 <= clock.now() - before < 60
    assert abs(clock.wall(clock.now()) - time.time()) < 1  # what people are shown does
    assert abs(clock.from_wall(time.time()) - clock.now()) < 1


@pytest.mark.parametrize("moved", [3600, -900])
def test_a_jump_is_noticed_once_and_named(monkeypatch: pytest.MonkeyPatch, moved: float) -> None:
    real = time.time
    with clock.watching_the_wall() as wall:
        assert wall.jumps == []
        monkeypatch.setattr(time, "time", lambda: real() + moved)
        wall.look()
        wall.look()
    (jump,) = wall.jumps
    assert abs(jump.by_s - moved) < 1
    assert str(jump) == f"the wall clock jumped by {moved:+,} s during this run"


def test_a_jump_there_and_back_is_noticed_while_nobody_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = time.time
    with clock.watching_the_wall() as wall:
        monkeypatch.setattr(time, "time", lambda: real() + 60)
        deadline = clock.now() + 30
        while not wall.jumps and clock.now() < deadline:
            time.sleep(0.01)
        monkeypatch.setattr(time, "time", real)
    assert [round(jump.by_s) for jump in wall.jumps] == [60, -60]


def test_what_ntp_corrects_is_no_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    real, wall, moved = time.time, clock.WallClock(), 0.0
    monkeypatch.setattr(time, "time", lambda: real() + moved)
    for _ in range(50):
        moved += 0.02  # 1 s in all
        wall.look()
    assert wall.jumps == []
