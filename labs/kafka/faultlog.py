"""Every fault done to a cluster, one JSON object a line.

`time` is the time of day (s since the epoch), for people and for another boot; `clock` and `boot`
are the time by `labs.base.clock`, which no setting of the wall clock moves.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labs.base import clock
from labs.kafka.cluster import Fault


def record(
    path: Path, action: str, node: int | None, detail: str = "", when: float | None = None
) -> None:
    """Append a fault that happened at `when` (by `labs.base.clock`; None: now)."""
    fault = Fault(clock.now() if when is None else when, action, node, detail)
    body = {**asdict(fault), "time": clock.wall(fault.time), **clock.written(fault.time)}
    line = json.dumps(body, ensure_ascii=False)
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
            faults.append(_fault(json.loads(line)))
        except (ValueError, TypeError, KeyError):
            continue
    return faults


def _fault(body: dict[str, Any]) -> Fault:
    time = clock.read(body, float(body["time"]))
    return Fault(time, body["action"], body["node"], body.get("detail", ""))
