"""Programs of the system's own packages (Debian's, Ubuntu's), unpacked by an ordinary user.

apt verifies them: a key of the system's signs the list of packages, and that names each by its
sha256 (apt-secure(8)). Nothing is installed, and nothing of the system's is changed: where its
lists of packages are missing or too old, as in a container, lists of our own are fetched meanwhile,
by its own sources and keys.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from labs.base.errors import LabsError
from labs.base.programs import run
from labs.base.progress import Tell
from labs.base.words import Words
from labs.supervise.home import cache_dir, disk_is_full
from labs.supervise.making import make_once

words = Words(__file__)

#: What must be there.
PROGRAMS = ("apt-get", "apt-cache", "dpkg-deb")
#: Whatever the system's configuration says: nothing that is not signed.
SIGNED = (
    "APT::Get::AllowUnauthenticated=false",
    "Acquire::AllowInsecureRepositories=false",
    "Acquire::AllowWeakRepositories=false",
)
#: How much more room what is unpacked takes than the packages.
GROWTH = 3
LOOK_EVERY_S = 0.2


#: What it says of lists of packages that it could not have.
_FAILED = re.compile(r"^(E:|W: Failed to fetch|W: Some index files failed)", re.MULTILINE)


class NoPackage(LabsError):  # noqa: N818 - it names what there is
    """The system's packages do not hold that one."""


def is_here() -> bool:
    """Whether this system has apt."""
    return all(map(shutil.which, PROGRAMS))


def unpack(package: str, beside: str, place: Path, megabytes: int, tell: Tell) -> None:
    """Fetch a package and some that it depends on; `place` appears only when it is whole.

    Args:
        package: its name.
        beside: a pattern of the names of those that are to come with it.
        place: the folder to make, in the cache.
        megabytes: about how large all of them are, MB.
        tell: hears how far it is.

    Raises:
        LabsError: no network, no space; what apt says.
    """

    def make(draft: Path) -> None:
        fetched = draft.with_name("packages")
        fetched.mkdir()
        _fetch(package, beside, fetched, draft.parent, megabytes, tell)
        tell(words("fetching.unpacking", name=package), None)
        for file in sorted(fetched.glob("*.deb")):
            _unpack(file, draft, package)

    make_once(place, make, megabytes * (1 + GROWTH))


def _fetch(
    package: str, beside: str, fetched: Path, work: Path, megabytes: int, tell: Tell
) -> None:
    """Download by the system's lists; where these do not do, by fresh ones of our own."""
    try:
        _download(_names(package, beside, ()), (), fetched, megabytes, tell)
    except LabsError:
        tell(words("apt.lists"), None)
        own = _own_lists(work)
        # One source of many may be out of reach: whether the package is found tells enough.
        updated = _apt("apt-get", own, "update")
        _download(_names(package, beside, own, updated.stderr), own, fetched, megabytes, tell)


def _own_lists(work: Path) -> tuple[str, ...]:
    """Options that have apt keep what it knows in a folder of ours."""
    for name in ("lists/partial", "archives/partial"):
        (work / name).mkdir(parents=True, exist_ok=True)
    return (
        f"Dir::State::lists={work / 'lists'}",
        f"Dir::Cache={work}",
        f"Dir::Cache::archives={work / 'archives'}",
    )


def _names(package: str, beside: str, options: Sequence[str], before: str = "") -> list[str]:
    """The package, and what it depends on that is to come with it, however far away.

    `before`: what apt has said of its lists.
    """
    told = _apt("apt-cache", options, "depends", "--recurse", "--important", package)
    # A name at the line's begin is a package; those in <angles> are none of their own.
    found = re.findall(r"^([a-z0-9][\w.+-]*)(?::\w+)?$", told.stdout, re.M)
    if told.returncode or package not in found:
        because = _cause(before) or _cause(told.stderr)
        hint = _way_on(before, words("apt.sources_hint"))
        if _FAILED.search(before):  # so nobody can say that there is none
            what = words("apt.no_list", package=package)
            raise LabsError(what, because=because, hint=hint)
        raise NoPackage(words("apt.none", package=package), because=because, hint=hint)
    return [package, *sorted({name for name in found if re.fullmatch(beside, name)})]


def _download(
    names: Sequence[str], options: Sequence[str], fetched: Path, megabytes: int, tell: Tell
) -> None:
    command = _command("apt-get", options, "download", *names)
    said = fetched / "said"
    with said.open("wb") as out:
        apt = subprocess.Popen(
            command, cwd=fetched, env=_environment(), stdout=out, stderr=subprocess.STDOUT
        )
        try:
            while apt.poll() is None:
                size = sum(file.stat().st_size for file in fetched.glob("*.deb"))
                what = words("apt.downloading", count=len(names), first=names[0])
                tell(what, min(size / 1e6 / megabytes, 1.0))
                time.sleep(LOOK_EVERY_S)
        finally:
            apt.kill()
            apt.wait()
    if apt.returncode:
        told = said.read_text("utf-8", "replace")
        raise LabsError(
            words("apt.not_had", package=names[0]),
            because=_cause(told),
            hint=_way_on(told),
        )


def _unpack(file: Path, draft: Path, package: str) -> None:
    done = run(["dpkg-deb", "-x", file, draft], env=_environment())
    if done.returncode:
        raise LabsError(
            words("apt.not_unpacked", package=package),
            because=_cause(done.stderr),
            hint=_way_on(done.stderr),
        )


def _way_on(said: str, otherwise: str = "") -> str:
    """What to do after what apt has said; `otherwise`, unless the disk is full."""
    if disk_is_full(said, cache_dir()):
        return words("apt.room_hint")
    return otherwise or words("apt.network_hint")


def _apt(program: str, options: Sequence[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(_command(program, options, *arguments), env=_environment())


def _command(program: str, options: Sequence[str], *arguments: str) -> list[str]:
    chosen = [word for option in (*SIGNED, *options) for word in ("-o", option)]
    return [program, "-q", *chosen, *arguments]


def _environment() -> dict[str, str]:
    """Ours, with the proxy that it may name, and no translations."""
    return {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def _cause(said: str) -> str:
    """The last line that tells of an error."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "dpkg-deb: error"))]
    return (errors or lines or [""])[-1].removeprefix("E:").strip()
