"""What a run shows while it goes on, and how it is asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from labs.base.errors import Foreseen
from labs.base.words import Words
from labs.experiment.views import View

words = Words(__file__)


class Stopped(Foreseen):
    """The learner pressed Stop. No LabsError, so that nothing on its way takes it for a failure."""

    def __str__(self) -> str:
        return words("stopped")


class Live:
    """A run's status and picture, and the request to stop. Safe to share between threads."""

    def __init__(self) -> None:
        self.said = ""
        self.view: View | Callable[[], View] | None = None
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask the run to end at its next step."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether the run has been asked to end."""
        return self._stop.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait, unless asked to end.

        Raises:
            Stopped: the run was asked to end.
        """
        if self._stop.wait(seconds):
            raise Stopped

    def current_view(self) -> View | None:
        """What there is to draw by now."""
        view = self.view
        return view() if callable(view) else view
