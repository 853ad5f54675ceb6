"""The clock of every measurement: seconds since the machine's boot, whatever the wall clock does.

A wall clock is set: by NTP, after a laptop's sleep, when WSL 2 catches up. CLOCK_MONOTONIC
(clock_gettime(2); on macOS mach_absolute_time) never is. All processes of a machine, in containers
or not, read the same one, so times that two of them wrote down can be compared. It stands still
while the machine sleeps, as its brokers do.

The wall clock tells people the time of day, and orders what outlives a boot.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from labs.base.words import Words

words = Words(__file__)

#: Seconds since the boot. No function of our own: a client that is measured pays for each call.
now = time.monotonic

#: Linux makes a new one at each boot (random(4)); containers see their host's.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

#: A wall clock that moved by more, s, between two looks jumped. NTP slews by 0.5 ms a second.
JUMP_S = 0.5
LOOK_EVERY_S = 0.25


def wall(at: float) -> float:
    """The time of day (s since the epoch) of a time on our clock, by what the wall clock says now.

    To be shown to people; never to be subtracted from another.
    """
    return time.time() - (now() - at)


def from_wall(epoch_s: float) -> float:
    """The time on our clock of a time of day, as far as the wall clock has not been set since."""
    return now() - (time.time() - epoch_s)


# -- written down ----------------------------------------------------------------------------------


def written(at: float) -> dict[str, float | str]:
    """A time to be kept in a file: on our clock, and the boot from which that counts."""
    return {"clock": at, "boot": boot()}


def read(kept: Mapping[str, object], epoch_s: float) -> float:
    """A time from a file, on our clock.

    Args:
        kept: what `written` gave, among other things.
        epoch_s: the time of day beside it: all that is known of another boot's time, or where an
            earlier version wrote.
    """
    clock = kept.get("clock")
    if isinstance(clock, int | float) and kept.get("boot") == boot() != "":
        return float(clock)
    return from_wall(epoch_s)


@cache
def boot() -> str:
    """The name of this boot; empty where the system tells none."""
    try:
        if sys.platform == "darwin":
            asked = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
            return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        return _BOOT_ID.read_text("ascii").strip()
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""


# -- jumps of the wall clock -----------------------------------------------------------------------


@dataclass(frozen=True)
class Jump:
    """The wall clock was set by `by_s` (back: below zero), at a time on our clock."""

    at: float
    by_s: float

    def __str__(self) -> str:
        return words("jump", by=self.by_s)


class WallClock:
    """Finds jumps of the wall clock: it is compared with ours at each look."""

    def __init__(self) -> None:
        self.jumps: list[Jump] = []
        self._lock = threading.Lock()
        self._ahead = wall_ahead_s()

    def look(self) -> None:
        """Note a jump since the look before."""
        with self._lock:
            before, self._ahead = self._ahead, wall_ahead_s()
            moved = self._ahead - before
            if abs(moved) > JUMP_S:
                self.jumps.append(Jump(now(), moved))


def wall_ahead_s() -> float:
    """By how much the wall clock is ahead of ours, s.

    A process that waits for a processor between the two readings would see a jump where there was
    none. So the shortest of three tries counts.
    """

    def ask() -> tuple[float, float]:
        begin = now()
        epoch_s = time.time()
        end = now()
        return end - begin, epoch_s - (begin + end) / 2

    return min(ask() for _ in range(3))[1]


@contextmanager
def watching_the_wall() -> Iterator[WallClock]:
    """Look every `LOOK_EVERY_S`, from the block's begin to its end."""
    watched, over = WallClock(), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_EVERY_S):
            watched.look()

    thread = threading.Thread(target=watch, name="labs-wall-clock", daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        over.set()
        thread.join()
        watched.look()
