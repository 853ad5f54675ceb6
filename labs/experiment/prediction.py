"""What a learner may predict before a run: one of a few options, or a number.

The sentences stand in the chapter's table, in the section of the experiment: `predict` is the
question. Each option has a sentence (`options`), and what to say to those who chose it wrongly
(`why`); an estimate has one `why`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labs.experiment.result import Result


@dataclass(frozen=True)
class Options:
    """What a learner may predict: the ids of the options.

    `measured` finds in a result which option came true (None: this run does not show it).
    """

    options: tuple[str, ...]
    measured: Callable[[Result], str | None]


@dataclass(frozen=True)
class Estimate:
    """A number that a learner may predict. `measured` names the measurement.

    A prediction within `close` of it (a part of the range) counts as right.
    """

    unit: str
    low: float
    high: float
    measured: str
    step: float = 1
    close: float = 0.1


Ask = Options | Estimate


def came_true(ask: Ask | None, result: Result) -> str | float | None:
    """The option or number that came true; None: nothing was asked, or the run does not show it."""
    if ask is None or result.doubt:
        return None
    if isinstance(ask, Options):
        return ask.measured(result)
    value = result.measurements.get(ask.measured)
    return value if isinstance(value, int | float) else None
