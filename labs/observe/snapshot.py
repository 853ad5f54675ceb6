"""What the cluster looked like at one moment: its processes, and Kafka's own view of partitions.

The two can disagree, and that is the lesson: for some seconds after a kill, Kafka still names the
dead broker as leader.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from labs.kafka.cluster import ANSWERING, Node, Role


@dataclass(frozen=True)
class Partition:
    """One partition as the metadata has it. Brokers are ids; `leader` is None if there is none.

    `epoch` is the leader epoch: it grows by one with each election. `elr` are the replicas that
    left the ISR but may still be elected without loss (KIP-966).
    """

    topic: str
    index: int
    leader: int | None
    epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    elr: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """`topic-index`, as Kafka's own logs write it."""
        return f"{self.topic}-{self.index}"

    @property
    def out_of_sync(self) -> tuple[int, ...]:
        """The replicas that are not in the ISR."""
        return tuple(broker for broker in self.replicas if broker not in self.isr)


@dataclass(frozen=True)
class ClusterSnapshot:
    """The cluster at one moment: `time` is by `labs.base.clock`.

    `reachable` is False when no broker answered; then there are nodes and no partitions.
    `fenced` are the brokers that the controller counts as dead, `answered_by` is who answered.
    """

    time: float
    nodes: tuple[Node, ...]
    partitions: tuple[Partition, ...] = ()
    fenced: frozenset[int] = frozenset()
    answered_by: int | None = None

    @property
    def reachable(self) -> bool:
        """Whether any broker answered."""
        return self.answered_by is not None

    @property
    def brokers(self) -> tuple[Node, ...]:
        """The brokers, in the order of their ids."""
        return tuple(n for n in self.nodes if n.role is Role.BROKER)

    @property
    def controllers(self) -> tuple[Node, ...]:
        """The KRaft controllers."""
        return tuple(n for n in self.nodes if n.role is Role.CONTROLLER)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics' names, sorted."""
        return tuple(sorted({p.topic for p in self.partitions}))

    def node(self, node_id: int) -> Node | None:
        """The node with that id."""
        return next((n for n in self.nodes if n.id == node_id), None)

    def running(self, broker_id: int) -> bool:
        """Whether the process of that broker is alive and not paused."""
        node = self.node(broker_id)
        return node is not None and node.state in ANSWERING

    def of(self, topic: str | None, internal: bool = False) -> ClusterSnapshot:
        """The same, with the partitions of one topic only, or of all but Kafka's own.

        Args:
            topic: None for all.
            internal: also Kafka's own topics, whose names start with `__`.
        """
        wanted = (
            p
            for p in self.partitions
            if (p.topic == topic if topic else internal or not p.topic.startswith("__"))
        )
        return replace(self, partitions=tuple(wanted))

    def partition(self, topic: str, index: int = 0) -> Partition | None:
        """One partition; None if it does not exist, or if no broker answered."""
        found = (p for p in self.partitions if (p.topic, p.index) == (topic, index))
        return next(found, None)
