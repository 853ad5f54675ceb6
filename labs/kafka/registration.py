"""Have the controller forget dead brokers, so that their successors may register at once.

Kafka refuses a broker's new process until the session of the old one is over: the old one might
live on. We know that it does not. So a reset sends the controller what `kafka-cluster.sh
unregister` sends (KIP-746). kafka-python has no such request; these bytes are all there is to it,
and without that import a JVM is spawned half a second sooner.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection

from labs.kafka.cluster import State
from labs.kafka.starting import controller_of
from labs.supervise.ports import HOST
from labs.supervise.runner import Runner

UNREGISTER_BROKER, VERSION = 64, 0
CLIENT = b"labs"

#: A controller that does not answer costs no more than this; Kafka then waits for the session.
TIMEOUT_S = 1.0

DONE, NOT_REGISTERED = 0, 102


def unregister(controller_port: int, broker_id: int, host: str = HOST) -> bool:
    """Whether the controller no longer knows the broker, which must be dead."""
    head = struct.pack(">hhih", UNREGISTER_BROKER, VERSION, 1, len(CLIENT)) + CLIENT + b"\0"
    body = struct.pack(">ib", broker_id, 0)
    request = head + body
    try:
        with socket.create_connection((host, controller_port), timeout=TIMEOUT_S) as controller:
            controller.sendall(struct.pack(">i", len(request)) + request)
            with controller.makefile("rb") as answers:
                (length,) = struct.unpack(">i", answers.read(4))
                answer = answers.read(length)
        # Correlation id, no tags, how long we were throttled; then the verdict.
        (code,) = struct.unpack_from(">h", answer, 9)
    except (OSError, struct.error):
        return False
    return code in (DONE, NOT_REGISTERED)


def forget(runner: Runner, dead: Collection[int]) -> bool:
    """Whether the controller has forgotten these brokers, so that none waits to register."""
    controller = controller_of(runner)
    if controller is None or controller.state is not State.RUNNING:
        return False
    return all([unregister(controller.port, broker, controller.host) for broker in dead])


def take_away(runner: Runner, added: Collection[int]) -> bool:
    """Kill added brokers, remove their disks, forget them; False where one of them lives on."""
    if runner.kill(added):
        return False
    for broker in added:
        runner.remove(broker)
    return forget(runner, added)
