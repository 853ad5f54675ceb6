"""When a cluster is really ready; an open port proves nothing.

Ready means: every broker answers, names the expected cluster id and sees every broker unfenced
(a fenced one is left out of metadata, KIP-631), and a fresh topic has a full ISR on all of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from kafka.errors import for_code
from kafka.protocol.admin import CreateTopicsRequest, DeleteTopicsRequest
from kafka.protocol.metadata import ApiVersionsRequest

from labs.base.words import Words
from labs.kafka.cluster import Node
from labs.kafka.refusals import NotReady
from labs.kafka.wire import NO_ANSWER, BrokerConnection
from labs.supervise.ports import is_open
from labs.supervise.readiness import StillHopeful, wait_ready

words = Words(__file__)

PAUSE_S = 0.03
#: How long one answer is waited for, s: one that was frozen meanwhile is noticed so soon.
ANSWER_TIMEOUT_S = 2.0
#: How long a broker may wait for its controller before it answers, ms.
CHANGE_MS = 1500
PROBE_PREFIX = "__labs-probe-"


def wait_seen(
    brokers: Sequence[Node],
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
    expected = {node.id for node in brokers}
    waiting = list(brokers)

    def all_seen() -> bool:
        waiting[:] = [node for node in waiting if not sees(node, cluster_id, expected)]
        if waiting and arrived:
            arrived(1 - len(waiting) / len(brokers))
        return not waiting

    if not wait_ready(all_seen, hopeful, timeout_s, PAUSE_S):
        # Who is not even seen by itself keeps the others waiting.
        missing = [n for n in waiting if not sees(n, cluster_id, {n.id})] or waiting
        names = ", ".join(node.label for node in missing)
        what = words("not_ready.unseen", timeout_s=timeout_s, names=names)
        raise NotReady(missing[0], what)


def wait_registered(node: Node, cluster_id: str, hopeful: StillHopeful, timeout_s: float) -> None:
    """Wait until a single broker answers and sees itself unfenced in the cluster."""
    _until(lambda: sees(node, cluster_id, {node.id}), node, hopeful, timeout_s)


def wait_answering(node: Node, hopeful: StillHopeful, timeout_s: float) -> None:
    """Wait until a node answers: a controller tells its clients no more than its versions."""
    _until(lambda: _answers(node), node, hopeful, timeout_s)


def _answers(node: Node) -> bool:
    return _says(node, lambda line: bool(line.ask(ApiVersionsRequest[0]()).api_keys))


def sees(node: Node, cluster_id: str, expected: set[int]) -> bool:
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


def prove_replication(brokers: Sequence[Node], hopeful: StillHopeful, timeout_s: float) -> None:
    """Create a topic on all brokers, wait until each sees its full ISR, and delete it again.

    One partition is enough, since it is on every broker. Each question has a connection of its own:
    a broker that hangs up is asked again for as long as there is hope.

    Raises:
        NotReady: `timeout_s` passed first.
    """
    topic = f"{PROBE_PREFIX}{uuid.uuid4().hex[:8]}"
    first = brokers[0]

    def on_each(node: Node, answer: Callable[[BrokerConnection], bool]) -> None:
        _until(lambda: _says(node, answer), node, hopeful, timeout_s)

    on_each(first, lambda line: _created(line, topic, len(brokers)))
    for node in brokers:
        on_each(node, lambda line: _full_isr(line, topic, len(brokers)))
    on_each(first, _deleted)
    for node in brokers:
        on_each(node, lambda line: _is_gone(line, topic))


def _says(node: Node, answer: Callable[[BrokerConnection], bool]) -> bool:
    """Whether this very broker answers, and answers so."""
    try:
        with BrokerConnection(node.port, node.host, timeout_s=ANSWER_TIMEOUT_S) as line:
            return answer(line)
    except NO_ANSWER:
        return False


def _until(done: Callable[[], bool], node: Node, hopeful: StillHopeful, timeout_s: float) -> None:
    if not wait_ready(done, hopeful, timeout_s, PAUSE_S / 2):
        raise NotReady(node, words("not_ready.node", label=node.label, timeout_s=timeout_s))


def _created(broker: BrokerConnection, topic: str, brokers: int) -> bool:
    wanted = CreateTopicsRequest.CreatableTopic(
        name=topic, num_partitions=1, replication_factor=brokers, assignments=[], configs=[]
    )
    request = CreateTopicsRequest[5](topics=[wanted], timeout_ms=CHANGE_MS, validate_only=False)
    code = broker.ask(request).topics[0].error_code
    return for_code(code).__name__ in ("NoError", "TopicAlreadyExistsError")


def _deleted(broker: BrokerConnection) -> bool:
    """Whether it deletes the topic, and those of starts that were killed before they could."""
    there = [topic.name for topic in broker.metadata().topics]
    probes = [name for name in there if name.startswith(PROBE_PREFIX)]
    answer = broker.ask(DeleteTopicsRequest[5](topic_names=probes, timeout_ms=CHANGE_MS))
    codes = {for_code(told.error_code).__name__ for told in answer.responses}
    return codes <= {"NoError", "UnknownTopicOrPartitionError"}


def _full_isr(broker: BrokerConnection, topic: str, brokers: int) -> bool:
    found = broker.metadata([topic]).topics[0]
    return (
        found.error_code == 0
        and len(found.partitions) == 1
        and all(p.leader_id >= 0 and len(p.isr_nodes) == brokers for p in found.partitions)
    )


def _is_gone(broker: BrokerConnection, topic: str) -> bool:
    return bool(broker.metadata([topic]).topics[0].error_code)
