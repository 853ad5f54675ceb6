"""What is compared is the same thing, and a run that can't tell says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from labs.chapters import find
from labs.chapters.acks import errors
from labs.chapters.groups.rebalance import JOINS, LEAVES, SLOW, Shares
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number
from labs.kafka.cluster import Cluster
from labs.kafka.config import HEARTBEAT_S, SESSION_S
from labs.observe.snapshot import Partition
from labs.observe.timeline import Sight, Timeline

BEFORE = dict(enumerate("AABBCC"))


def test_the_partitions_that_a_slow_member_had_or_got_are_not_the_others() -> None:
    kip_848 = Shares.of(SLOW, BEFORE, {**BEFORE, 0: "D"})
    assert (kip_848.of_c, kip_848.kept, kip_848.moved) == ((4, 5), (1, 2, 3), (0,))
    eager = Shares.of(SLOW, BEFORE, dict(enumerate("DACCBB")))
    assert (eager.of_c, eager.kept, eager.moved) == ((2, 3, 4, 5), (1,), (0,))
    assert eager.others == (1, 0)


def test_where_nobody_is_slow_all_are_compared() -> None:
    joined = Shares.of(JOINS, BEFORE, {**BEFORE, 5: "D"})
    assert (joined.of_c, joined.kept, joined.moved) == ((), (0, 1, 2, 3, 4), (5,))
    left = Shares.of(LEAVES, BEFORE, dict(enumerate("AABBAB")))
    assert (left.of_c, left.kept, left.moved) == ((4, 5), (0, 1, 2, 3), ())


# -- acks.failed_but_written -----------------------------------------------------------------------


def seen(*changes: tuple[float, int | None, tuple[int, ...]]) -> Run:
    timeline = Timeline(cast(Cluster, None), "t")
    timeline.sights[0] = [
        Sight(time, Partition("t", 0, leader, 0, (1, 2, 3), isr)) for time, leader, isr in changes
    ]
    return cast(Run, SimpleNamespace(timeline=timeline))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (((10.0, 1, (1, 2, 3)),), ""),
        (((10.0, 1, (1, 2, 3)), (12.1, 1, (1, 3))), "isr"),
        (((10.0, 1, (1, 2, 3)), (12.1, 3, (2, 3))), "leader"),
    ],
)
def test_what_the_timeline_saw_is_asked(change: Any, what: str) -> None:
    assert errors.seen_to_change(seen(*change), 1, paused=11.0) == what


def test_the_pause_ends_before_a_broker_can_be_fenced() -> None:
    """As long as the panel says; above it, what the timeline saw decides."""
    assert errors.SURE_MS / 1000 + errors.LONGER_S < SESSION_S - HEARTBEAT_S
    bounds = {s.name: s for s in errors.FAILED_BUT_WRITTEN.settings}["request_timeout_ms"]
    assert f"above {errors.SURE_MS} ms" in errors.FAILED_BUT_WRITTEN.help(bounds)
    assert isinstance(bounds, Number) and bounds.default < errors.SURE_MS


@pytest.mark.parametrize(
    ("name", "setting", "least", "most"),
    [
        ("producers.sending", "records", 100, 2000),
        ("acks.failed_but_written", "request_timeout_ms", 500, 2000),
    ],
)
def test_what_a_command_once_took_it_takes(name: str, setting: str, least: int, most: int) -> None:
    settings = {one.name: one for one in find(name).settings}
    assert [settings[setting].parse(value) for value in (least, most)] == [least, most]


@pytest.mark.parametrize(
    ("readable", "changed", "told"),
    [(3, "no", errors.WRITTEN), (3, "yes", None), (0, "no", None), (0, "yes", None)],
)
def test_a_run_without_a_written_record_proves_nothing(
    readable: int, changed: str, told: str | None
) -> None:
    measured = {"and_yet_readable": readable, "isr_or_leader_changed": changed}
    ask = errors.FAILED_BUT_WRITTEN.ask
    assert isinstance(ask, Options)
    assert ask.measured(cast(Result, SimpleNamespace(measurements=measured))) == told
