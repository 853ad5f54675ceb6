"""Kafka's jars: fetched from Maven Central, each checked against a committed sha256.

`jars.toml` says what is wanted, `jars.lock.toml` what jgo found that to be. A jar counts as there
only when its hash agrees; downloads are checked in a staging folder and then moved into place, so
an interrupted one is never mistaken for a jar.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock

from labs.base.errors import LabsError
from labs.base.progress import Tell, silent
from labs.supervise.download import Source, other_bytes
from labs.supervise.home import cache_dir, disk_error, make_writable, require_space

SPEC = Path(__file__).with_name("jars.toml")
LOCK = Path(__file__).with_name("jars.lock.toml")
ATTEMPTS = 3
#: After the first failed attempt; after the second, twice that, s.
PAUSE_S = 1.0
#: For a maintainer's `make lock`, s.
TIMEOUT_S = 60
NEEDED_MB = 200  # jars, class archive and the storage template


@dataclass(frozen=True)
class Jar:
    """One locked artifact."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Its name in Maven's manner."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Where it lies in a repository (Maven's "standard repository layout")."""
        group = self.group.replace(".", "/")
        return f"{group}/{self.artifact}/{self.version}/{self.file_name}"


@cache
def locked_jars() -> tuple[Jar, ...]:
    """The jars that the lock names, in class-path order."""
    locked = tomllib.loads(LOCK.read_text("utf-8"))["dependencies"]
    return tuple(Jar(d["groupId"], d["artifactId"], d["version"], d["sha256"]) for d in locked)


@cache
def kafka_version() -> str:
    """The version of Apache Kafka that the lock names, such as `4.3.1`."""
    return next(jar.version for jar in locked_jars() if jar.artifact.startswith("kafka_"))


def installation_dir() -> Path:
    """The cache's folder for exactly this lock; another lock gets another folder."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:8]
    return cache_dir() / f"kafka-{kafka_version()}-{digest}"


def jars_dir() -> Path:
    """Where the verified jars lie, flat."""
    return installation_dir() / "jars"


def broken_jars() -> list[Jar]:
    """The locked jars that are missing or whose bytes don't match their hash."""
    folder = jars_dir()
    with ThreadPoolExecutor(4) as pool:
        intact = pool.map(lambda jar: _is_intact(folder / jar.file_name, jar), locked_jars())
    return [jar for jar, good in zip(locked_jars(), intact, strict=True) if not good]


def ensure_jars(tell: Tell = silent) -> Path:
    """Fetch what is missing or damaged; returns the folder of verified jars.

    Raises:
        LabsError: no network, no space, or bytes that still don't match their hash.
    """
    if not broken_jars():
        return jars_dir()
    make_writable(jars_dir(), "LABS_CACHE")
    require_space(jars_dir(), NEEDED_MB, "LABS_CACHE")
    with FileLock(installation_dir() / "download.lock"):
        _remove_leftovers()
        _fetch(broken_jars(), tell)
    return jars_dir()


def _fetch(jars: list[Jar], tell: Tell) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="staging-", dir=installation_dir()) as staging,
        ThreadPoolExecutor(4) as pool,
    ):
        what = f"downloading Kafka {kafka_version()}: {len(jars)} jars"
        tell(what, 0.0)
        source = Source(Path(staging))
        work = [pool.submit(_fetch_one, jar, Path(staging), source) for jar in jars]
        try:
            for done, future in enumerate(as_completed(work), start=1):
                future.result()
                tell(what, done / len(jars))
        except OSError as error:
            raise disk_error(error, installation_dir(), "LABS_CACHE") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _fetch_one(jar: Jar, staging: Path, source: Source) -> None:
    """Download one jar into place, with a few attempts where another may help.

    Raises:
        LabsError: every attempt failed, or brought other bytes than the lock says.
    """
    draft = staging / jar.file_name
    for attempt in range(1, ATTEMPTS + 1):
        failure = source.download(jar.path, draft)
        if failure is None and not _is_intact(draft, jar):
            failure = other_bytes(draft)
        if failure is None:
            shutil.move(draft, jars_dir() / jar.file_name)
            return
        if not failure.passing or attempt == ATTEMPTS:
            times = f" in {attempt} attempts" if attempt > 1 else ""
            raise LabsError(
                f"{jar.file_name} could not be had from {source.name}{times}: {failure.what}",
                hint=f"{failure.hint}; then run the command again: finished downloads are kept",
            )
        time.sleep(attempt * PAUSE_S)


def _is_intact(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except OSError:
        return False


def _remove_leftovers() -> None:
    """Drop the staging folders of downloads that were killed."""
    for folder in installation_dir().glob("staging-*"):
        shutil.rmtree(folder, ignore_errors=True)


def make_lock() -> None:
    """Resolve `jars.toml` and write the lock anew (a maintainer's command: `make lock`)."""
    from jgo.env import EnvironmentBuilder, EnvironmentSpec
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory() as work:
        context = MavenContext(repo_cache=Path(work) / "m2", timeout=TIMEOUT_S)
        builder = EnvironmentBuilder(context=context, cache_dir=Path(work) / "env")
        builder.resolve_lockfile(EnvironmentSpec.load(SPEC)).save(LOCK)


if __name__ == "__main__":
    make_lock()
