"""Every fault done to a cluster, one JSON object a line, with its time."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

from labs.cluster.protocol import Fault


def record(
    path: Path, action: str, node: int | None, detail: str = "", when: float | None = None
) -> None:
    """Append a fault that happened at `when` (epoch s; None: now)."""
    fault = Fault(time.time() if when is None else when, action, node, detail)
    line = json.dumps(asdict(fault), ensure_ascii=False)
    with path.open("a", encoding="utf-8") as file:
        if file.tell() and not path.read_bytes().endswith(b"\n"):
            line = "\n" + line  # the one before was cut off
        file.write(line + "\n")


def read(path: Path) -> list[Fault]:
    """All recorded faults, oldest first; a line cut off by a full disk is passed over."""
    if not path.exists():
        return []
    faults = []
    for line in path.read_text("utf-8").splitlines():
        try:
            faults.append(Fault(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return faults
