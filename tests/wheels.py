"""`python -m tests.wheels`: can every locked package be installed without a compiler, everywhere?

`make lock` ends with it, and fails if it fails. uv tells the files of every locked package; the
tags in their names say where each can be installed (Python's packaging guide, "Platform
compatibility tags").
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

from labs.supervise.home import PROJECT

LOCKS = PROJECT / "locks"
#: What comes with a server beside Kafka.
BESIDE = sorted((LOCKS / "services").glob("*.txt"))
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
#: The oldest C library of the Linux that README names (Debian 12 has 2.36), and the oldest macOS.
GLIBC = (2, 28)
MACOS = (13, 0)
#: Each with the lock that must fit it; `test.txt` has all that `study.txt` has. On a Mac with an
#: Intel processor one can study, but not test (`cryptography` has no wheel for it).
MACHINES = {
    ("linux", "x86_64"): "test",
    ("linux", "aarch64"): "test",
    ("darwin", "arm64"): "test",
    ("darwin", "x86_64"): "study",
}
Package = dict[str, Any]


def packages(lock: Path) -> list[Package]:
    """The lock's packages as PEP 751 writes them: `name`, `version`, `marker` and `wheels`.

    Of the wheels there are those whose sha256 is in the lock. Without a network, uv remembers.
    """
    uv = (PROJECT / ".venv" / "uv").read_text().strip()
    command = [uv, "pip", "compile", "-q", "--universal", "--no-deps", "--format", "pylock.toml"]
    command += ["--python-version", "3.11", str(lock)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        command.append("--offline")
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    locked = lock.read_text("utf-8")
    found: list[Package] = tomllib.loads(done.stdout)["packages"]
    for package in found:
        wheels = package.get("wheels", [])
        package["wheels"] = [w for w in wheels if f"sha256:{w['hashes']['sha256']}" in locked]
    return found


def without_wheel(
    found: list[Package], system: str, processor: str, python: tuple[int, int]
) -> list[str]:
    """The packages that would have to be compiled on such a machine."""
    fitting = tags(system, processor, python)
    where = environment(system, processor, python)
    return [
        f"{package['name']} {package['version']}"
        for package in found
        if ("marker" not in package or Marker(package["marker"]).evaluate(where))
        and not any(fitting & tags_of(wheel) for wheel in package["wheels"])
    ]


def tags(system: str, processor: str, python: tuple[int, int]) -> set[Tag]:
    """What that machine's Python installs."""
    if system == "darwin":
        platforms = list(mac_platforms(MACOS, processor))
    else:
        major, newest = GLIBC
        names = [f"manylinux_{major}_{minor}" for minor in range(newest, 4, -1)]
        names += ["manylinux2014", "manylinux2010", "manylinux1"]  # of 2.17, 2.12 and 2.5 (PEP 600)
        platforms = [f"{name}_{processor}" for name in names]
    return set(
        chain(cpython_tags(python, None, platforms), compatible_tags(python, None, platforms))
    )


def tags_of(wheel: dict[str, Any]) -> frozenset[Tag]:
    """What a wheel says in its name."""
    return parse_wheel_filename(wheel.get("name") or wheel["url"].rpartition("/")[2])[-1]


def environment(system: str, processor: str, python: tuple[int, int]) -> dict[str, str]:
    """The variables of the dependency specifiers' markers there."""
    version = ".".join(map(str, python))
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": processor,
        "platform_python_implementation": "CPython",
        "platform_system": system.capitalize(),
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": system,
    }


def main() -> str:
    """Look at all machines; says what is missing where, in lines."""
    files = [LOCKS / f"{name}.txt" for name in set(MACHINES.values())]
    locks = {file: packages(file) for file in (*files, *BESIDE)}
    return "\n".join(
        f"Python {python[0]}.{python[1]} on {system} {processor}: no wheel of {', '.join(missing)}"
        for (system, processor), lock in MACHINES.items()
        for python in PYTHONS
        for file in (LOCKS / f"{lock}.txt", *BESIDE)
        if (missing := without_wheel(locks[file], system, processor, python))
    )


if __name__ == "__main__":
    sys.exit(main() or None)
