"""Asks a running cluster what it looks like, whatever is killed or paused.

An ordinary client asks whichever broker it likes and retries for half a minute. Here each question
goes to one running broker, waits at most `timeout_s`, and then to the next one; so an answer (or
the news that there is none) comes in about a second.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from typing import Any

from kafka.protocol.admin import DescribeClusterRequest, DescribeTopicPartitionsRequest

from labs.base.clock import now
from labs.kafka.cluster import ANSWERING, Cluster, Node, Role
from labs.kafka.wire import NO_ANSWER, BrokerConnection
from labs.observe.snapshot import ClusterSnapshot, Partition

#: A healthy broker answers in a few ms; on a loaded machine we have seen 200.
ANSWER_TIMEOUT_S = 0.5

# Those of Kafka 4.0; an older broker reports neither ELR nor fenced brokers.
_DescribePartitions = DescribeTopicPartitionsRequest[0]  # KIP-966: it also reports the ELR
_DescribeCluster = DescribeClusterRequest[2]  # KIP-1073: it also reports who is fenced


class Observer:
    """Takes snapshots of one cluster, keeping its connection between them.

    Safe to share between threads. A snapshot takes a few ms; at worst `timeout_s` for each running
    broker. Who wants one again and again subscribes to the sampler instead (`sampler.watch`).

    Args:
        cluster: what to look at.
        timeout_s: how long to wait for one broker's answer, seconds.
    """

    def __init__(self, cluster: Cluster, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self.cluster, self.timeout_s = cluster, timeout_s
        self._lock = threading.Lock()
        self._line: tuple[int, BrokerConnection] | None = None  # who answered last, and how

    def snapshot(self, topics: Collection[str] | None = None) -> ClusterSnapshot:
        """Look once, at these topics; None: at all, Kafka's own included.

        On a cluster that is shared, only topics with the learner's prefix are returned.

        Raises:
            LabsError: the state of the processes is not known.
        """
        with self._lock:
            nodes = tuple(sorted(self.cluster.status().nodes, key=lambda n: n.id))
            for broker in self._candidates(nodes):
                try:
                    return self._ask(broker, nodes, topics)
                except NO_ANSWER:
                    self._hang_up()
            return ClusterSnapshot(now(), nodes)

    def close(self) -> None:
        """Hang up. A later snapshot connects again."""
        with self._lock:
            self._hang_up()

    def _candidates(self, nodes: Sequence[Node]) -> list[Node]:
        # The one that answered last comes first: another's metadata may be a moment older, and the
        # picture would go back in time.
        last = self._line[0] if self._line else None
        running = [n for n in nodes if n.role is Role.BROKER and n.state in ANSWERING]
        return sorted(running, key=lambda n: n.id != last)

    def _ask(
        self, broker: Node, nodes: tuple[Node, ...], topics: Collection[str] | None
    ) -> ClusterSnapshot:
        line = self._connected(broker)
        fenced: frozenset[int] = frozenset()
        if line.understands(_DescribeCluster()) and line.understands(_DescribePartitions()):
            cluster = line.ask(_DescribeCluster(include_fenced_brokers=True))
            fenced = frozenset(b.broker_id for b in cluster.brokers if b.is_fenced)
            told = described(line, topics)
        else:
            told = by_metadata(line, topics)
        ours = tuple(p for p in told if p.topic.startswith(self.cluster.prefix))
        return ClusterSnapshot(
            time=now(),
            nodes=nodes,
            partitions=ours,
            fenced=fenced,
            answered_by=broker.id,
        )

    def _connected(self, broker: Node) -> BrokerConnection:
        if self._line and self._line[0] != broker.id:
            self._hang_up()
        if self._line is None:
            self._line = broker.id, self.cluster.line(broker.id, self.timeout_s)
        return self._line[1]

    def _hang_up(self) -> None:
        if self._line:
            self._line[1].close()
            self._line = None


def by_metadata(line: BrokerConnection, topics: Collection[str] | None) -> Iterator[Partition]:
    """The partitions as every version of Kafka reports them: without ELR (Metadata)."""
    told = line.metadata(None if topics is None else list(topics))
    for topic in sorted(told.topics, key=lambda t: t.name):
        partitions = sorted(topic.partitions, key=lambda p: p.partition_index)
        yield from (_partition(topic.name, p) for p in partitions)


def described(line: BrokerConnection, topics: Collection[str] | None) -> Iterator[Partition]:
    """The partitions with their ELR (DescribeTopicPartitions, KIP-966)."""
    wanted = [_DescribePartitions.TopicRequest(name=name) for name in sorted(topics or ())]
    cursor = None
    while True:  # a broker returns at most 2,000 partitions at a time
        page = line.ask(
            _DescribePartitions(topics=wanted, response_partition_limit=2000, cursor=cursor)
        )
        for topic in page.topics:
            yield from (_partition(topic.name, p) for p in topic.partitions)
        if page.next_cursor is None:
            return
        cursor = _DescribePartitions.Cursor(
            topic_name=page.next_cursor.topic_name,
            partition_index=page.next_cursor.partition_index,
        )


def snapshot(cluster: Cluster, topic: str | None = None) -> ClusterSnapshot:
    """Look at `cluster` once; who looks often subscribes to the sampler (`sampler.watch`)."""
    with closing(Observer(cluster)) as observer:
        return observer.snapshot([topic] if topic else None).of(topic)


def _partition(topic: str, told: Any) -> Partition:
    return Partition(
        topic=topic,
        index=told.partition_index,
        leader=None if told.leader_id < 0 else told.leader_id,
        epoch=told.leader_epoch,
        replicas=tuple(told.replica_nodes),
        isr=tuple(told.isr_nodes),
        elr=tuple(getattr(told, "eligible_leader_replicas", None) or ()),
    )
