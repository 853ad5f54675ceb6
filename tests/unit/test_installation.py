"""Jars by hash, Java by version, storage by cluster: nothing is trusted by its name."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest

from labs.base.errors import LabsError
from labs.kafka.installation import Installation, archive_key, format_storage, new_id
from labs.kafka.jars import KAFKA
from labs.supervise.children import rotate
from labs.supervise.java import Java, find_java, modern
from labs.supervise.locked import Jar


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABS_CACHE", str(tmp_path))
    return tmp_path


def test_the_lock() -> None:
    locked = KAFKA.jars
    assert len({jar.file_name for jar in locked}) == len(locked) > 30
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in locked)
    assert {"slf4j-simple", "kafka_2.13"} <= {jar.artifact for jar in locked}
    assert KAFKA.version == "4.3.1"


def test_the_cache_belongs_to_one_lock(cache: Path) -> None:
    digest = hashlib.sha256(KAFKA.lock.read_bytes()).hexdigest()
    assert KAFKA.place == cache / f"kafka-4.3.1-{digest[:8]}"


def test_only_the_hash_counts(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, other = b"a jar", b"a jaR"
    names = ("intact", "changed", "shorter", "missing")
    wanted = [Jar("g", name, "1", hashlib.sha256(good).hexdigest()) for name in names]
    monkeypatch.setattr(KAFKA, "version", "1")
    monkeypatch.setattr(KAFKA, "jars", tuple(wanted))
    KAFKA.folder.mkdir(parents=True)
    for jar, content in zip(wanted, (good, other, good[:2]), strict=False):
        (KAFKA.folder / jar.file_name).write_bytes(content)
    assert [jar.artifact for jar in KAFKA.broken()] == ["changed", "shorter", "missing"]


@pytest.mark.parametrize(
    ("said", "version"), [("25.0.2", "25.0.2"), ("1.8.0_402", "8.0_402"), ("11.0.2", "11.0.2")]
)
def test_java_versions(said: str, version: str) -> None:
    assert modern(said) == version


def fake_java(path: Path, said: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "21.0.1" 2023-10-17 LTS', "21.0.1"),
        ('openjdk version "17-ea" 2021-09-14', "17"),
    ],
)
def test_java_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, version: str
) -> None:
    java = fake_java(tmp_path / "java", said)
    monkeypatch.setenv("LABS_JAVA", str(java))
    assert find_java() == Java(java, version)


def test_java_by_its_bare_name_or_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    java = fake_java(tmp_path / "bin" / "some-java", 'openjdk version "21.0.1"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("LABS_JAVA", "some-java")
    assert find_java().path == java
    java.rename(java.with_name("java"))
    monkeypatch.setenv("LABS_JAVA", str(tmp_path))
    assert find_java().path == tmp_path / "bin" / "java"


def test_the_bundled_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABS_JAVA", raising=False)
    assert int(find_java().version.split(".")[0]) >= 17


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    checkpoint = tmp_path / "bootstrap.checkpoint"
    checkpoint.write_bytes(b"features")
    return Installation(Java(Path("java"), "25"), "a.jar:b.jar", checkpoint)


def test_formatting(installation: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "records"
    format_storage(installation, folder, "cluster", 2)
    meta = (folder / "meta.properties").read_text()
    assert {"version=1", "cluster.id=cluster", "node.id=2"} <= set(meta.splitlines())
    assert (folder / "bootstrap.checkpoint").read_bytes() == b"features"
    format_storage(installation, folder, "cluster", 2)
    assert (folder / "meta.properties").read_text() == meta  # kept
    with pytest.raises(LabsError, match="does not name this cluster's id"):
        format_storage(installation, folder, "another", 2)


def test_the_class_archive_outlives_an_image_registry(tmp_path: Path) -> None:
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"")
    installation = Installation(Java(Path("java"), "25"), str(jar), tmp_path)
    keys = []
    for time_ns in (
        1_700_000_000_123_456_789,
        1_700_000_000_000_000_000,
        1_700_000_001_000_000_000,
    ):
        os.utime(jar, ns=(time_ns, time_ns))
        keys.append(archive_key(installation))
    assert keys[0] == keys[1] != keys[2]


def test_ids() -> None:
    ids = {new_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(re.fullmatch(r"[\w][\w-]{21}", text) for text in ids)


def test_long_logs_are_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labs.supervise.children.LOG_LIMIT_BYTES", 10)
    log = tmp_path / "broker-1.log"
    rotate(log)
    log.write_text("short")
    rotate(log)
    assert log.exists()
    log.write_text("longer than that")
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "broker-1.log.1").read_text() == "longer than that"
