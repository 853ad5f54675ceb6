"""RabbitMQ and Pulsar as this chapter's experiments and exercises speak to them."""

from __future__ import annotations

import json
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from labs.base.errors import LabsError
from labs.base.progress import Tell, silent
from labs.experiment.run import Run
from labs.services.kinds.pulsar import admin_url
from labs.services.kinds.rabbitmq import connected
from labs.services.known import service
from labs.services.service import Service

KAFKA, RABBITMQ, PULSAR = "kafka", "rabbitmq", "pulsar"

#: How long an answer of the admin API is waited for, s.
ANSWER_S = 30
#: A peer that says nothing for twice that long is given up, s.
HEARTBEAT_S = 10
#: What a namespace writes for each of its copies: three bookies, two of which must have it.
THREE_COPIES = {
    "bookkeeperEnsemble": 3,
    "bookkeeperWriteQuorum": 3,
    "bookkeeperAckQuorum": 2,
    "managedLedgerMaxMarkDeleteRate": 0,
}


def rabbitmq(tell: Tell = silent) -> Service | None:
    """RabbitMQ, up; None where neither it nor a package of it can be had.

    Raises:
        LabsError: it can be had, and could not be started.
    """
    one = service("rabbitmq", tell)
    try:
        one.server.provide(tell)
    except LabsError:
        return None
    one.start()
    return one


def rabbit_connection(one: Service, node: int = 1, heartbeat_s: int = HEARTBEAT_S) -> Any:
    """A connection of `pika` to one of its nodes.

    Raises:
        pika.exceptions.AMQPError: it does not answer.
    """
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # each vain try would be told
    return connected(one.records()[node], one.facts, heartbeat_s)


def pulsar_client(run: Run) -> Any:
    """A client of Pulsar, which is started if need be; closed when the run ends."""
    made = pulsar_client_at(str(service("pulsar").handle()))
    run.closing(lambda: _close(made))
    return made


def _close(client: Any) -> None:
    import pulsar

    with suppress(pulsar.PulsarException):  # it is closed already
        client.close()


def pulsar_client_at(address: str) -> Any:
    """A client of the Pulsar at that address; it writes nothing to the notebook."""
    import pulsar

    quiet = pulsar.FileLogger(pulsar.LoggerLevel.Error, os.devnull)
    return pulsar.Client(address, operation_timeout_seconds=ANSWER_S, logger=quiet)


def pulsar_admin(method: str, path: str, body: object = None) -> Any:
    """What Pulsar's admin API answers.

    Raises:
        urllib.error.HTTPError: it refuses; 409: what is to be made is there already.
    """
    one = service("pulsar")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{admin_url(one.server.handle(one.records(), one.facts))}/{path}",
        data,
        {"Content-Type": "application/json"},
        method=method,
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=ANSWER_S) as answer:
        return json.loads(answer.read() or b"null")


def put_if_missing(path: str, body: object) -> bool:
    """Have Pulsar make something; returns whether it was not there yet."""
    try:
        pulsar_admin("PUT", path, body)
    except urllib.error.HTTPError as refused:
        if refused.code != 409:
            raise
        return False
    return True


def pulsar_namespace(name: str, policies: Mapping[str, object]) -> str:
    """Have a namespace with these policies and no topic; returns its name, `public/NAME`.

    `policies`: the path of each, such as `persistence`, and what it is.
    """
    place = f"public/{name}"
    if not put_if_missing(f"namespaces/{place}", None):
        for topic in pulsar_admin("GET", f"persistent/{place}"):
            path = topic.replace("persistent://", "persistent/")
            pulsar_admin("DELETE", f"{path}?force=true")
    for path, policy in policies.items():
        pulsar_admin("POST", f"namespaces/{place}/{path}", policy)
    return place
