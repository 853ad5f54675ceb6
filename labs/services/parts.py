"""What a server is started from, and what its users need: each part comes whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from labs.base.progress import Tell, silent


class Part(Protocol):
    """One of them: jars, an archive, Python packages, the system's own packages."""

    def provided(self) -> bool:
        """Whether it is there: nothing would be downloaded."""

    def ensure(self, tell: Tell = silent) -> Path:
        """Fetch it where it is missing; returns its folder in the cache.

        Raises:
            LabsError: no network, no space, other bytes than those that were meant.
        """
