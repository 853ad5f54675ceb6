"""What Kafka knows of the producers of a topic: their transactional ids, and what is still open.

A partition keeps the producer id of each producer that is idempotent or transactional, and the
coordinators know to which `transactional.id` it belongs (KIP-664).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from kafka import KafkaAdminClient, TopicPartition

from labs.base.errors import LabsError
from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.kafka.admin import ask
from labs.kafka.cluster import Cluster
from labs.workload.topic import serving

words = Words(__file__)

#: Where groups keep their offsets.
OFFSETS_TOPIC = "__consumer_offsets"

#: How long a transaction that has been told to end may take until its last marker is written, s.
MARKERS_S = 10.0


def transactional_ids(cluster: Cluster, topic: str) -> set[str]:
    """The `transactional.id` of each producer that has written to a topic in a transaction."""
    return _names(cluster, {state.producer_id for _, state in _states(cluster, topic)})


def committing_ids(cluster: Cluster) -> set[str]:
    """The `transactional.id` of each producer that has committed offsets of any group."""
    return transactional_ids(cluster, OFFSETS_TOPIC)


def open_now(cluster: Cluster, topic: str) -> list[tuple[int, int]]:
    """The open transactions of a topic, as partition and first offset."""
    starts = [(p, s.current_transaction_start_offset) for p, s in _states(cluster, topic)]
    return sorted((partition, start) for partition, start in starts if start >= 0)


def still_open(cluster: Cluster, topic: str, most_s: float) -> list[tuple[int, int]]:
    """The same, once the markers are written of transactions that have ended.

    Kafka says that a transaction is committed before its markers stand in all partitions. They are
    waited for no longer than `most_s`.
    """
    with suppress(LabsError):
        none_open = words("awaited.none_open", topic=topic)
        wait_for(lambda: not open_now(cluster, topic), none_open, min(MARKERS_S, most_s))
    return open_now(cluster, topic)


def _states(cluster: Cluster, topic: str) -> list[tuple[int, Any]]:
    """Partition and state of each producer that a topic's partitions know."""

    def asked(client: KafkaAdminClient) -> Iterator[tuple[int, Any]]:
        (described,) = client.describe_topics([topic])
        places = [TopicPartition(topic, p["partition_index"]) for p in described["partitions"]]
        for place, found in client.describe_producers(places).items():
            yield from ((place.partition, state) for state in found.active_producers)

    return ask(serving(cluster), lambda client: list(asked(client)))


def _names(cluster: Cluster, producers: set[int]) -> set[str]:
    def asked(client: KafkaAdminClient) -> set[str]:
        found = client.list_transactions(producer_id_filters=producers).values()
        return {each.transactional_id for listed in found for each in listed}

    return ask(serving(cluster), asked) if producers else set()
