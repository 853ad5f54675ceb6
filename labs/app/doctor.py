"""What can be wrong with a machine, and how to mend it."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from labs.base.errors import LabsError
from labs.kafka.backend import backend
from labs.kafka.choose import chosen
from labs.kafka.installation import library_folder
from labs.kafka.jars import KAFKA
from labs.kafka.local import runner_of
from labs.services.known import services
from labs.services.service import Service
from labs.supervise import ports
from labs.supervise.cgroup import memory_room_mb
from labs.supervise.home import MIN_FREE_MB, Home, cache_dir, make_writable, require_space
from labs.supervise.java import find_java
from labs.supervise.machine import require_seen_from_here

#: JupyterLab, a kernel and its helpers take some 380 MB, four JVMs of ours 430, containers 600.
NEEDED_MEMORY_MB = {"local": 900, "compose": 1000, "external": 400}
OLDEST_PYTHON = (3, 11)


Check = Callable[[], "Diagnosis"]


@dataclass(frozen=True)
class Diagnosis:
    """One check: what was looked at, what was found, how to mend it (empty when all is well)."""

    name: str
    found: str
    mend: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing needs mending."""
        return not self.mend

    @property
    def mark(self) -> str:
        """A tick or a cross."""
        return "✓" if self.good else "✗"


def examine() -> Iterator[Diagnosis]:
    """Run every check; a check that fails to look counts as a finding, not as a crash.

    Raises:
        BadInput: `LABS_CLUSTER` names no backend.
    """
    home = Home.current()
    everywhere: list[tuple[str, Check]] = [
        ("Python", _python),
        ("memory", _memory),
        ("home", lambda: _writable("home", home.path, "LABS_HOME")),
        ("disk", lambda: _disk(home)),
        *((one.server.id, partial(_server, one)) for one in services(hold=False)),
    ]
    of_backend: dict[str, list[tuple[str, Check]]] = {
        "local": [
            ("Java", _java),
            ("jars", _jars),
            ("cache", _cache),
            ("libraries", lambda: _libraries(home)),
            ("ports", lambda: _ports(home)),
            ("processes", lambda: _processes(home)),
        ],
        "compose": [("engine", _engine), ("Compose", _compose)],
        "external": [("Kafka", _kafka)],
    }
    for name, check in everywhere + of_backend[backend()]:
        try:
            yield check()
        except LabsError as error:
            yield Diagnosis(name, error.what, error.hint or "see above")
        except (OSError, psutil.Error) as error:
            yield Diagnosis(name, f"could not be checked ({error})", "run `labs doctor` again")


def _server(one: Service) -> Diagnosis:
    """A server beside Kafka: what it does, where its programs are, what was left behind of it."""
    status, name = one.status(), one.server.id
    if one.runner.strays():  # of somebody who was killed
        found = f"processes of {status.product} were left behind"
        return Diagnosis(name, found, "run `labs down`: it ends them")
    found = f"{status.product} {status.version}".strip()
    return Diagnosis(name, f"{found}: {status.told}; {one.server.check()}")


def _engine() -> Diagnosis:
    from labs.supervise import engine

    client = engine.connect()
    with engine.told():
        return Diagnosis("engine", f"{client.version()['Version']} answers")


def _compose() -> Diagnosis:
    from labs.supervise import engine

    return Diagnosis("Compose", engine.compose_version())


def _kafka() -> Diagnosis:
    """Everything that a start looks at: who answers, how old it is, what may be done there."""
    cluster = chosen()
    status = cluster.start()
    found = f"{status.kafka_version} with {len(status.nodes)} brokers"
    own = f"your topics and groups begin with {cluster.prefix}"
    return Diagnosis("Kafka", "; ".join((found, own, *status.remarks)))


def _python() -> Diagnosis:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= OLDEST_PYTHON
    return Diagnosis("Python", version, "" if good else "install Python 3.11 or newer")


def _java() -> Diagnosis:
    java = find_java()
    return Diagnosis("Java", f"{java.version} at {java.path}")


def _jars() -> Diagnosis:
    broken = KAFKA.broken()
    if not broken:
        whole = f"{len(KAFKA.jars)} of Kafka {KAFKA.version}, all intact"
        return Diagnosis("jars", whole)
    missing = sum(not (KAFKA.folder / jar.file_name).exists() for jar in broken)
    found = f"{missing} missing and {len(broken) - missing} damaged in {KAFKA.folder}"
    return Diagnosis("jars", found, "run `labs up`: it fetches them again (45 MB)")


def _memory() -> Diagnosis:
    free = psutil.virtual_memory().available // 1_000_000
    limit = memory_room_mb()
    room = min(free, limit) if limit is not None else free
    told = f"{free} MB available" + (
        f", {limit} MB left in this container" if limit is not None else ""
    )
    if _is_running():
        return Diagnosis("memory", told + " (the cluster is running)")
    needed = NEEDED_MEMORY_MB[backend()]
    mend = f"close programs: the labs take about {needed} MB"
    return Diagnosis("memory", told, "" if room >= needed else mend)


def _is_running() -> bool:
    if backend() == "compose":
        with contextlib.suppress(LabsError):  # no engine, which another check tells of
            return chosen(hold=False).status().up
    return bool(runner_of(Home.current()).processes())


def _writable(name: str, folder: Path, variable: str) -> Diagnosis:
    make_writable(folder, variable)
    return Diagnosis(name, f"{folder} can be written")


def _cache() -> Diagnosis:
    """Where the downloads go: it may lie on another disk than the home does."""
    found = _writable("cache", cache_dir(), "LABS_CACHE")
    if not KAFKA.folder.exists():
        require_space(cache_dir(), KAFKA.needed_mb, "LABS_CACHE")
    return found


def _libraries(home: Home) -> Diagnosis:
    """Where the brokers unpack what compresses records (`own_tmp`)."""
    place = library_folder(home.path)
    return Diagnosis("libraries", f"zstd and snappy can be loaded from {place}")


def _disk(home: Home) -> Diagnosis:
    place = next(place for place in (home.path, *home.path.parents) if place.exists())
    free = shutil.disk_usage(place).free // 1_000_000
    mend = f"free some space, or set LABS_HOME to another disk: {MIN_FREE_MB} MB are needed"
    return Diagnosis("disk", f"{free} MB free", "" if free >= MIN_FREE_MB else mend)


def _ports(home: Home) -> Diagnosis:
    servers = runner_of(home).look().values()
    if servers and _is_running():
        used = ", ".join(str(server.port) for server in servers)
        return Diagnosis("ports", f"{used} in use by us")
    chosen = ports.choose_ports(4)
    return Diagnosis("ports", f"{chosen[0]}–{chosen[-1]} on {ports.HOST} are free")


def _processes(home: Home) -> Diagnosis:
    require_seen_from_here(home.path)
    runner = runner_of(home)
    strays = runner.strays()
    found = f"{len(runner.processes())} Kafka processes of this home, as they should be"
    if not strays:
        return Diagnosis("processes", found)
    names = ", ".join(map(str, strays))
    return Diagnosis("processes", f"{names} were left behind", "run `labs down`: it ends them")
