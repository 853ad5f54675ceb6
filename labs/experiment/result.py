"""What one run found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labs.base.clock import Jump
from labs.experiment.settings import Value
from labs.experiment.views import View
from labs.kafka.cluster import Fault
from labs.workload import verdicts
from labs.workload.judgements import (
    KEY_ORDER,
    LOG,
    PROCESSING,
    Judgement,
    KeyOrder,
    Processing,
    Report,
)
from labs.workload.set_here import Departure

Measured = float | str | None

#: What a measurement says that names things, where it found none: an id, as each of its words is.
NONE = "none"


@dataclass(frozen=True)
class Result:
    """What one run found. `views` can be drawn by `labs.charts`; `conclusion` is a sentence.

    `report` is the verdict on the log; `processing` and `key_order` are None where the experiment
    is not about them. `measurements`: name, unit included (`stall_ms`) → figure,
    or a word that is an id; None: not known;
    `about`: those of which the chapter speaks. `set_here`: what was set otherwise than the default,
    by the learner or by the experiment. `jumps`: how the wall clock was set meanwhile; `by_wall`:
    what a broker measured by it in this run; `doubt`: why nothing can be concluded.
    """

    experiment: str
    settings: Mapping[str, Value]
    report: Report
    topic: str
    bootstrap: Sequence[str]
    duration_s: float
    measurements: Mapping[str, Measured]
    views: tuple[View, ...] = ()
    conclusion: str = ""
    faults: tuple[Fault, ...] = ()
    set_here: tuple[Departure, ...] = ()
    processing: Processing | None = None
    key_order: KeyOrder | None = None
    jumps: tuple[Jump, ...] = ()
    by_wall: str = ""
    doubt: str = ""
    about: tuple[str, ...] = ()

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """All that the experiment is about, the log first."""
        found: tuple[Judgement | None, ...] = (self.report, self.processing, self.key_order)
        return tuple(judgement for judgement in found if judgement is not None)

    def words(self) -> str:
        """Every verdict as a sentence or two."""
        return " ".join(map(verdicts.told, self.judgements))

    def as_dict(self) -> dict[str, Any]:
        """The object that `labs run --json` prints."""
        return {
            "experiment": self.experiment,
            "settings": dict(self.settings),
            **self.report.as_dict(),
            PROCESSING: self.processing.as_dict() if self.processing else None,
            KEY_ORDER: self.key_order.as_dict() if self.key_order else None,
            **self._circumstances(),
            "topic": self.topic,
            "bootstrap": list(self.bootstrap),
            "duration_s": self.duration_s,
            "measurements": dict(self.measurements),
            "set_here": [departure.as_dict() for departure in self.set_here],
        }

    def figures(self) -> dict[str, Any]:
        """The part of it that prose can use: neither records nor addresses."""
        told = self.as_dict()
        names = ("experiment", "settings", "verdict", "counts", "measurements", "duration_s")
        judged = {name: told[name] for name in (PROCESSING, KEY_ORDER) if told[name]}
        for about in judged.values():
            del about["offenders"]
        return {**{name: told[name] for name in names}, **judged}

    def _circumstances(self) -> dict[str, Any]:
        """Why a verdict is unknown, and how the wall clock was set, if either is so."""
        subjects = zip((LOG, PROCESSING, KEY_ORDER), (self.report, self.processing, self.key_order),
                       strict=True)  # fmt: skip
        why = {name: found.why for name, found in subjects if found is not None and found.why}
        jumps = [round(jump.by_s, 1) for jump in self.jumps]
        told = {"unknown_because": why, "wall_clock_jumps_s": jumps}
        return {name: value for name, value in told.items() if value}
