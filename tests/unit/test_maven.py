"""What Maven is told, and what becomes of its answer; Maven itself is a maintainer's."""

from __future__ import annotations

import hashlib
import subprocess
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labs.supervise import maven
from labs.supervise.locked import Locked

SPEC = """
[environment]
name = "planes"

[dependencies]
managed = "org.planes:parent:1.0"
coordinates = ["org.planes:wings:1.0"]
exclusions = ["org.trains:*"]
"""
JARS = ("org/planes/wings/1.0/wings-1.0.jar", "org/air/lift/2.5/lift-2.5.jar")


def test_it_resolves_what_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def run(command: list[str], cwd: Path, **_: Any) -> SimpleNamespace:
        told.append((cwd / "pom.xml").read_text())
        (repository,) = (w.partition("=")[2] for w in command if "maven.repo.local" in w)
        found = [Path(repository, jar) for jar in JARS]
        for jar in found:
            jar.parent.mkdir(parents=True)
            jar.write_text(jar.name)
        (cwd / "path.txt").write_text(":".join(map(str, found)))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    spec = tmp_path / "planes.toml"
    spec.write_text(SPEC)
    locked = Locked(spec, "Planes", "wings", 1)
    maven.renew(locked)
    assert (
        "<exclusion><groupId>org.trains</groupId><artifactId>*</artifactId></exclusion>" in told[0]
    )
    assert "<version>1.0</version><type>pom</type><scope>import</scope>" in told[0]
    assert tomllib.loads(locked.lock.read_text())["environment"]["name"] == "planes"
    assert locked.version == "1.0"
    assert {jar.path for jar in locked.jars} == set(JARS)
    wings = next(jar for jar in locked.jars if jar.artifact == "wings")
    assert wings.sha256 == hashlib.sha256(b"wings-1.0.jar").hexdigest()
