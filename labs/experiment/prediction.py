"""What a learner may predict before a run: one of a few options, or a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labs.experiment.result import Result


@dataclass(frozen=True)
class Options:
    """What a learner may predict: each option with what to say to those who chose it wrongly.

    `measured` tells from a result which option came true (None: this run can't tell).
    """

    question: str
    options: Mapping[str, str]
    measured: Callable[[Result], str | None]


@dataclass(frozen=True)
class Estimate:
    """A number that a learner may predict. `measured` names the measurement; `why` explains it.

    A prediction within `close` of it (a part of the range) counts as right.
    """

    question: str
    unit: str
    low: float
    high: float
    measured: str
    why: str
    step: float = 1
    close: float = 0.1


Ask = Options | Estimate
