"""The end of a log that another process writes, and (`tail -f`) what is added to it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

LOOK_EVERY_S = 0.2


def tail(log: Path, lines: int, follow: bool) -> Iterator[bytes]:
    """The last lines of a file, and (`follow`) all that is added; it may be rotated meanwhile."""
    offset = 0
    if log.exists():
        with log.open("rb") as file:
            yield from deque(file, lines)
            offset = file.tell()
    while follow:
        time.sleep(LOOK_EVERY_S)
        if not log.exists():
            continue
        if log.stat().st_size < offset:
            offset = 0  # the log was rotated
        with log.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):  # still being written
                    break
                yield line
                offset += len(line)
