"""What the control groups above us leave us: a container, a systemd slice, a Kubernetes pod.

A limit counts for all that is below it. So the tightest one on the way up is ours, whoever set it
(kernel documentation: cgroup-v2, "Memory" and "CPU"; cgroup-v1, "memory" and "sched-bwc").
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

#: Where the control groups are to be seen, and which of them we are in.
ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


@dataclass(frozen=True)
class _Files:
    """The names of what we read: limits, use, and what of it gives way."""

    controller: str
    limits: tuple[str, ...]
    used: str
    unused: str


# `memory.high` kills nobody, but slows down whoever passes it until nothing is done any more.
_V2 = _Files("", ("memory.max", "memory.high"), "memory.current", "inactive_file")
_V1 = _Files("memory", ("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file")


def memory_room_mb(root: Path = ROOT, own: Path = OWN) -> int | None:
    """Memory left under the tightest limit above us, MB; None where there is none (or no cgroup).

    Pages of files that nobody uses count as left: the kernel drops them first (kernel
    documentation, cgroup-v2, `inactive_file`; Kubernetes reckons so, too).
    """
    rooms = [
        room
        for files in (_V2, _V1)
        for folder in _way_up(root, own, files.controller)
        if (room := _room(folder, files)) is not None
    ]
    return min(rooms) // 1_000_000 if rooms else None


def cores(root: Path = ROOT, own: Path = OWN) -> float:
    """How many cores we may use: those we are bound to, or what the tightest quota comes to."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quotas = [
        quota
        for controller in ("", "cpu")
        for folder in _way_up(root, own, controller)
        if (quota := _quota(folder)) is not None
    ]
    fewest = min([bound or 1, *quotas])
    return int(fewest) if fewest == int(fewest) else round(fewest, 2)


def _way_up(root: Path, own: Path, controller: str) -> Iterator[Path]:
    """Our group's folder and all above it, as far as we can see them: a container sees its own."""
    top = root / controller
    with contextlib.suppress(OSError):
        for line in own.read_text("utf-8", "replace").splitlines():
            _, named, path = line.split(":", 2)
            if controller in named.split(",") and ".." not in path:
                group = PurePosixPath(path.lstrip("/"))
                yield from (top / folder for folder in (group, *group.parents) if folder.name)
    yield top


def _room(folder: Path, files: _Files) -> int | None:
    """What is left below this group's limit, bytes; None where it has none."""
    stat = folder / "memory.stat"
    found = [_number(folder / name) for name in files.limits]
    # Version 1 tells of limits above what a container sees, too.
    found.append(_count(stat, "hierarchical_memory_limit"))
    limits = [limit for limit in found if limit is not None]
    used = _number(folder / files.used)
    if used is None or not limits or min(limits) >= psutil.virtual_memory().total:
        return None
    return max(0, min(limits) - used + (_count(stat, files.unused) or 0))


def _quota(folder: Path) -> float | None:
    """The cores that a quota comes to: version 2 writes `200000 100000`, version 1 two files."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) / int(period)
    quota_us, period_us = (_number(folder / f"cpu.cfs_{part}_us") for part in ("quota", "period"))
    return quota_us / period_us if quota_us and quota_us > 0 and period_us else None


def _number(file: Path) -> int | None:
    """The number in a file; None where there is no file, or no number ("max": no limit)."""
    with contextlib.suppress(OSError, ValueError):
        return int(file.read_text())
    return None


def _count(file: Path, name: str) -> int | None:
    """The number beside `name`."""
    with contextlib.suppress(OSError):
        for line in file.read_text().splitlines():
            if line.startswith(f"{name} "):
                return int(line.split()[1])
    return None
