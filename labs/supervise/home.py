"""Where everything of one cluster lives: state, data and logs under `LABS_HOME`.

Two homes never meet: each has its own lock, ports, processes and records. What can be shared
safely — verified jars and archives made from them — lies in a cache of its own (`LABS_CACHE`).
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from labs.base import variables
from labs.base.errors import BadInput, LabsError
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.supervise.machine import require_here, require_seen_from_here

words = Words(__file__)

PROJECT = Path(__file__).resolve().parents[2]

#: A cluster with a chapter's records takes about 100 MB; Kafka dies on a full disk.
MIN_FREE_MB = 300

#: A disk with less is full, whatever a program says that failed there, bytes.
NEARLY_NONE = 1_000_000

#: Somebody's first start downloads 43 MB and learns Kafka's classes before it lets go, s.
LOCK_TIMEOUT_S = 900.0
MOMENT_S = 0.5


@dataclass(frozen=True)
class Home:
    """The folder of one cluster. Nothing is created until `prepare`."""

    path: Path

    @classmethod
    def current(cls) -> Home:
        """The home that `LABS_HOME` names, or `.labs` in the project's folder."""
        named = variables.named("LABS_HOME")
        if named:
            return cls(expanded(named, "LABS_HOME"))
        in_project = (PROJECT / "pyproject.toml").exists()
        return cls(PROJECT / ".labs" if in_project else expanded("~/.kafka-labs", "LABS_HOME"))

    @property
    def state_file(self) -> Path:
        """What the commands agree on: ids, ports, pids."""
        return self.path / "state.json"

    @property
    def data(self) -> Path:
        """The nodes' folders, records included."""
        return self.path / "data"

    @property
    def logs(self) -> Path:
        """The log files."""
        return self.path / "logs"

    @property
    def leases(self) -> Path:
        """Who needs the cluster."""
        return self.path / "leases"

    @property
    def wards(self) -> Path:
        """Programs that end with whoever started them."""
        return self.path / "wards"

    @property
    def faults_file(self) -> Path:
        """Every fault injected, in order."""
        return self.path / "faults.jsonl"

    def log_of(self, name: str) -> Path:
        """The log file of a node (`broker-1`) or a helper (`watchdog`)."""
        return self.logs / f"{name}.log"

    def prepare(self) -> None:
        """Create the folders.

        Raises:
            LabsError: the place is read-only, or not a folder.
        """
        for folder in (self.path, self.data, self.logs, self.leases):
            make_writable(folder, "LABS_HOME")

    def require_room(self) -> None:
        """A cluster that starts must find room for its records.

        Raises:
            LabsError: the disk is nearly full.
        """
        require_space(self.path, MIN_FREE_MB, "LABS_HOME")

    @contextmanager
    def lock(self, timeout_s: float = LOCK_TIMEOUT_S, tell: Tell = silent) -> Iterator[None]:
        """Hold this home alone. The kernel lets go of the lock even after kill -9.

        It needs no free space: a cluster that has filled the disk can still be stopped.

        Args:
            timeout_s: how long to wait for whoever holds it, s.
            tell: hears that we wait, if it takes longer than a moment.

        Raises:
            LabsError: another process held it for all of `timeout_s`, the place is read-only, or
                another machine runs the cluster of this home.
        """
        guard = FileLock(self.path / "lock")
        require_here(self.path, tell)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                guard.acquire(timeout=min(MOMENT_S, timeout_s))
            except Timeout:
                tell(words("waiting"), None)
                guard.acquire(timeout=max(timeout_s - MOMENT_S, 0))
        except Timeout:
            raise LabsError(
                f"another labs command has been working on {self.path} for {timeout_s:g} s",
                hint="wait for it, or end it and try again",
            ) from None
        except OSError as error:
            raise disk_error(error, self.path, "LABS_HOME") from None
        try:
            require_seen_from_here(self.path)  # who held the lock may have started it
            yield
        finally:
            guard.release()


def work_dir() -> Path:
    """The learner's own folder, in which nothing is ever deleted: programs, and the progress.

    It is what `LABS_WORK` names, or `work` in the project's folder; where that belongs to somebody
    else, as in a group, a folder in the learner's own home.

    Raises:
        BadInput: it can't be known.
    """
    named = variables.named("LABS_WORK")
    if named:
        return expanded(named, "LABS_WORK")
    ours = (PROJECT / "pyproject.toml").exists() and os.access(PROJECT, os.W_OK)
    return PROJECT / "work" if ours else expanded("~/kafka-labs-work", "LABS_WORK")


def cache_dir() -> Path:
    """The folder for downloads, shared by all homes: `LABS_CACHE`, or the user's cache folder.

    Raises:
        BadInput: Java could not find its jars there, or it can't be known.
    """
    named = variables.named("LABS_CACHE")
    base = named or os.environ.get("XDG_CACHE_HOME", "").strip() or "~/.cache"
    found = expanded(base, "LABS_CACHE")
    if os.pathsep in str(found):  # no way to quote it in a class path
        raise BadInput(
            f"{found} holds {os.pathsep!r}, with which Java separates one path from the next",
            hint="set LABS_CACHE to a folder without that sign",
        )
    return found if named else found / "kafka-labs"


def expanded(path: str, variable: str) -> Path:
    """The absolute path that a user means.

    Raises:
        BadInput: it can't be known, or holds what neither Java nor a file of ours could name.
    """
    try:
        found = Path(path).expanduser().resolve()
    except (RuntimeError, OSError, ValueError) as error:  # no such user, a loop of links
        user = path.partition(os.sep)[0].removeprefix("~")
        if not path.startswith("~"):
            what = f"{path!r} is no folder ({error})"
        elif user:
            what = f"{path!r} is no folder: no user {user!r} is known here"
        else:
            what = f"this user has no home folder ({error})"
        raise BadInput(what, hint=f"set {variable} to a folder that you may write") from None
    if "\n" in str(found) or "\r" in str(found):
        raise BadInput(
            f"{str(found)!r} holds a line's end", hint=f"set {variable} to another folder"
        )
    return found


def make_writable(folder: Path, variable: str) -> None:
    """Create `folder` and prove that files can be written there.

    Raises:
        LabsError: naming the `variable` that chooses another folder.
    """
    with writing(folder, variable):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


@contextmanager
def writing(folder: Path, variable: str) -> Iterator[None]:
    """Tell in words where the system refuses what is written in there meanwhile.

    Raises:
        LabsError: it did, naming the `variable` that chooses another folder.
    """
    try:
        yield
    except OSError as error:
        raise disk_error(error, folder, variable) from None


def may_run_programs(folder: Path) -> bool:
    """Whether the system runs programs and loads libraries from there (no `noexec` mount).

    Where it can't be told (macOS has no such flag), it may.
    """
    return not os.statvfs(folder).f_flag & getattr(os, "ST_NOEXEC", 0)


def require_space(folder: Path, megabytes: int, variable: str) -> None:
    """Raise LabsError when `folder`'s disk has less than `megabytes` MB free."""
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < megabytes:
        raise LabsError(
            f"only {free} MB are free on the disk of {folder} and {megabytes} MB are needed",
            hint=f"free some space, or set {variable} to a folder on another disk",
        )


def disk_is_full(said: str, folder: Path) -> bool:
    """Whether another program that failed says that it found no room, or there is none by now."""
    return os.strerror(errno.ENOSPC) in said or shutil.disk_usage(folder).free < NEARLY_NONE


def disk_error(error: OSError, folder: Path, variable: str) -> LabsError:
    """Tell an operating system's refusal in words."""
    if error.errno == errno.ENOSPC:
        what = f"the disk of {folder} is full"
        hint = f"free some space, or set {variable} to a folder on another disk"
    else:
        what = f"{folder} can't be written ({error.strerror})"
        hint = f"make it writable, or set {variable} to a folder that is"
    return LabsError(what, hint=hint)
