"""Each part of each server, fetched where something is wrong: other bytes, half of them, no room.

Which there are, the servers say: one that is added is tried here as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.base import python
from labs.base.errors import LabsError
from labs.base.progress import silent
from labs.kafka.choose import chosen
from labs.services import apt, erlang
from labs.services.erlang import NoRabbitMQ, Ready
from labs.services.known import known
from labs.supervise import locked
from labs.supervise.home import PROJECT
from tests.faults.test_places import on_disk, own_mounts
from tests.services.sources import Web, give

PARTS = [(name, place) for name, server in known().items() for place in range(len(server.parts))]
#: How the sentence begins in which a part is told of that can't be had.
BEGINS = "{} can't be started: "


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server
        server.shutdown()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / "labs"))
    monkeypatch.setattr(locked, "PAUSE_S", 0.0)
    return tmp_path / "labs"


def files_in(cache: Path) -> list[Path]:
    """All but locks."""
    return [file for file in cache.rglob("*") if file.is_file() and file.suffix != ".lock"]


@pytest.mark.parametrize(("name", "place"), PARTS)
def test_bytes_that_are_not_what_was_meant(
    name: str, place: int, web: Web, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = known()[name].parts[place]
    if isinstance(part, Ready) and (erlang.find() or not apt.is_here()):
        pytest.skip("it is the RabbitMQ on PATH, or there is no apt here")
    server = known()[name](tmp_path / "home", lambda: chosen(hold=False))
    monkeypatch.setattr(server, "parts", (part,))
    given = give(part, web, tmp_path, monkeypatch)

    def must_refuse() -> None:
        with pytest.raises(LabsError) as caught:
            server.provide(silent)
        assert not isinstance(caught.value, NoRabbitMQ), "it can be had, once that is mended"
        told = str(caught.value)
        assert told.startswith(BEGINS.format(server.product))
        assert given.file in told
        assert "check the network" in told
        assert told.isprintable() and told.endswith(".")
        assert not server.provided()
        assert files_in(cache) == [], "nothing half-fetched is left"

    given.put(False)
    must_refuse()
    given.put(True)
    given.cut(True)
    must_refuse()
    given.cut(False)
    assert part.ensure().is_relative_to(cache)
    assert server.provided()
    web.files.clear()
    part.ensure()  # it is there: nothing is asked for again


#: Tries to fetch each part of each server, and to start each that needs no Kafka; prints who it
#: was, and what was said.
EACH = """
import json
from labs.base.errors import LabsError
from labs.base.progress import silent
from labs.services.known import known, services
from labs.supervise.home import Path
parts, homes = [], []
for kind in known().values():
    for part in kind.parts:
        server = kind(Path("/nowhere"), lambda: None)
        server.parts = (part,)
        try:
            server.provide(silent)
        except LabsError as error:
            parts.append((server.product, str(error)))
for one in services():
    if not one.server.needs_kafka:
        try:
            one.start()
        except LabsError as error:
            homes.append(str(error))
print(json.dumps((parts, homes)))
"""


@pytest.mark.parametrize(
    ("disk", "why"), [("size=2m", "MB are needed"), ("nr_inodes=1", "is full")]
)
def test_no_room(cache: Path, disk: str, why: str) -> None:
    """The disk is really too small; in the second case it is the system that says so."""
    done = subprocess.run(
        [*on_disk(cache, disk), *python.code(EACH)],
        env={**os.environ, "LABS_HOME": str(cache / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told, homes = json.loads(done.stdout)
    products = [known()[name].product for name, _ in PARTS]
    if erlang.find():  # on PATH: it needs no room
        products.remove(known()["rabbitmq"].product)
    assert [product for product, _ in told] == products
    for product, said in told:
        assert said.startswith(BEGINS.format(product))
        assert why in said and str(cache) in said and "set LABS_CACHE" in said
        assert said.isprintable()
    assert len(homes) == sum(not server.needs_kafka for server in known().values())
    assert all(why in said and "set LABS_HOME" in said and said.isprintable() for said in homes)


def test_a_disk_that_fills_up_meanwhile(cache: Path) -> None:
    if erlang.find() or not apt.is_here():
        pytest.skip("RabbitMQ is on PATH, or there is no apt here")
    cache.mkdir()
    done = subprocess.run(
        [*own_mounts(), sys.executable, "-m", "tests.services.filling"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [product for product, _ in told] == [known()[name].product for name, _ in PARTS]
    for product, said in told:
        assert said.startswith(BEGINS.format(product))
        assert "free some space" in said and "LABS_CACHE" in said and said.isprintable()
