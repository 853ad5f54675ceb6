"""Make a cluster healthy: every node runs, and every replica is in sync."""

from __future__ import annotations

import time

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.kafka.cluster import Cluster, State
from labs.observe.sampler import watch

words = Words(__file__)

HEAL_TIMEOUT_S = 40.0
#: From one look to the next, s.
PAUSE_S = 0.03


def heal(cluster: Cluster, timeout_s: float = HEAL_TIMEOUT_S) -> None:
    """Resume and start what is broken, and wait until every replica of every partition is in sync.

    A node that stops, dies or is paused meanwhile is started again, too.

    Raises:
        LabsError: it was not healthy in time.
    """
    deadline = time.monotonic() + timeout_s
    with watch(cluster, internal=True) as watching:
        while True:
            seen = watching.look()
            if cluster.can_break and any(n.state is not State.RUNNING for n in seen.nodes):
                cluster.start()
                deadline = time.monotonic() + timeout_s
                continue
            behind = [p for p in seen.partitions if p.out_of_sync or p.leader is None]
            if seen.reachable and not seen.fenced and not behind:
                return
            if time.monotonic() > deadline:
                names = ", ".join(p.name for p in behind[:3]) or words("healing.brokers")
                raise LabsError(
                    words("healing.failed", timeout_s=timeout_s, names=names),
                    hint=words("healing.hint"),
                )
            time.sleep(PAUSE_S)
