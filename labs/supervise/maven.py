"""A lock that Maven itself resolves, where jgo can't (a maintainer's command; needs `mvn`).

The spec is jgo's, and may name one thing more: `managed`, a POM whose versions count for all.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from labs.supervise.locked import Locked

POM = "http://maven.apache.org/POM/4.0.0"


def renew(locked: Locked) -> None:
    """Resolve what is wanted, and write the lock anew."""
    spec = tomllib.loads(locked.spec.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as work:
        files = _resolved(spec["dependencies"], Path(work))
        entries = "".join(map(_entry, files))
    head = (
        f'[metadata]\ngenerated = "{datetime.now(UTC).isoformat()}"\n\n'
        f'[environment]\nname = "{spec["environment"]["name"]}"\n'
    )
    locked.lock.write_text(head + entries, "utf-8")


def _resolved(wanted: dict[str, Any], work: Path) -> Iterator[tuple[Path, Path]]:
    """Each file that Maven puts on the class path: where it lies, and its path in a repository."""
    (work / "pom.xml").write_bytes(tostring(_pom(wanted)))
    repository = work / "repository"
    goal = ["dependency:build-classpath", "-DincludeScope=runtime", "-Dmdep.outputFile=path.txt"]
    command = ["mvn", "-q", "-B", "-ntp", f"-Dmaven.repo.local={repository}", *goal]
    subprocess.run(command, cwd=work, check=True)
    # Maven's own order is another one each time.
    for name in sorted((work / "path.txt").read_text().strip().split(":")):
        yield Path(name), Path(name).relative_to(repository)


def _pom(wanted: dict[str, Any]) -> Element:
    project = Element("project", xmlns=POM)
    _tell(project, modelVersion="4.0.0", groupId="labs", artifactId="lock", version="1")
    if "managed" in wanted:
        management = SubElement(SubElement(project, "dependencyManagement"), "dependencies")
        managed = SubElement(management, "dependency")
        _tell(managed, **_named(wanted["managed"]), type="pom", scope="import")
    dependencies = SubElement(project, "dependencies")
    for coordinate in wanted["coordinates"]:
        dependency = SubElement(dependencies, "dependency")
        _tell(dependency, **_named(coordinate))
        exclusions = SubElement(dependency, "exclusions")
        for excluded in wanted.get("exclusions", ()):
            _tell(SubElement(exclusions, "exclusion"), **_named(excluded))
    return project


def _named(coordinate: str) -> dict[str, str]:
    """The parts of `group:artifact` or `group:artifact:version`."""
    parts = coordinate.split(":")
    return dict(zip(("groupId", "artifactId", "version"), parts, strict=False))


def _tell(element: Element, **values: str) -> None:
    for name, value in values.items():
        SubElement(element, name).text = value


def _entry(file: tuple[Path, Path]) -> str:
    """What the lock says of one file."""
    where, path = file
    *group, artifact, version, name = path.parts
    assert name == f"{artifact}-{version}.jar", f"{name} has a classifier"
    digest = hashlib.sha256(where.read_bytes()).hexdigest()
    return (
        f'\n[[dependencies]]\ngroupId = "{".".join(group)}"\nartifactId = "{artifact}"\n'
        f'version = "{version}"\npackaging = "jar"\nsha256 = "{digest}"\n'
    )
