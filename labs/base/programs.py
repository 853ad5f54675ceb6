"""Other people's programs that are run to their end."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def run(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """How a program ended, and what it said. `options` are those of `subprocess.run`."""
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", check=False, **options
    )


def last_line(said: str) -> str:
    """The last line that a program said: as a rule, what went wrong."""
    return (said.strip().splitlines() or ["nothing"])[-1]
