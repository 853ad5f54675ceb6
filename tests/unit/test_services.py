"""What must be true of each server beside Kafka before any of them starts."""

from __future__ import annotations

import pytest

import labs
from labs.base.errors import BadInput
from labs.base.progress import silent
from labs.services import together
from labs.services.known import known, service, services
from labs.services.packages import Packages, locked
from labs.supervise.home import PROJECT, Home
from tests.servers import rows, with_servers


def test_the_readme_has_their_table() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    assert with_servers(readme) == readme, "`python -m tests.servers` makes it anew"
    assert rows()
    assert with_servers(readme.replace(f"{rows()[0]}\n", "")) == readme


@pytest.mark.parametrize("name", known())
def test_each_says_what_it_is(name: str) -> None:
    server = service(name, home=Home(PROJECT)).server
    assert server.id == name
    assert server.product and server.licence
    assert server.version[:1].isdigit() or not server.pinned
    assert server.download_mb > 0 and server.memory_mb > 0
    assert len({server.name(node) for node in server.ids}) == len(server.ids)
    assert server.misfit({"version": "0"}) and not server.misfit({"version": server.version})


def test_those_that_need_kafka_are_stopped_first() -> None:
    needing = [one.server.needs_kafka for one in services(home=Home(PROJECT))]
    assert needing == sorted(needing, reverse=True)


def test_one_that_does_not_exist() -> None:
    with pytest.raises(BadInput, match=r"there is no server 'x'; there are .*postgres"):
        service("x")
    with pytest.raises(AttributeError):
        labs.services.x  # noqa: B018


def test_a_door_for_notebooks() -> None:
    assert all(callable(getattr(labs.services, name)) for name in known())


def test_packages_that_no_server_needs_come_with_the_servers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetched: list[Packages] = []
    monkeypatch.setattr(together, "services", lambda *_, **__: [])
    monkeypatch.setattr(Packages, "ensure", lambda self, _tell: fetched.append(self))
    together.provide_all(silent)
    assert [one.version("duckdb")[:1].isdigit() for one in fetched] == [True]
    assert set(locked()) - set(known()) == {"duckdb"}


def test_packages_that_do_not_exist() -> None:
    with pytest.raises(BadInput, match=r"there are no packages 'x'; there are duckdb"):
        labs.packages("x")
