"""What must be true of each server beside Kafka before any of them starts."""

from __future__ import annotations

import re
from pathlib import Path
from threading import Event

import pytest

import labs
from labs.app import services as app
from labs.base.errors import BadInput
from labs.base.progress import Tell, silent
from labs.base.variables import UNATTENDED
from labs.services import ahead, together
from labs.services.known import known, service, services
from labs.services.packages import Packages, locked
from labs.services.service import Service
from labs.services.status import NodeStatus, ServiceStatus
from labs.supervise.home import PROJECT, Home
from labs.supervise.runner import State
from tests.servers import needing, rows, with_servers


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
    assert 0 < server.starts_within_s <= server.ready_timeout_s
    assert server.ports_for[0] == "clients"
    assert needing(name), "a chapter asks for it"
    assert len({server.name(node) for node in server.ids}) == len(server.ids)
    assert server.misfit({"version": "0"}) and not server.misfit({"version": server.version})


def test_the_readme_says_what_there_is_without_each() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    _, _, table = readme.partition("| without | there is still |\n|---|---|\n")
    told = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table.partition("\n\n")[0], re.MULTILINE))
    assert set(told) == set(known())
    for name, still in told.items():
        assert re.findall(r"chapter (\d+)", still) == needing(name)


class Missing:
    """A part that is not here."""

    def provided(self) -> bool:
        return False

    def ensure(self, tell: Tell = silent) -> Path:
        tell("downloading it", 0.5)
        return PROJECT


@pytest.mark.parametrize("name", known())
def test_how_much_is_fetched_is_told_before_and_meanwhile(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = service(name, home=Home(PROJECT)).server
    monkeypatch.setattr(server, "parts", (Missing(),))
    told: list[str] = []

    def tell(text: str, _fraction: float | None = None) -> None:
        told.append(text)

    server.provide(tell)
    size = f"{server.download_mb} MB"
    assert told == [
        f"{server.product} is downloaded first: {size}",
        f"fetching {server.product} ({size}): downloading it",
    ]


def test_what_is_started_ahead_tells_its_size_and_who_waits_hears_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heard, told = Event(), list[tuple[str, float | None]]()

    def start(self: Service) -> None:
        self.server.provide(self._tell)
        assert heard.wait(30)

    monkeypatch.setattr(Service, "start", start)
    server = known()["pulsar"]
    monkeypatch.setattr(server, "parts", (Missing(),))
    labs.services.start("pulsar")
    size = f"{server.download_mb} MB"
    assert capsys.readouterr().out == f"… Pulsar is downloaded in the background: {size}\n"

    def tell(text: str, fraction: float | None = None) -> None:
        told.append((text, fraction))
        heard.set()

    ahead.hear("pulsar", tell)
    assert told[-1] == (f"fetching Pulsar ({size}): downloading it", 0.5)
    ahead.hear("pulsar", lambda *_: pytest.fail("it has ended"))


def test_a_notebook_that_runs_by_itself_looks_the_same_on_each_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(UNATTENDED, "1")
    monkeypatch.setattr(Service, "start", lambda _self: None)
    monkeypatch.setattr(known()["pulsar"], "parts", (Missing(),))
    labs.services.start("pulsar")
    assert capsys.readouterr().out == ""


def stands(*states: State) -> ServiceStatus:
    """A server of which each node is as told."""
    nodes = [
        NodeStatus(n, state, None, {"clients": 27090 + 2 * n, "inner": 27091 + 2 * n})
        for n, state in enumerate(states)
    ]
    return ServiceStatus(
        name="registry",
        product="Apicurio Registry",
        version="3.10.10",
        licence="Apache-2.0",
        state=states[0] if states else None,
        ports=[node.ports["clients"] for node in nodes],
        memory_mb=1000,
        download_mb=0,
        ready_s=1.0,
        size_mb=100,
        nodes=nodes,
    )


def test_how_nodes_stand_is_told_of_each_where_they_differ() -> None:
    assert stands().told == "never started"
    running, paused = State.RUNNING, State.PAUSED
    assert stands(running, paused).told == "node 0 running, node 1 paused"
    table = app.table([stands(running, running), stands(paused, running, State.KILLED)])
    assert table[1][3] == "27090–27093"
    assert [row[1:4] for row in table[3:]] == [
        ["node 0", "paused", "27090–27091"],
        ["node 1", "running", "27092–27093"],
        ["node 2", "killed", "27094–27095"],
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    assert sum(widths) + 2 * (len(widths) - 1) <= 100


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
    assert all(one.size for one in fetched), "nobody else says how much is downloaded"


def test_packages_that_do_not_exist() -> None:
    with pytest.raises(BadInput, match=r"there are no packages 'x'; there are duckdb"):
        labs.packages("x")
