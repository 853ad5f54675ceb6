"""Python packages that only one server's users, or one chapter, need: fetched then, by hash.

`locks/services/ID.txt` names them, each by its sha256. They get a folder of their own in the cache,
and nothing in the learner's environment changes.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

from labs.base import python
from labs.base.errors import BadInput, LabsError
from labs.base.progress import Tell, progress, silent
from labs.supervise.home import PROJECT, cache_dir, make_writable, require_space

#: The room that they may take, MB.
NEEDED_MB = 300
#: uv's first line that says what went wrong.
_CAUSE = re.compile(r"(?:error|×|├─▶|╰─▶|Caused by):?\s+(.+)")


class Packages:
    """The packages of one server, or those that no server needs.

    Args:
        name: the server's id, or the name of their lock.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = PROJECT / "locks" / "services" / f"{name}.txt"

    @property
    def folder(self) -> Path:
        """The cache's folder for exactly this lock and this Python."""
        digest = hashlib.sha256(self._lock.read_bytes()).hexdigest()[:8]
        version = f"{sys.implementation.cache_tag}-{digest}"
        return cache_dir() / f"python-{self._name}-{version}"

    def provided(self) -> bool:
        """Whether they are there. The folder appears only when it is whole."""
        return self.folder.exists()

    def version(self, package: str) -> str:
        """The version of a package that the lock names."""
        found = re.search(rf"^{re.escape(package)}==(\S+)", self._lock.read_text("utf-8"), re.M)
        assert found, f"{self._lock} has no {package}"
        return found[1]

    def ensure(self, tell: Tell = silent) -> Path:
        """Fetch them where they are missing; returns their folder.

        Raises:
            LabsError: no network, no space; what the installer says.
        """
        if not self.provided():
            cache = cache_dir()
            make_writable(cache, "LABS_CACHE")
            require_space(cache, NEEDED_MB, "LABS_CACHE")
            with FileLock(cache / f"python-{self._name}.lock"):
                if not self.provided():
                    tell(f"downloading the Python packages for {self._name}", None)
                    self._fetch(cache)
        return self.folder

    def _fetch(self, cache: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="making-", dir=cache) as work:
            draft = Path(work, "packages")
            from uv import find_uv_bin

            reach = [sys.executable, "-I", str(PROJECT / "locks" / "reach.py")]
            install = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
            where = ["--python", sys.executable, "--target", str(draft), "-r", str(self._lock)]
            done = subprocess.run(
                [*reach, *install, *where],
                capture_output=True,
                text=True,
                env=python.without_others(),
                check=False,
            )
            if done.returncode:
                said = _CAUSE.search(done.stderr)
                raise LabsError(
                    f"the Python packages for {self._name} could not be installed",
                    because=said[1] if said else done.stderr.strip().splitlines()[-1],
                    hint="check the network (HTTPS_PROXY, UV_DEFAULT_INDEX), and try again",
                )
            shutil.move(draft, self.folder)

    def use(self, tell: Tell = silent) -> None:
        """Have this process import them; what its own environment has comes first."""
        place = str(self.ensure(tell))
        if place not in sys.path:
            sys.path.append(place)


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
        raise BadInput(f"there are no packages {name!r}", hint=f"there are {', '.join(locked())}")
    with progress() as tell:
        Packages(name).use(tell)
