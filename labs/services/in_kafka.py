"""What servers keep in Kafka: topics, of which each has its copies."""

from __future__ import annotations

from collections.abc import Iterable

from labs.kafka.cluster import Cluster, Role

#: As many copies as every topic of the notebooks has.
REPLICAS = 3


def replicas(cluster: Cluster) -> int:
    """How many copies of a topic there can be: three, or as many as there are brokers."""
    brokers = [node for node in cluster.status().nodes if node.role is Role.BROKER]
    return max(1, min(REPLICAS, len(brokers)))


def has_topics(cluster: Cluster, names: Iterable[str]) -> bool:
    """Whether the cluster has all of these topics."""
    from labs.kafka.admin import ask

    return set(names) <= set(ask(cluster.bootstrap, lambda client: client.list_topics()))
