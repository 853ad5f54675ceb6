"""The kernel is shut down or restarted during a run: the cluster is made whole all the same."""

from __future__ import annotations

import atexit
import os
import subprocess
import threading
import time
from collections.abc import Sequence

from labs.base import python
from labs.experiment.live import Live
from labs.kafka.cluster import Cluster, State

#: A kernel that ends waits so long for its run to stop, s; Jupyter kills it after 5.
FAREWELL_S = 3.0

_MEND = "from labs.kafka.choose import chosen; chosen(hold=False).start()"


class Farewell:
    """Has a run stopped, and its faults undone, if the kernel ends before `over` is called."""

    def __init__(self, cluster: Cluster, live: Live, threads: Sequence[threading.Thread]) -> None:
        self._cluster, self._live, self._threads = cluster, live, threads
        atexit.register(self._end)

    def _end(self) -> None:
        self._live.stop()
        deadline = time.monotonic() + FAREWELL_S
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
        status = self._cluster.status()
        if self._cluster.can_break and any(n.state is not State.RUNNING for n in status.nodes):
            mend_later(status.home)

    def over(self) -> None:
        """The run has ended by itself."""
        atexit.unregister(self._end)


def mend_later(home: str) -> None:
    """Have another process make the cluster whole: one that ends can start no thread any more."""
    subprocess.Popen(
        python.code(_MEND),
        env={**os.environ, "LABS_HOME": home},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
