"""RabbitMQ: a cluster of three, started, asked, broken and stopped as a learner does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from labs.base import python
from labs.base.errors import LabsError
from labs.base.progress import silent
from labs.services import apt, erlang
from labs.services.kinds.rabbitmq import PACKAGES, SERVER, connected
from labs.services.server import Server
from labs.services.service import Service
from labs.supervise.home import Home
from labs.supervise.ledger import Ledger
from labs.supervise.runner import State
from labs.supervise.watchdog import watchdog_pid
from tests.helpers import wait_until
from tests.services.conftest import listening, must_refuse, told_by_another
from tests.services.sources import Apt

Make = Callable[[type[Server]], Service]

QUORUM = {"x-queue-type": "quorum"}
QUEUE = "arrivals"
#: Longer than a node needs to write down that it has a copy of a queue (see its description), s.
WRITTEN_S = 1.5


@pytest.fixture
def rabbitmq(service_of: Make) -> Service:
    """It is not started yet."""
    if erlang.find() is None and not apt.is_here():
        pytest.skip("there is neither a RabbitMQ nor apt here")
    return service_of(SERVER)


def at(rabbitmq: Service, node: int) -> Any:
    """A connection to one node."""
    ledger = Ledger.load(rabbitmq.home.state_file)
    assert ledger is not None
    return connected(ledger.servers[node], rabbitmq.facts)


def sent(connection: Any, messages: range) -> None:
    """Make the queue where there is none, and fill it; each message is confirmed."""
    import pika

    channel = connection.channel()
    channel.queue_declare(QUEUE, durable=True, arguments=QUORUM)
    channel.confirm_delivery()
    durable = pika.BasicProperties(delivery_mode=2)
    for number in messages:  # raises where one is not confirmed
        channel.basic_publish("", QUEUE, str(number).encode(), durable, mandatory=True)


def received(connection: Any) -> list[int]:
    """All that is in the queue; it stays there."""
    channel = connection.channel()
    found = []
    while (got := channel.basic_get(QUEUE))[0] is not None:
        found.append(int(got[2]))
    channel.close()
    return sorted(found)


def arrives(rabbitmq: Service, node: int, messages: range) -> None:
    """Wait until a node gives all of these: while the copies elect a leader, it has none to ask."""
    from pika.exceptions import AMQPError

    def given() -> bool:
        try:
            return received(at(rabbitmq, node)) == list(messages)
        except AMQPError:
            return False

    wait_until(given, "all that was confirmed", patience_s=60)


def kept(rabbitmq: Service, node: int) -> bool:
    """Whether a node has it on disk that it has a copy of the queue."""
    names = rabbitmq.runner.files(node, "node/quorum/*/names.dets")
    return any(QUEUE.encode() in content for content in names.values())


def seen(rabbitmq: Service, node: int) -> State:
    return rabbitmq.runner.look()[node].state


def test_three_nodes_on_loopback_alone_that_want_a_password(rabbitmq: Service) -> None:
    connection = rabbitmq.handle()
    status = rabbitmq.status()
    assert status.state is State.RUNNING
    assert len(status.ports) == len(SERVER.ids)
    assert status.memory_mb > 0
    told = connection._impl.server_properties  # noqa: SLF001 - pika tells it nowhere else
    assert status.version == told["version"]
    assert listening(rabbitmq) == {"127.0.0.1"}
    assert rabbitmq.runner.strays() == []
    logs = rabbitmq.logs(5, follow=False)
    assert {name: len(list(lines)) for name, lines in logs.items()} == {
        SERVER.name(rabbitmq.server, node): 5 for node in SERVER.ids
    }
    commands = [psutil.Process(pid).cmdline() for pid in rabbitmq.runner.processes()]
    assert not [words for words in commands if "epmd" in Path(words[0]).name]
    secrets = {rabbitmq.facts["password"], rabbitmq.facts["cookie"]}
    assert not [
        words for words in commands if any(one in word for word in words for one in secrets)
    ]
    for file in (*rabbitmq.home.data.glob("*/*.conf*"), rabbitmq.home.path / ".erlang.cookie"):
        assert file.stat().st_mode & 0o077 == 0, file

    sent(connection, range(3))
    # Each node knows the queue that was made on the first.
    assert [received(at(rabbitmq, node)) for node in SERVER.ids] == [[0, 1, 2]] * 3
    from pika.exceptions import ProbableAuthenticationError

    with pytest.raises(ProbableAuthenticationError):
        connected_with(rabbitmq, "labs", "wrong")
    with pytest.raises(ProbableAuthenticationError):
        connected_with(rabbitmq, "guest", "guest")


def connected_with(rabbitmq: Service, user: str, password: str) -> Any:
    import pika

    known = pika.PlainCredentials(user, password)
    port = rabbitmq.status().ports[0]
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port, "/", known))


def test_what_was_confirmed_outlives_the_node_that_took_it(rabbitmq: Service) -> None:
    sent(rabbitmq.handle(), range(200))
    wait_until(lambda: all(kept(rabbitmq, node) for node in SERVER.ids), "three copies")
    time.sleep(WRITTEN_S)
    rabbitmq.kill(1)
    assert seen(rabbitmq, 1) is State.KILLED
    arrives(rabbitmq, 2, range(200))
    sent(at(rabbitmq, 3), range(200, 300))

    rabbitmq.start()
    assert [seen(rabbitmq, node) for node in SERVER.ids] == [State.RUNNING] * 3
    arrives(rabbitmq, 1, range(300))
    # It has caught up: with another one gone, it is needed for a majority.
    time.sleep(WRITTEN_S)
    rabbitmq.kill(2)
    arrives(rabbitmq, 3, range(300))
    sent(at(rabbitmq, 1), range(300, 310))
    arrives(rabbitmq, 3, range(310))


def test_killed_at_once_all_three_start_again_with_what_they_had(rabbitmq: Service) -> None:
    sent(rabbitmq.handle(), range(50))
    wait_until(lambda: all(kept(rabbitmq, node) for node in SERVER.ids), "three copies")
    time.sleep(WRITTEN_S)
    rabbitmq.kill()
    assert rabbitmq.status().state is State.KILLED
    assert rabbitmq.runner.processes() == []
    rabbitmq.start()
    arrives(rabbitmq, 1, range(50))


def test_a_paused_node_is_not_missed_and_then_goes_on(rabbitmq: Service) -> None:
    sent(rabbitmq.handle(), range(10))
    rabbitmq.pause(3)
    assert seen(rabbitmq, 3) is State.PAUSED
    status = rabbitmq.status()
    assert status.state is State.PAUSED, "the worst of them"
    assert [node.state for node in status.nodes] == [State.RUNNING, State.RUNNING, State.PAUSED]
    assert all(set(node.ports) == {"clients", "distribution"} for node in status.nodes)
    sent(at(rabbitmq, 1), range(10, 20))
    rabbitmq.resume(3)
    assert seen(rabbitmq, 3) is State.RUNNING
    arrives(rabbitmq, 3, range(20))


def test_killed_by_somebody_while_it_is_paused_it_leaves_nothing(rabbitmq: Service) -> None:
    """Its helpers can't notice that it is gone: they are frozen, too."""
    rabbitmq.start()
    rabbitmq.pause(2)
    pid = rabbitmq.runner.look()[2].pid
    assert pid is not None
    helpers = psutil.Process(pid).children(recursive=True)
    assert helpers != []
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: seen(rabbitmq, 2) is State.KILLED, "its death")
    rabbitmq.start()
    assert seen(rabbitmq, 2) is State.RUNNING
    wait_until(lambda: not any(one.is_running() for one in helpers), "their end", patience_s=20)


def test_another_process_adopts_it(rabbitmq: Service, place: Home) -> None:
    sent(rabbitmq.handle(), range(5))
    heads = [rabbitmq.runner.look()[node].pid for node in SERVER.ids]
    lines = (
        "one = service('rabbitmq', home=place).handle()\n"
        f"print(one.channel().queue_declare({QUEUE!r}, passive=True).method.message_count)"
    )
    assert told_by_another(place, lines) == "5"
    assert [rabbitmq.runner.look()[node].pid for node in SERVER.ids] == heads


def test_stopped_it_keeps_its_messages_and_wiped_it_is_empty(rabbitmq: Service) -> None:
    sent(rabbitmq.handle(), range(5))
    assert rabbitmq.stop()
    assert rabbitmq.runner.processes() == []
    assert watchdog_pid(rabbitmq.home) is None
    (first, *_) = rabbitmq.runner.look().values()
    # Somebody has taken a port meanwhile: the one at which the other nodes are heard.
    with socket.create_server(("127.0.0.1", first.port + 1)):
        rabbitmq.start()
        arrives(rabbitmq, 1, range(5))
        assert first.port not in rabbitmq.status().ports
    rabbitmq.wipe()
    from pika.exceptions import ChannelClosedByBroker

    with pytest.raises(ChannelClosedByBroker, match="NOT_FOUND"):
        rabbitmq.handle().channel().queue_declare(QUEUE, passive=True)


def test_a_bad_setting_is_told_in_one_sentence_and_leaves_nothing(rabbitmq: Service) -> None:
    name = "vm_memory_high_watermark"
    sentence = r"RabbitMQ's node . died .*the log is .*\.log"
    must_refuse(rabbitmq, {f"{name}.relative": "much"}, sentence, name.encode())


def test_a_start_that_is_killed_half_way_is_begun_anew(rabbitmq: Service, place: Home) -> None:
    """The nodes are just making their cluster: each may have half of it."""
    rabbitmq.server.provide(silent)
    code = "from labs.services.known import service; service('rabbitmq').start()"
    starter = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**python.without_others(), "LABS_HOME": str(place.path)},
    )
    wait_until(lambda: rabbitmq.runner.files(2, "node/schema.DAT"), "a node that has begun")
    starter.kill()
    starter.wait()
    sent(rabbitmq.handle(), range(3))
    assert received(at(rabbitmq, 3)) == [0, 1, 2]


#: Tells whom a node would join: as it is, and once RabbitMQ asks in the way of its version 4.
ASKED = """
Three = labs_rabbitmq:list_nodes(),
{ok, Name, Code} = compile:forms([
    {attribute, 1, module, rabbit_peer_discovery},
    {attribute, 1, export, [{sync_desired_cluster, 0}]},
    {function, 1, sync_desired_cluster, 0, [{clause, 1, [], [], [{atom, 1, ok}]}]}]),
{module, Name} = code:load_binary(Name, [], Code),
io:format("~w ~w", [Three, labs_rabbitmq:list_nodes()]), halt().
"""


def test_each_version_is_told_whom_to_join_in_its_own_way(rabbitmq: Service) -> None:
    rabbitmq.server.provide(silent)
    here = erlang.find()
    assert here is not None
    root = erlang.root_of(here)
    told = subprocess.run(
        [str(root.programs / "erlexec"), "-noshell", "-pa", str(root.modules), "-eval", ASKED],
        env={**erlang.environment(root, here), "HOME": "/", erlang.WORD_VARIABLE: "-"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout == "{ok,{['rabbit-1@localhost'],disc}} {ok,{'rabbit-1@localhost',disc}}"


def test_the_nodes_password_is_there_while_another_node_is_started(
    rabbitmq: Service,
) -> None:
    """One that reads it just then and finds none makes its own, and never meets the others."""
    rabbitmq.home.prepare()
    rabbitmq.runner.wipe()
    ledger = Ledger.load(rabbitmq.home.state_file)
    assert ledger is not None
    rabbitmq.server.provide(silent)
    file, over, found = rabbitmq.home.path / ".erlang.cookie", threading.Event(), set[str]()

    def launch() -> None:
        for node in SERVER.ids:
            folder = rabbitmq.home.data / rabbitmq.server.name(node)
            folder.mkdir(exist_ok=True)
            rabbitmq.server.launch(ledger.servers[node], ledger, folder, {})

    def look() -> None:
        while not over.is_set():
            try:
                found.add(file.read_text())
            except FileNotFoundError:
                found.add("none")

    launch()
    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(30):
        launch()
    over.set()
    looking.join()
    assert found == {ledger.facts["cookie"]}


def test_a_stream_opens_no_port_to_the_network(rabbitmq: Service) -> None:
    connection = rabbitmq.handle()
    stream = {"x-queue-type": "stream"}
    connection.channel().queue_declare("history", durable=True, arguments=stream)
    time.sleep(WRITTEN_S)
    assert listening(rabbitmq) == {"127.0.0.1"}


# -- from where it comes ------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apt:
    """Where apt fetches from, and an empty cache."""
    if not apt.is_here():
        pytest.skip("there is no apt here")
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / "labs"))
    return Apt(tmp_path, monkeypatch)


def test_packages_are_unpacked_where_the_system_has_no_lists(tmp_path: Path, source: Apt) -> None:
    place = tmp_path / "labs" / "unpacked"
    killed = place.with_name(f"making-{place.name}-by-somebody-who-was-killed")
    killed.mkdir(parents=True)
    apt.unpack("rabbitmq-server", erlang.BESIDE, place, 1, silent)
    assert (place / "hello").read_text() == "hello"
    assert source.system_lists() == [], "the system's own are as they were"
    assert {one.name for one in place.parent.iterdir()} == {f"{place.name}.lock", place.name}


def test_where_it_cant_be_had_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(erlang, "SEARCHED", "")
    monkeypatch.setenv("LABS_CACHE", str(tmp_path))
    with pytest.raises(erlang.NoRabbitMQ, match=r"no `rabbitmq-server` on PATH, and no apt"):
        erlang.provide(silent)


def test_a_package_that_is_nowhere_is_no_list_that_could_not_be_had(
    tmp_path: Path, source: Apt
) -> None:

    def refused() -> LabsError:
        with pytest.raises(LabsError, match="rabbitmq-of-nobody") as caught:
            apt.unpack("rabbitmq-of-nobody", "x", tmp_path / "labs" / "unpacked", 1, silent)
        return caught.value

    assert isinstance(refused(), apt.NoPackage)
    (source.source / "Packages").unlink()
    assert not isinstance(refused(), apt.NoPackage), "nobody can say what it would hold"


def test_the_one_on_path_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Unpacked packages serve as an installation: their scripts know where they are."""
    if erlang.find() is None:
        erlang.provide(silent)
    found = erlang.find()
    assert found is not None
    if found.unpacked is None:
        pytest.skip("it is the one on PATH already")
    root, version = found.erlang
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "rabbitmq-server").symlink_to(found.rabbitmq / "sbin" / "rabbitmq-server")
    script = (root / "bin" / "erl").read_text().replace("/usr/lib/erlang", str(root))
    (programs / "erl").write_text(script)
    (programs / "erl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    here = erlang.find()
    assert here is not None
    assert here.unpacked is None
    assert here.version == found.version
    assert here.erlang == (root, version)
    assert erlang.root_of(here).modules.exists()


def test_the_packages_list_has_pika_alone() -> None:
    assert PACKAGES.version("pika")
