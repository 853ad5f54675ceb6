"""The base of a run: its settings, what it shows and finds, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from labs.base.clock import now
from labs.base.waiting import WAIT_S, wait_for
from labs.experiment.live import Live
from labs.experiment.result import Measured
from labs.experiment.settings import Value
from labs.experiment.views import View
from labs.kafka.cluster import Cluster, Fault

T = TypeVar("T")


@dataclass
class Telling:
    """A run's settings, and what it shows: while it goes on, and in its result."""

    name: str
    cluster: Cluster
    settings: Mapping[str, Value]
    live: Live
    measurements: dict[str, Measured] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    conclusion: str = ""
    began: float = field(default_factory=now)

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]

    @property
    def values(self) -> dict[str, Any]:
        """All settings and measurements, by which a sentence may name them."""
        return {**self.settings, **self.measurements}

    def say(self, text: str) -> None:
        """Show what is being done, in a few words."""
        self.live.said = text

    def tell(self, text: str, _fraction: float | None = None) -> None:
        """The same, for whatever takes a `labs.base.progress.Tell`: the start of a server, say."""
        self.say(text)

    def show(self, view: View) -> None:
        """Add a view to the result; the live picture does not change."""
        self.views.append(view)

    def show_live(self, view: View | Callable[[], View]) -> None:
        """Set what is drawn while the run goes on; a function is called for each picture."""
        self.live.view = view

    def conclude(self, sentence: str) -> None:
        """Say what the run has shown, in a sentence."""
        self.conclusion = sentence

    def sleep(self, seconds: float) -> None:
        """Wait. Ends the run if the learner pressed Stop."""
        self.live.sleep(seconds)

    def wait(self, true: Callable[[], T | None], what: str, timeout_s: float = WAIT_S) -> T:
        """Wait until something is true, and return it.

        Raises:
            LabsError: it did not come true in time.
        """
        return wait_for(true, what, timeout_s, self.sleep)

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return now() - self.began
