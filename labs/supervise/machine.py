"""Which machine runs the cluster of a home, for others that see the same folder.

A folder may be seen from two machines: on a shared disk, as a volume of two containers, from WSL
beside Windows. Pids, loopback and signals count on one of them only; the other would take the
cluster for dead. So whoever starts it leaves a file that names the machine, and the watchdog
touches that file as long as the cluster is up. Both machines read its age by the same clock, the
file system's.

A machine is a boot and, on Linux, a pid namespace (pid_namespaces(7)): a container has one of its
own, and so has each distribution of WSL 2. Where a system tells neither, nobody is refused.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from labs.base.clock import boot, now
from labs.base.errors import LabsError
from labs.base.files import write_atomically
from labs.base.progress import Tell, silent
from labs.base.words import Words

words = Words(__file__)

#: A file that nobody has touched for so long, s, was left behind. The watchdog touches it every
#: second, but begins late, and a busy machine keeps it waiting.
LEFT_BEHIND_S = 20.0
#: The same where only the boot differs: then it was most likely this machine, before it rebooted.
REBOOTED_S = 5.0
#: How long one that seems to be left behind is watched all the same, s.
WATCHED_S = 2.5
LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Machine:
    """Where pids count: the boot's name, the pid namespace (each '' where unknown), the host."""

    boot: str
    pids: str
    host: str

    def is_other(self, than: Machine) -> bool:
        """Whether a pid of the one certainly means nothing to the other."""
        pairs = ((self.boot, than.boot), (self.pids, than.pids))
        return any(a and b and a != b for a, b in pairs)


@dataclass(frozen=True)
class Claim:
    """What the file says: who runs the cluster, and since when (s since the epoch).

    `touched`: the file's time, ns. `age_s`: how long ago that is by the file system's own clock.
    """

    machine: Machine
    since: float
    touched: int
    age_s: float

    @property
    def stands(self) -> bool:
        """Whether it has been touched lately."""
        same_host = self.machine.host == ours().host and self.machine.boot != ours().boot
        return self.age_s < (REBOOTED_S if same_host else LEFT_BEHIND_S)


class Elsewhere(LabsError):  # noqa: N818 - it names what happened
    """Another machine runs the cluster of this home."""

    def __init__(self, home: Path, claim: Claim) -> None:
        since = time.strftime("%a %d %b %H:%M", time.localtime(claim.since))
        apart = " (apart from here, as in a container)" if claim.machine.boot == boot() else ""
        super().__init__(
            f"another machine runs the cluster of {home}: {claim.machine.host}{apart},"
            f" since {since}",
            log=home / "logs",
            hint="stop it there with `labs down`, or set LABS_HOME to another folder here; once"
            f" that machine is gone, try again after {LEFT_BEHIND_S:g} s",
        )


@cache
def ours() -> Machine:
    """The machine that this process runs on."""
    namespace = ""
    with contextlib.suppress(OSError):  # there are none but on Linux
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return Machine(boot(), namespace, socket.gethostname())


def claim(home: Path) -> None:
    """Say that this machine runs the home's cluster (call with the home's lock held)."""
    found = _read(home)
    if found is None or found.machine != ours():
        write_atomically(_file(home), json.dumps({**asdict(ours()), "since": time.time()}))
    else:
        os.utime(_file(home))


def still_ours(home: Path) -> bool:
    """Say it again; False where another machine has taken the home over meanwhile."""
    found = _read(home)
    if found is not None and found.machine.is_other(ours()):
        return False
    with contextlib.suppress(OSError):
        os.utime(_file(home))
    return True


def give_up(home: Path) -> None:
    """The cluster runs no more."""
    _file(home).unlink(missing_ok=True)


def elsewhere(home: Path) -> Claim | None:
    """Who runs the home's cluster on another machine; None where nobody has lately."""
    found = _foreign(home)
    return found if found and found.stands else None


def require_seen_from_here(home: Path) -> None:
    """Whoever only looks must see the cluster's processes.

    Raises:
        Elsewhere: they are on another machine.
    """
    found = elsewhere(home)
    if found:
        raise Elsewhere(home, found)


def require_here(home: Path, tell: Tell = silent) -> None:
    """Whoever changes anything must be on the machine that runs the cluster, or nobody runs it.

    One that was cut off a moment ago looks as one that runs, and a clock that is set makes one that
    runs look left behind: so it is watched, `LEFT_BEHIND_S` at most.

    Raises:
        Elsewhere: another machine runs it.
    """
    first, began = _foreign(home), now()
    while first and (found := _foreign(home)):
        if found.touched != first.touched:
            raise Elsewhere(home, found)
        if not found.stands and now() - began > WATCHED_S:
            return
        host = first.machine.host
        tell(words("looking", host=host, seconds=LEFT_BEHIND_S), None)
        time.sleep(LOOK_EVERY_S)


def _foreign(home: Path) -> Claim | None:
    found = _read(home)
    return found if found and found.machine.is_other(ours()) else None


def _file(home: Path) -> Path:
    return home / "machine.json"


def _read(home: Path) -> Claim | None:
    """The claim; None where there is none, or it makes no sense."""
    try:
        # To open it makes NFS ask the server (close-to-open consistency), so its time is fresh.
        with _file(home).open(encoding="utf-8") as file:
            body = json.load(file)
            touched = os.fstat(file.fileno()).st_mtime_ns
        machine = Machine(str(body["boot"]), str(body["pids"]), str(body["host"]))
        age_s = 0.0
        if machine.is_other(ours()):
            age_s = (_now_there(home) - touched) / 1e9
        return Claim(machine, float(body["since"]), touched, age_s)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _now_there(home: Path) -> int:
    """The time by the clock of the home's file system, ns since the epoch."""
    with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=home) as probe:
        probe.write(b"now")
        probe.flush()
        return os.fstat(probe.fileno()).st_mtime_ns
    return time.time_ns()
