"""Wait until something is true; if that takes too long, say what was waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from labs.base.errors import LabsError
from labs.base.words import Words

words = Words(__file__)

T = TypeVar("T")

WAIT_S = 30.0
#: From one look to the next, s.
PAUSE_S = 0.03


def wait_for(
    true: Callable[[], T | None],
    what: str,
    timeout_s: float = WAIT_S,
    sleep: Callable[[float], object] = time.sleep,
) -> T:
    """Wait until something is true, and return it; `sleep` is called between two looks.

    Raises:
        LabsError: it did not come true in time.
    """
    deadline = time.monotonic() + timeout_s
    while not (found := true()):
        if time.monotonic() > deadline:
            raise LabsError(
                words("waited.in_vain", timeout_s=timeout_s, what=what),
                hint=words("waited.hint"),
            )
        sleep(PAUSE_S)
    return found
