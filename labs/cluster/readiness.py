"""When a cluster is really ready; an open port proves nothing.

Ready means: every broker answers, names the expected cluster id and sees every broker unfenced
(a fenced one is left out of metadata, KIP-631), and a fresh topic has a full ISR on all of them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Protocol

from kafka.errors import for_code
from kafka.protocol.admin import CreateTopicsRequest, DeleteTopicsRequest
from kafka.protocol.metadata import ApiVersionsRequest

from labs.cluster.ports import is_open
from labs.cluster.rules import NotReady
from labs.cluster.wire import NO_ANSWER, BrokerConnection

PAUSE_S = 0.03
PROBE_PREFIX = "__labs-probe-"

#: Raises when waiting on is pointless (a node died); called between looks.
StillHopeful = Callable[[], None]


class Reachable(Protocol):
    """A node that can be spoken to."""

    @property
    def id(self) -> int:
        """Its number."""
        ...

    @property
    def host(self) -> str:
        """Where it listens."""
        ...

    @property
    def port(self) -> int:
        """And on which port."""
        ...

    @property
    def label(self) -> str:
        """Its name in a sentence."""
        ...


def wait_seen(
    brokers: Sequence[Reachable],
    cluster_id: str,
    hopeful: StillHopeful,
    timeout_s: float,
    arrived: Callable[[float], None] | None = None,
) -> None:
    """Wait until each of `brokers` answers and sees all of them.

    `arrived` hears which part of them does so far, 0 to 1.

    Raises:
        NotReady: `timeout_s` passed; says who was missing.
    """
    deadline = time.monotonic() + timeout_s
    expected = {node.id for node in brokers}
    waiting = list(brokers)
    while waiting:
        waiting = [node for node in waiting if not sees(node, cluster_id, expected)]
        if not waiting:
            return
        hopeful()
        if arrived:
            arrived(1 - len(waiting) / len(brokers))
        if time.monotonic() > deadline:
            names = ", ".join(node.label for node in waiting)
            raise NotReady(
                waiting[0],
                f"after {timeout_s:g} s {names} did not yet see all of the cluster",
            )
        time.sleep(PAUSE_S)


def wait_registered(
    node: Reachable, cluster_id: str, hopeful: StillHopeful, timeout_s: float
) -> None:
    """Wait until a single broker answers and sees itself unfenced in the cluster."""
    _until(lambda: sees(node, cluster_id, {node.id}), node, hopeful, timeout_s)


def wait_answering(node: Reachable, hopeful: StillHopeful, timeout_s: float) -> None:
    """Wait until a node answers: a controller tells its clients no more than its versions."""
    _until(lambda: _answers(node), node, hopeful, timeout_s)


def _answers(node: Reachable) -> bool:
    try:
        with BrokerConnection(node.port, node.host) as line:
            return bool(line.ask(ApiVersionsRequest[0]()).api_keys)
    except NO_ANSWER:
        return False


def sees(node: Reachable, cluster_id: str, expected: set[int]) -> bool:
    """Whether this very broker answers, belongs to the cluster and sees the `expected` brokers."""
    if not is_open(node.port, host=node.host):  # cheap: the JVMs that boot need the processor
        return False
    try:
        with BrokerConnection(node.port, node.host) as broker:
            answer = broker.metadata([])
    except NO_ANSWER:
        return False
    seen = {b.node_id for b in answer.brokers}
    return answer.cluster_id == cluster_id and expected <= seen


def prove_replication(
    brokers: Sequence[Reachable], hopeful: StillHopeful, timeout_s: float
) -> None:
    """Create a topic on all brokers, wait until each sees its full ISR, and delete it again.

    One partition is enough, since it is on every broker.

    Raises:
        NotReady: `timeout_s` passed first.
    """
    topic = f"{PROBE_PREFIX}{uuid.uuid4().hex[:8]}"
    with ExitStack() as opened:
        lines = [(node, _line_to(node, hopeful, timeout_s, opened)) for node in brokers]
        first, line = lines[0]
        with _hangups_told(first, hopeful):
            _until(lambda: _created(line, topic, len(brokers)), first, hopeful, timeout_s)
        for node, line in lines:
            with _hangups_told(node, hopeful):
                full = partial(_full_isr, line, topic, len(brokers))
                _until(full, node, hopeful, timeout_s)
        with _hangups_told(first, hopeful):
            timeout_ms = int(timeout_s * 1000)
            lines[0][1].ask(DeleteTopicsRequest[5](topic_names=[topic], timeout_ms=timeout_ms))
        for node, line in lines:
            with _hangups_told(node, hopeful):
                _until(partial(_is_gone, line, topic), node, hopeful, timeout_s)


def _line_to(
    node: Reachable, hopeful: StillHopeful, timeout_s: float, opened: ExitStack
) -> BrokerConnection:
    with _hangups_told(node, hopeful):
        return opened.enter_context(BrokerConnection(node.port, node.host, timeout_s=timeout_s))


@contextmanager
def _hangups_told(node: Reachable, hopeful: StillHopeful) -> Iterator[None]:
    try:
        yield
    except NO_ANSWER as error:
        hopeful()
        raise NotReady(
            node,
            f"{node.label} hung up before it was ready ({error})",
        ) from None


def _until(
    done: Callable[[], bool], node: Reachable, hopeful: StillHopeful, timeout_s: float
) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        hopeful()
        if time.monotonic() > deadline:
            raise NotReady(
                node,
                f"{node.label} runs, but was not ready after {timeout_s:g} s",
            )
        time.sleep(PAUSE_S / 2)


def _created(broker: BrokerConnection, topic: str, brokers: int) -> bool:
    wanted = CreateTopicsRequest.CreatableTopic(
        name=topic, num_partitions=1, replication_factor=brokers, assignments=[], configs=[]
    )
    request = CreateTopicsRequest[5](topics=[wanted], timeout_ms=5000, validate_only=False)
    code = broker.ask(request).topics[0].error_code
    return for_code(code).__name__ in ("NoError", "TopicAlreadyExistsError")


def _full_isr(broker: BrokerConnection, topic: str, brokers: int) -> bool:
    found = broker.metadata([topic]).topics[0]
    return (
        found.error_code == 0
        and len(found.partitions) == 1
        and all(p.leader_id >= 0 and len(p.isr_nodes) == brokers for p in found.partitions)
    )


def _is_gone(broker: BrokerConnection, topic: str) -> bool:
    return bool(broker.metadata([topic]).topics[0].error_code)
