"""Figures keep the digits that matter, and what is near a limit is not graded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from labs.base.figures import figure, graded, ms, seconds
from labs.chapters.acks import speed
from labs.experiment.prediction import Options
from labs.experiment.result import Result


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (1.2604, "1.26"), (1.7302, "1.73"), (0.0471, "0.0471"), (27.23, "27.2"), (412.4, "412"),
        (1661.4, "1,661"), (3, "3"), (12.0, "12"), (None, "—"), ("none", "none"),
    ],
)  # fmt: skip
def test_three_digits_that_count(value: float | str | None, told: str) -> None:
    assert figure(value) == told


def test_units() -> None:
    assert (ms(1.2604), seconds(2.987)) == ("1.26 ms", "2.99 s")


@pytest.mark.parametrize(
    ("value", "option"),
    [(1, "low"), (7.9, "low"), (8.1, None), (11.9, None), (12.1, "high"), (500, "high")],
)
def test_what_is_near_a_limit_is_not_graded(value: float, option: str | None) -> None:
    assert graded(value, [(10, "low")], "high") == option


@pytest.mark.parametrize(
    ("dearer_ms", "option"),
    [(-0.3, speed.FEW), (0.19, speed.FEW), (0.47, speed.FEW), (4.0, speed.FEW), (9.0, None),
     (30.0, speed.TENS), (450.0, None), (900.0, speed.LONG)],
)  # fmt: skip
def test_what_acks_all_costs_is_graded_alike_on_quick_and_slow_machines(
    dearer_ms: float, option: str | None
) -> None:
    told = SimpleNamespace(measurements={"acks_all_dearer_ms": dearer_ms})
    ask = speed.LATENCY.ask
    assert isinstance(ask, Options)
    assert ask.measured(cast(Result, told)) == option
