"""What a panel shows of its run: a line that says what happens, a clock, and the chart.

The run's thread and the one that draws both write here, straight into the widgets.
"""

from __future__ import annotations

import threading
import time

import ipywidgets as w

from labs.base.words import Words
from labs.charts.night import PICTURE
from labs.notebook.parts import html, status_line

words = Words(__file__)


class Screen:
    """Classes: `t-status`, `t-elapsed`, `t-chart`. `frames` counts the live pictures of a run."""

    def __init__(self) -> None:
        self.status, self.elapsed = html("t-status"), html("t-elapsed")
        self.chart = w.Image(format="png", layout=w.Layout(max_width="100%", width="900px"))
        self.chart.add_class("t-chart")
        self.chart.add_class(PICTURE)
        self.chart.layout.display = "none"
        self.frames = 0
        self._lock = threading.Lock()  # a live picture that is being drawn may come too late
        self._live = self._stopping = False
        self._began, self._said = 0.0, ""

    def say(self, text: str, *, bad: bool = False, hook: str = "") -> None:
        """Say what happens, or what went wrong."""
        self.status.value = status_line(text, bad=bad, hook=hook)

    def begin(self) -> None:
        """A run begins."""
        self.frames, self._said = 0, ""
        self._live, self._stopping = True, False
        self._began = time.monotonic()
        self.say(words("screen.starting"))
        self.progress("")
        self.chart.add_class("labs-stale")

    def progress(self, said: str) -> None:
        """Show how long the run has taken by now, and what it says if that is new."""
        with self._lock:
            if not self._live:
                return
            seconds = time.monotonic() - self._began
            self.elapsed.value = f'<span class="labs-seconds">{seconds:.1f} s</span>'
            if said != self._said and not self._stopping:
                self._said = said
                self.say(f"{said[:1].upper()}{said[1:]} …")

    def stopping(self) -> None:
        """Say that the run has been asked to end; what it says from now on is not shown."""
        with self._lock:
            if self._live:
                self._stopping = True
                self.say(words("screen.stopping"))

    def live(self, png: bytes) -> None:
        """Show a picture of the run that goes on, unless it is over."""
        with self._lock:
            if self._live:
                self._draw(png)
                self.frames += 1

    def last(self, png: bytes) -> None:
        """Show what was found; no live picture comes after it."""
        with self._lock:
            self._live = False
            self._draw(png)

    def end(self) -> None:
        """The run is over, whether it found something or not."""
        with self._lock:
            self._live = False
            self.chart.remove_class("labs-stale")

    def _draw(self, png: bytes) -> None:
        self.chart.value = png
        self.chart.remove_class("labs-stale")
        self.chart.layout.display = None
