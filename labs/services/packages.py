"""Python packages that only one server's users, or one chapter, need: fetched then, by hash.

`locks/services/ID.txt` names them, each by its sha256. They get a folder of their own in the cache,
and nothing in the learner's environment changes.
"""

from __future__ import annotations

import hashlib
import re
import sys
from functools import partial
from pathlib import Path

from labs.base import python
from labs.base.errors import BadInput, LabsError
from labs.base.programs import run
from labs.base.progress import Tell, progress, silent
from labs.base.words import Words
from labs.supervise.home import PROJECT, cache_dir, disk_is_full
from labs.supervise.making import make_once

words = Words(__file__)

#: The room that they may take, MB.
NEEDED_MB = 300
#: uv's lines that say what went wrong: the first what, the last why.
_CAUSE = re.compile(r"^\s*(?:error|cause|×|├─▶|╰─▶|Caused by):?\s+(.+)", re.MULTILINE)


class Packages:
    """The packages of one server, or those that no server needs.

    Args:
        name: the server's id, or the name of their lock.

    Attributes:
        lock: the file that names them.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.lock = PROJECT / "locks" / "services" / f"{name}.txt"

    @property
    def folder(self) -> Path:
        """The cache's folder for exactly this lock and this Python."""
        digest = hashlib.sha256(self.lock.read_bytes()).hexdigest()[:8]
        version = f"{sys.implementation.cache_tag}-{digest}"
        return cache_dir() / f"python-{self._name}-{version}"

    def provided(self) -> bool:
        """Whether they are there. The folder appears only when it is whole."""
        return self.folder.exists()

    def version(self, package: str) -> str:
        """The version of a package that the lock names."""
        found = re.search(rf"^{re.escape(package)}==(\S+)", self.lock.read_text("utf-8"), re.M)
        assert found, f"{self.lock} has no {package}"
        return found[1]

    @property
    def size(self) -> str:
        """How much is downloaded, as their list says it; empty where their server says it."""
        wanted = self.lock.with_suffix(".in")
        listed = wanted.read_text("utf-8") if wanted.exists() else ""
        found = re.search(r"^# To download: (\d+ MB)$", listed, re.M)
        return found[1] if found else ""

    def ensure(self, tell: Tell = silent) -> Path:
        """Fetch them where they are missing; returns their folder.

        Raises:
            LabsError: no network, no space; what the installer says.
        """
        make_once(self.folder, partial(self._fetch, tell), NEEDED_MB)
        return self.folder

    def _downloading(self) -> str:
        told = f"packages.downloading{'_size' if self.size else ''}"
        return words(told, name=self._name, size=self.size)

    def _fetch(self, tell: Tell, draft: Path) -> None:
        from uv import find_uv_bin

        tell(self._downloading(), None)
        reach = [sys.executable, "-I", str(PROJECT / "locks" / "reach.py")]
        install = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        where = ["--python", sys.executable, "--target", str(draft), "-r", str(self.lock)]
        done = run([*reach, *install, *where], env=python.without_others())
        if done.returncode:
            full = disk_is_full(done.stderr, cache_dir())
            raise LabsError(
                words("packages.not_installed", name=self._name),
                because=_cause(done.stderr),
                hint=words("packages.room_hint") if full else words("packages.network_hint"),
            )

    def use(self, tell: Tell = silent) -> None:
        """Have this process import them; what its own environment has comes first."""
        place = str(self.ensure(tell))
        if place not in sys.path:
            sys.path.append(place)


def _cause(said: str) -> str:
    """What uv says of an error, in one line; bytes of a damaged file may stand in it."""
    what, *more = _CAUSE.findall(said) or said.strip().splitlines()[-1:] or [""]
    told = f"{what} ({more[-1].rstrip('.:')})" if more else what
    return "".join(filter(str.isprintable, told))


def locked() -> list[str]:
    """The names of all that are locked."""
    return sorted(lock.stem for lock in (PROJECT / "locks" / "services").glob("*.txt"))


def packages(name: str) -> None:
    """In a notebook: fetch these packages where they are missing, and have them imported.

    >>> packages("duckdb")
    >>> import duckdb

    Raises:
        BadInput: there are none of that name.
        LabsError: as `Packages.ensure`.
    """
    if name not in locked():
        raise BadInput(
            words("packages.none", name=name),
            hint=words("packages.none_hint", names=", ".join(locked())),
        )
    with progress() as tell:
        Packages(name).use(tell)
