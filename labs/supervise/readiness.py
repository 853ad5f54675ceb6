"""Wait until a server is ready. An open port proves nothing: who knows it gives a function."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Raises when waiting on is pointless (a server died); called between looks.
StillHopeful = Callable[[], None]


def wait_ready(
    ready: Callable[[], bool], hopeful: StillHopeful, timeout_s: float, pause_s: float = 0.03
) -> bool:
    """Ask again and again; False where it is not so after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        hopeful()
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True
