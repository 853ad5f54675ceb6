"""A clean slate while servers beside Kafka go on: only what they keep in Kafka stays.

`cluster.reset()` stops them first, and the next test has to start them anew: 10 to 30 s of a
processor for Connect or the registry.
"""

from __future__ import annotations

import pytest
import requests

from labs.base.progress import silent
from labs.kafka import reset
from labs.kafka.local import LocalCluster
from labs.services.kinds import connect, registry
from labs.services.known import service, services
from labs.services.service import Service
from labs.services.together import stop_all
from labs.supervise.runner import State

#: How the names of topics and groups begin that servers keep in Kafka.
KEPT = (*connect.TOPICS.values(), *registry.TOPICS.values(), "apicurio-")
ANSWER_S = 30.0


def begin_anew(cluster: LocalCluster) -> None:
    """Leave nothing, and no server."""
    stop_servers()
    cluster.reset()


def clean_beside_servers(cluster: LocalCluster, item: pytest.Item) -> None:
    """Leave nothing but the servers that run, without a connector; where none runs, reset all.

    A test that failed and is tried once more begins without them.
    """
    if getattr(item, "execution_count", 1) > 1:
        begin_anew(cluster)
        return
    running = [one.server for one in services(hold=False) if _runs(one)]
    if not any(server.needs_kafka for server in running):
        cluster.reset()
        return
    cluster.start()
    if any(isinstance(server, connect.Connect) for server in running):
        _delete_connectors(service("connect").handle())
    if not reset.clean(cluster.bootstrap, KEPT):
        cluster.reset()


def _runs(one: Service) -> bool:
    return any(seen.state is State.RUNNING for seen in one.runner.look().values())


def _delete_connectors(url: str) -> None:
    for name in requests.get(f"{url}/connectors", timeout=ANSWER_S).json():
        requests.delete(f"{url}/connectors/{name}", timeout=ANSWER_S)


def stop_servers() -> None:
    """Stop all servers beside Kafka: idle they take processor and memory."""
    stop_all(silent)
