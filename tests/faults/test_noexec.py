"""/tmp, and our own folders, on disks that run no programs (noexec): codecs work all the same."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from labs.supervise.home import cache_dir, may_run_programs
from tests.faults.test_places import own_mounts
from tests.helpers import Labs

CODECS = ("zstd", "snappy", "lz4", "gzip")


@contextmanager
def noexec(tmp_path: Path, *folders: Path) -> Iterator[tuple[str, ...]]:
    """A wrapper that runs commands where /tmp and `folders` run no programs."""
    here, disk = shlex.quote(str(tmp_path)), "mount -t tmpfs -o noexec tmpfs"
    steps = [f"mount --bind {here} /mnt", f"{disk} /tmp", f"mkdir -p {here}"]
    steps.append(f"mount --bind /mnt {here}")  # the test's own folder, and it alone, stays as it is
    for folder in folders:
        steps.append(f"mkdir -p {shlex.quote(str(folder))}")
        steps.append(f"{disk} {shlex.quote(str(folder))}")
    script = " && ".join([*steps, "echo mounted", "exec cat"])
    wrapper = [*own_mounts(), "sh", "-c", script]
    with subprocess.Popen(wrapper, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdin and keeper.stdout
        assert keeper.stdout.readline() == b"mounted\n"
        enter = ["nsenter", f"--target={keeper.pid}", "--mount"]
        if "-rm" in wrapper:
            enter.append("--user")
        yield (*enter, f"--wd={tmp_path}")
        keeper.stdin.close()


@pytest.mark.parametrize("home_too", [False, True], ids=["tmp", "tmp and the home"])
def test_every_codec_by_client_and_by_topic(labs: Labs, tmp_path: Path, home_too: bool) -> None:
    with noexec(tmp_path, *([labs.home.path] if home_too else [])) as labs.wrapper:
        up = labs.run("up", "--for", "0.2", "--json")
        assert up.code == 0, up.err
        try:
            assert refusals(",".join(json.loads(up.out)["bootstrap"])) == {}
        finally:
            labs.run("down")
            labs.wrapper = ()


def refusals(bootstrap: str) -> dict[str, str]:
    """What the brokers say against records of each codec."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    config = {codec: {"compression.type": codec} for codec in CODECS} | {"plain": {}}
    topics = [NewTopic(name, 1, 3, config=settings) for name, settings in config.items()]
    for made in admin.create_topics(topics).values():
        made.result(timeout=30)
    refused = {}
    pairs = [("none", codec) for codec in CODECS] + [(codec, "plain") for codec in CODECS]
    for codec, topic in pairs:
        settings = {"compression.type": codec, "message.timeout.ms": 10_000}
        producer = Producer({"bootstrap.servers": bootstrap, **settings})

        def told(error: object, _message: object, pair: str = f"{codec} to {topic}") -> None:
            if error is not None:
                refused[pair] = str(error)

        producer.produce(topic, b"a record worth compressing " * 50, on_delivery=told)
        producer.flush(30)
    return refused


@pytest.mark.parametrize("command", [("doctor",), ("up", "--for", "0.2")], ids=lambda c: c[0])
def test_nothing_may_be_loaded(labs: Labs, tmp_path: Path, command: tuple[str, ...]) -> None:
    # Only the temporary files of the cache: what was downloaded is there, as on a learner's disk.
    cache = shutil.copytree(cache_dir(), tmp_path / "cache", ignore=lambda *_: {"tmp"})
    with noexec(tmp_path, labs.home.path, cache / "tmp") as labs.wrapper:
        told = labs.run(*command, LABS_CACHE=str(cache), TMPDIR="/tmp")
        labs.run("down", LABS_CACHE=str(cache))
        labs.wrapper = ()
    assert told.code == 1
    said = told.out + told.err
    assert "neither LABS_HOME nor LABS_CACHE nor TMPDIR may run programs (noexec)" in said
    assert "set LABS_HOME to a folder on a disk that is mounted without noexec" in said
    assert "Traceback" not in said
    assert not labs.leftovers()


def test_a_folder_that_may_run_programs(tmp_path: Path) -> None:
    assert may_run_programs(tmp_path)
