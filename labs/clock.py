"""One clock for clients, samples and faults."""

from __future__ import annotations

import time

_ANCHOR = time.time() - time.monotonic()


def now() -> float:
    """Seconds since the epoch, as `time.time()`, but never running backwards in one process."""
    return _ANCHOR + time.monotonic()
