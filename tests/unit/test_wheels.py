"""Nobody needs a compiler: every locked package and jar is there for each promised machine."""

from __future__ import annotations

import re
import zipfile
from functools import cache
from pathlib import Path

import pytest

from labs.kafka.jars import KAFKA
from tests.wheels import LOCKS, MACHINES, PYTHONS, Package, packages, without_wheel

#: What a wheel is called that nobody but one kind of machine can install.
ONLY_X86 = "fast-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"


@cache
def locked(name: str) -> list[Package]:
    return packages(LOCKS / f"{name}.txt")


@pytest.mark.parametrize("machine", MACHINES, ids=" ".join)
def test_every_locked_package_has_a_wheel(machine: tuple[str, str]) -> None:
    found = locked(MACHINES[machine])
    assert len(found) > 100
    missing = {python: without_wheel(found, *machine, python) for python in PYTHONS}
    assert missing == {python: [] for python in PYTHONS}


def test_a_missing_wheel_is_noticed() -> None:
    def missing(*names: str, marker: str = "python_version >= '3'") -> list[str]:
        wheels = [{"name": name} for name in names]
        package = {"name": "fast", "version": "1.0", "marker": marker, "wheels": wheels}
        return without_wheel([package], "linux", "aarch64", (3, 12))

    assert missing() == missing(ONLY_X86) == ["fast 1.0"]
    assert missing(ONLY_X86, marker="sys_platform == 'win32'") == []
    assert missing("fast-1.0-py3-none-any.whl") == []
    assert missing("fast-1.0-cp39-abi3-manylinux2014_aarch64.whl") == []
    assert missing("fast-1.0-cp312-cp312-manylinux_2_39_aarch64.whl") == ["fast 1.0"], "too new"
    assert missing("fast-1.0-cp312-cp312-musllinux_1_2_aarch64.whl") == ["fast 1.0"]


def test_a_wheel_whose_hash_is_not_locked_does_not_count(tmp_path: Path) -> None:
    (version,) = [p["version"] for p in locked("study") if p["name"] == "anyio"]
    lock = tmp_path / "one.txt"
    lock.write_text(f"anyio=={version} --hash=sha256:{'0' * 64}\n")
    assert [package["wheels"] for package in packages(lock)] == [[]]


def test_a_jar_with_native_code_has_it_for_every_machine() -> None:
    libraries = re.compile(r"\.(so|dylib|jnilib)$")
    native = 0
    for jar in KAFKA.ensure().glob("*.jar"):
        with zipfile.ZipFile(jar) as archive:
            names = [name.lower() for name in archive.namelist() if libraries.search(name)]
        native += bool(names)
        for machine in (r"linux/(amd64|x86_64)/", "linux/aarch64/", "(darwin|mac)/aarch64/"):
            assert not names or any(re.search(machine, name) for name in names), (jar, machine)
    assert native == 3  # snappy, lz4, zstd
