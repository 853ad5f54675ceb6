"""What holds of each server beside Kafka, whichever it is."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from labs.base import python
from labs.kafka.cluster import Cluster
from labs.services import apt, erlang
from labs.services.known import known
from labs.services.server import Server
from labs.services.service import Service
from labs.supervise.children import Launch
from labs.supervise.home import Home
from labs.supervise.ledger import Record
from labs.supervise.ports import HOST
from labs.supervise.runner import State
from labs.supervise.watchdog import watchdog_pid
from tests.helpers import wait_until
from tests.services.conftest import by_another

#: Longer than a watchdog needs to see that nobody holds a server any more, s.
LOOKED_S = 2.0


@pytest.mark.parametrize("name", known())
def test_ports_are_taken_while_it_starts_and_it_ends_with_whoever_holds_it(
    name: str,
    kafka: Cluster,
    place: Home,
    service_of: Callable[[type[Server]], Service],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One life, for a start costs: another port of it is taken by each of the first tries."""
    del kafka
    if name == "rabbitmq" and erlang.find() is None and not apt.is_here():
        pytest.skip("there is neither a RabbitMQ nor apt here")
    monkeypatch.setenv("LABS_GRACE_S", "0.5")
    one = service_of(known()[name])
    server, launch, taken = one.server, one.server.launch, set[int]()
    with ExitStack() as others:

        def raced(record: Record, *arguments: Any) -> Launch:
            if record.id == server.ids[0] and len(taken) < len(server.ports_for):
                port = record.port + len(taken)
                others.enter_context(socket.create_server((HOST, port)))
                taken.add(port)
            return launch(record, *arguments)

        monkeypatch.setattr(server, "launch", raced)
        status = one.start()
    assert status.state is State.RUNNING
    assert len(taken) == len(server.ports_for)
    assert taken.isdisjoint(port for node in status.nodes for port in node.ports.values())

    holding = f"service({name!r}, home=place).start()\nprint('up', flush=True)\ninput()"
    with subprocess.Popen(
        by_another(place, holding),
        env=python.without_others(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "up\n"
        heads = [node.pid for node in status.nodes]
        one.runner.leave()
        time.sleep(LOOKED_S)
        assert [node.pid for node in one.status().nodes] == heads, "it was adopted, and is held"
        holder.kill()
    wait_until(lambda: not one.runner.processes(), "the end of what nobody needs")
    wait_until(lambda: watchdog_pid(one.home) is None, "the watchdog's own end")
