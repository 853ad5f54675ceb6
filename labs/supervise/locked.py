"""What a server is made of: files of a Maven repository, each named by its sha256 in a lock.

Beside a server's code lie `NAME.toml`, what is wanted, and `NAME.lock.toml`, what jgo found that to
be. A file counts as there only when its hash agrees; downloads are checked in a staging folder and
then moved into place, so an interrupted one is never mistaken for a file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from filelock import FileLock

from labs.base.errors import LabsError
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.supervise.download import Heard, Source, other_bytes
from labs.supervise.home import cache_dir, make_writable, require_space, writing

words = Words(__file__)

ATTEMPTS = 3
#: After the first failed attempt; after the second, twice that, s.
PAUSE_S = 1.0
#: For a maintainer's `make lock`, s.
TIMEOUT_S = 60


@dataclass(frozen=True)
class Jar:
    """One locked artifact. `suffix`: what its name ends with, a classifier included."""

    group: str
    artifact: str
    version: str
    sha256: str
    suffix: str = ".jar"

    @classmethod
    def locked(cls, told: Mapping[str, str]) -> Jar:
        """One of a lock's dependencies."""
        classifier = f"-{told['classifier']}" if told.get("classifier") else ""
        suffix = f"{classifier}.{told.get('packaging', 'jar')}"
        return cls(told["groupId"], told["artifactId"], told["version"], told["sha256"], suffix)

    @property
    def file_name(self) -> str:
        """Its name in Maven's manner."""
        return f"{self.artifact}-{self.version}{self.suffix}"

    @property
    def path(self) -> str:
        """Where it lies in a repository (Maven's "standard repository layout")."""
        group = self.group.replace(".", "/")
        return f"{group}/{self.artifact}/{self.version}/{self.file_name}"

    def is_in(self, folder: Path) -> bool:
        """Whether it lies there, and its bytes match its hash."""
        try:
            with (folder / self.file_name).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except OSError:
            return False


class Locked:
    """The jars of one server, fetched when they are first needed.

    Args:
        spec: the file that says what is wanted; the lock lies beside it.
        product: whose they are, in sentences.
        main: how the name of the artifact begins whose version is the product's.
        needed_mb: the room that they, and what is made of them, take in the cache, MB.
    """

    def __init__(self, spec: Path, product: str, main: str, needed_mb: int) -> None:
        self.spec = spec
        self.lock = spec.with_suffix(".lock.toml")
        self.product = product
        self.needed_mb = needed_mb
        self._main = main

    @cached_property
    def jars(self) -> tuple[Jar, ...]:
        """The jars that the lock names, in class-path order."""
        locked = tomllib.loads(self.lock.read_text("utf-8"))["dependencies"]
        return tuple(map(Jar.locked, locked))

    @cached_property
    def version(self) -> str:
        """The product's version, such as `4.3.1`."""
        return next(jar.version for jar in self.jars if jar.artifact.startswith(self._main))

    @property
    def place(self) -> Path:
        """The cache's folder for exactly this lock; another lock gets another folder."""
        digest = hashlib.sha256(self.lock.read_bytes()).hexdigest()[:8]
        name = self.product.lower().replace(" ", "-")
        return cache_dir() / f"{name}-{self.version}-{digest}"

    @property
    def folder(self) -> Path:
        """Where the verified jars lie, flat."""
        return self.place / "jars"

    @property
    def class_path(self) -> str:
        """All of them, as a JVM is told of them."""
        return os.pathsep.join(str(self.folder / jar.file_name) for jar in self.jars)

    def provided(self) -> bool:
        """Whether nothing would be downloaded, at a look; `ensure` compares the bytes."""
        return all((self.folder / jar.file_name).exists() for jar in self.jars)

    def broken(self) -> list[Jar]:
        """The locked jars that are missing or whose bytes don't match their hash."""
        folder = self.folder
        with ThreadPoolExecutor(4) as pool:
            intact = pool.map(lambda jar: jar.is_in(folder), self.jars)
        return [jar for jar, good in zip(self.jars, intact, strict=True) if not good]

    def ensure(self, tell: Tell = silent) -> Path:
        """Fetch what is missing or damaged; returns the folder of verified jars.

        Raises:
            LabsError: no network, no space, or bytes that still don't match their hash.
        """
        if not self.broken():
            return self.folder
        make_writable(self.folder, "LABS_CACHE")
        require_space(self.folder, self.needed_mb, "LABS_CACHE")
        with writing(self.place, "LABS_CACHE"), FileLock(self.place / "download.lock"):
            for left in self.place.glob("staging-*"):  # of downloads that were killed
                shutil.rmtree(left, ignore_errors=True)
            self._fetch(self.broken(), tell)
        return self.folder

    def _fetch(self, jars: list[Jar], tell: Tell) -> None:
        with (
            tempfile.TemporaryDirectory(prefix="staging-", dir=self.place) as staging,
            ThreadPoolExecutor(4) as pool,
        ):
            named = {"product": self.product, "version": self.version}
            what = words("downloading", count=len(jars), **named)
            tell(what, 0.0)
            source = Source(Path(staging))
            one = partial(tell, what) if len(jars) == 1 else None  # a large one, maybe
            work = [pool.submit(self._fetch_one, jar, Path(staging), source, one) for jar in jars]
            try:
                for done, future in enumerate(as_completed(work), start=1):
                    future.result()
                    tell(what, done / len(jars))
            finally:
                pool.shutdown(cancel_futures=True)

    def _fetch_one(self, jar: Jar, staging: Path, source: Source, heard: Heard | None) -> None:
        """Download one jar into place, with a few attempts where another may help.

        Raises:
            LabsError: every attempt failed, or brought other bytes than the lock says.
        """
        draft = staging / jar.file_name
        for attempt in range(1, ATTEMPTS + 1):
            failure = source.download(jar.path, draft, heard)
            if failure is None and not jar.is_in(staging):
                failure = other_bytes(draft)
            if failure is None:
                shutil.move(draft, self.folder / jar.file_name)
                return
            if not failure.passing or attempt == ATTEMPTS:
                times = f" in {attempt} attempts" if attempt > 1 else ""
                raise LabsError(
                    f"{jar.file_name} could not be had from {source.name}{times}: {failure.what}",
                    hint=f"{failure.hint}; then run the command again: finished downloads are kept",
                )
            time.sleep(attempt * PAUSE_S)

    def renew(self) -> None:
        """Resolve what is wanted and write the lock anew (a maintainer's command: `make lock`)."""
        from jgo.env import EnvironmentBuilder, EnvironmentSpec
        from jgo.maven import MavenContext

        with tempfile.TemporaryDirectory() as work:
            context = MavenContext(repo_cache=Path(work) / "m2", timeout=TIMEOUT_S)
            builder = EnvironmentBuilder(context=context, cache_dir=Path(work) / "env")
            builder.resolve_lockfile(EnvironmentSpec.load(self.spec)).save(self.lock)
