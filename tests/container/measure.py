"""Run a command and say what it cost this container: seconds, and memory by its control group.

`python measure.py NAME COMMAND…` prints one line. It runs inside the container.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MB = 1_000_000
SAMPLE_S = 0.25

#: The files of control groups, versions 2 and 1 (kernel documentation, cgroup-v2 "Memory" and
#: cgroup-v1 "memory"), as a container sees its own.
V2 = Path("/sys/fs/cgroup")
V1 = Path("/sys/fs/cgroup/memory")


def main(name: str, command: list[str]) -> int:
    """Run it and tell; the exit code is the command's, or 1 where memory ran out."""
    began = time.monotonic()
    process = subprocess.Popen(command)
    most = 0
    while process.poll() is None:
        most = max(most, in_use())
        time.sleep(SAMPLE_S)
    seconds = time.monotonic() - began
    killed = out_of_memory()
    print(
        f"{name:18} {seconds:6.1f} s   {most / MB:6.0f} MB in use at most   "
        f"{peak() / MB:6.0f} MB with the file cache   {killed} killed for memory   "
        f"{'passed' if process.returncode == 0 else 'FAILED'}",
        flush=True,
    )
    return process.returncode or int(killed > 0)


def in_use() -> int:
    """Bytes that can't be dropped: the processes' own, and files in memory."""
    if (V2 / "memory.stat").exists():
        stat = numbers(V2 / "memory.stat")
        return stat["anon"] + stat["shmem"]
    stat = numbers(V1 / "memory.stat")
    return stat["total_rss"] + stat.get("total_shmem", 0)


def peak() -> int:
    """The most bytes ever charged, the file cache (which gives way) included."""
    v2 = V2 / "memory.peak"
    return int((v2 if v2.exists() else V1 / "memory.max_usage_in_bytes").read_text())


def out_of_memory() -> int:
    """How many processes the kernel has killed because the limit was reached."""
    v2 = V2 / "memory.events"
    return numbers(v2 if v2.exists() else V1 / "memory.oom_control").get("oom_kill", 0)


def numbers(path: Path) -> dict[str, int]:
    """A file of names and numbers."""

    def pairs() -> Iterator[tuple[str, int]]:
        for line in path.read_text().splitlines():
            name, value = line.split()
            yield name, int(value)

    return dict(pairs())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
