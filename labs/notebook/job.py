"""A run in a thread of its own, while another thread has it drawn, by another process.

Nothing is captured, no matplotlib window is opened.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.charts.painter import Painter
from labs.experiment.live import Live, Stopped
from labs.kafka.cluster import Cluster
from labs.notebook.farewell import Farewell
from labs.notebook.screen import Screen

words = Words(__file__)

#: Between two pictures, s, if drawing is quick enough: five a second. More would hold up brokers
#: that start meanwhile: a picture takes a tenth of a second of a core.
FRAME_S = 0.2
#: A rest after each picture, however long it took.
REST_S = 0.02
#: How many pictures in a row may fail to be drawn before that counts as a failure.
MISSES = 5

ONE_AT_A_TIME = threading.Lock()
PAINTER = Painter()


class Job:
    """One run; `failure` is what went wrong. `running` until all has been said.

    Args:
        cluster: where it runs; made whole if the kernel ends meanwhile.
        run: does it, and shows what it found; returns the words for the end.
        screen: what it looks like meanwhile.
        changed: called first, and last, in the run's thread.

    Raises:
        LabsError: another run goes on.
    """

    def __init__(
        self,
        cluster: Cluster,
        run: Callable[[Live], str],
        screen: Screen,
        changed: Callable[[], None],
    ) -> None:
        if not ONE_AT_A_TIME.acquire(blocking=False):
            raise LabsError(words("job.busy"), hint=words("job.busy_hint"))
        self.failure: BaseException | None = None
        self.running = True
        self._cluster, self._run, self._screen, self._changed = cluster, run, screen, changed
        self._live = Live()
        self._threads = tuple(
            threading.Thread(target=target, daemon=True) for target in (self._work, self._paint)
        )

    def start(self) -> None:
        """Begin; returns at once. An interrupt leaves nothing begun."""
        try:
            self._changed()
            self._screen.begin()
            for thread in self._threads:
                thread.start()
        except BaseException:
            self._live.stop()
            if self._threads[0].ident is None:  # else it says so itself
                self._over()
            raise

    def stop(self) -> None:
        """Ask the run to end; it makes the cluster whole first."""
        if self.running:
            self._screen.stopping()
            self._live.stop()

    def wait(self) -> None:
        """Wait for the end; an interrupt stops the run, and is passed on when the cluster is whole.

        Raises:
            KeyboardInterrupt: the learner interrupted the kernel.
        """
        try:
            self._join()
        except KeyboardInterrupt:
            self.stop()
            self._join()
            raise

    def _join(self) -> None:
        for thread in self._threads:
            while thread.is_alive():
                thread.join(0.1)  # a wait without limit could not be interrupted on every system

    def _work(self) -> None:
        farewell = Farewell(self._cluster, self._live, self._threads)
        try:
            said, bad = self._run(self._live), False
        except Stopped as stopped:
            self.failure, said, bad = stopped, words("job.stopped"), False
        except LabsError as error:
            self.failure, said, bad = error, str(error), True
        except BaseException as error:
            self.failure, said, bad = error, words("job.bug", error=error), True
        farewell.over()
        self._over()
        self._screen.say(said, bad=bad)

    def _over(self) -> None:
        self.running = False
        ONE_AT_A_TIME.release()
        self._screen.end()
        self._changed()

    def _paint(self) -> None:
        """Draw what the run shows, and tell what it says, until it ends."""
        misses, run = 0, self._threads[0]
        while run.is_alive():
            began = time.monotonic()
            self._screen.progress(self._live.said)
            try:
                self._frame()
                misses = 0
            except Exception as error:
                # A view may be asked for while what it is made of grows: the next will do.
                misses += 1
                if misses == MISSES:
                    self.failure = error
                    self._screen.say(words("job.not_drawn", error=error), bad=True)
                    return
            run.join(max(FRAME_S - (time.monotonic() - began), REST_S))

    def _frame(self) -> None:
        view = self._live.current_view()
        if view is not None:
            self._screen.live(PAINTER.paint(view))
