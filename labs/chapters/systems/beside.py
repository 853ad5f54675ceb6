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
from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.experiment.run import Run
from labs.services.ahead import hear
from labs.services.erlang import NoRabbitMQ
from labs.services.kinds.pulsar import admin_url
from labs.services.kinds.rabbitmq import connected
from labs.services.known import service
from labs.services.service import Service

words = Words(__file__)

#: How long an answer of the admin API is waited for, s.
ANSWER_S = 30
#: A peer that says nothing for twice that long is given up, s.
HEARTBEAT_S = 10
#: How long a new queue or topic may be refused, s.
QUEUE_S = 60.0
#: From here on an HTTP status says that the server could not.
SERVER_ERROR = 500
#: What makes a queue one of RabbitMQ's with copies.
QUORUM = {"x-queue-type": "quorum"}


def rabbitmq(tell: Tell = silent) -> Service | None:
    """RabbitMQ, up; None where neither it nor a package of it can be had.

    Raises:
        LabsError: it can be had, and could not be fetched or started.
    """
    one = service("rabbitmq", tell)
    if not _provided(one, tell):
        return None
    one.start()
    return one


def rabbitmq_for(run: Run) -> tuple[Service | None, str]:
    """RabbitMQ, up; or none, and the clause in which the result says why it is left out.

    Who has no RabbitMQ, can't fetch it now, or has one that does not start, still learns from the
    other two.
    """
    one = service("rabbitmq", run.tell)
    try:
        if not _provided(one, run.tell):
            return None, words("left_out.none")
    except LabsError as error:
        return None, words("left_out.not_fetched", why=error.what)
    try:
        one.start()
    except LabsError as error:
        return None, words("left_out.not_started", why=error.what)
    return one, ""


def _provided(one: Service, tell: Tell) -> bool:
    """Whether this system has RabbitMQ, or gives it: then it is here.

    Raises:
        LabsError: it could not be fetched.
    """
    hear(one.server.id, tell)
    try:
        one.server.provide(tell)
    except NoRabbitMQ:
        return False
    return True


def rabbit_connection(one: Service, node: int = 1, heartbeat_s: int = HEARTBEAT_S) -> Any:
    """A connection of `pika` to one of its nodes.

    Raises:
        pika.exceptions.AMQPError: it does not answer.
    """
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # each vain try would be told
    return connected(one.records()[node], one.facts, heartbeat_s)


def fresh_queue(one: Service, name: str, arguments: Mapping[str, object] = QUORUM) -> None:
    """Make an empty queue of that name. Nodes that were killed may refuse that for some seconds.

    Raises:
        LabsError: they went on refusing it.
    """
    from pika.exceptions import AMQPError

    def made() -> bool:
        try:
            connection = rabbit_connection(one)
            channel = connection.channel()
            channel.queue_delete(name)
            channel.queue_declare(name, durable=True, arguments=dict(arguments))
            connection.close()
        except (AMQPError, OSError):
            return False
        return True

    wait_for(made, words("awaited.queue"), QUEUE_S)


def waiting_in(one: Service, queue: str) -> int:
    """How many messages a queue has that nobody holds."""
    connection = rabbit_connection(one)
    found = connection.channel().queue_declare(queue, passive=True).method.message_count
    connection.close()
    return int(found)


def pulsar_address(tell: Tell) -> str:
    """Where Pulsar is; it is started if need be."""
    hear("pulsar", tell)
    return str(service("pulsar", tell).handle())


def pulsar_for(run: Run) -> str:
    """The same, for a run."""
    return pulsar_address(run.tell)


def pulsar_client(run: Run) -> Any:
    """A client of Pulsar, which is started if need be; closed when the run ends."""
    made = pulsar_client_at(pulsar_for(run))
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


def fresh_topic(path: str) -> None:
    """Make a topic of Pulsar by its path. After a kill its bookies are back one by one: until there
    are as many as the topic has copies, Pulsar refuses it.

    Raises:
        LabsError: it went on refusing it.
    """

    def made() -> bool:
        try:
            put_if_missing(path, None)
        except urllib.error.HTTPError as refused:
            if refused.code < SERVER_ERROR:
                raise
            return False
        return True

    wait_for(made, words("awaited.topic"), QUEUE_S)


def pulsar_namespace(name: str, policies: Mapping[str, object]) -> str:
    """Have a namespace with these policies and no topic; returns its name, `public/NAME`.

    `policies`: the path of each, such as `persistence`, and what it is. Without that one there is
    one copy; in each case acknowledgements count at once (`bookies`).
    """
    place = f"public/{name}"
    if not put_if_missing(f"namespaces/{place}", None):
        for topic in pulsar_admin("GET", f"persistent/{place}"):
            pulsar_admin("DELETE", f"{path_of(topic)}?force=true")
    for path, policy in {"persistence": bookies(1), **policies}.items():
        pulsar_admin("POST", f"namespaces/{place}/{path}", policy)
    return place


def bookies(copies: int) -> dict[str, int]:
    """A namespace's policy `persistence`: so many bookies have a copy, and a majority answers.

    By default Pulsar writes down how far a subscription has come once in ten seconds, and the rest
    a minute later. What was acknowledged meanwhile is not deleted, and comes again after a kill.
    The last figure lifts that limit.
    """
    return {
        "bookkeeperEnsemble": copies,
        "bookkeeperWriteQuorum": copies,
        "bookkeeperAckQuorum": copies // 2 + 1,
        "managedLedgerMaxMarkDeleteRate": 0,
    }


def path_of(topic: str) -> str:
    """A topic's path in Pulsar's admin API."""
    return topic.replace("persistent://", "persistent/")


def entries_of(topic: str) -> int:
    """How many entries a topic of Pulsar still has: messages, where they are sent singly."""
    return int(pulsar_admin("GET", f"{path_of(topic)}/internalStats")["numberOfEntries"])
