"""How far one broker's own copy of a log reaches, asked of that very broker.

A consumer may ask only the leader, and hears the high watermark. The protocol knows a third kind
of asker, the *debugging replica* (id −2): it may ask any replica, and hears the log end offset
(Kafka's `ListOffsetsRequest.DEBUGGING_REPLICA_ID`).
"""

from __future__ import annotations

from collections.abc import Sequence

from kafka.protocol.consumer import ListOffsetsRequest

from labs.kafka.wire import BrokerConnection

CONSUMER = -1
DEBUGGING_REPLICA = -2
LATEST = -1

_Request = ListOffsetsRequest[7]
_Topic = ListOffsetsRequest.ListOffsetsTopic


def log_ends(broker: BrokerConnection, topic: str, partitions: Sequence[int]) -> dict[int, int]:
    """Partition → log end offset of this broker's own copy; one that it has no copy of is left out.

    Raises:
        OSError: the broker is gone or does not answer.
    """
    return _ask(broker, topic, partitions, DEBUGGING_REPLICA)


def high_watermarks(
    broker: BrokerConnection, topic: str, partitions: Sequence[int]
) -> dict[int, int]:
    """Partition → high watermark, of those that this broker leads: it tells of no other.

    Raises:
        OSError: the broker is gone or does not answer.
    """
    return _ask(broker, topic, partitions, CONSUMER)


def _ask(
    broker: BrokerConnection, topic: str, partitions: Sequence[int], asker: int
) -> dict[int, int]:
    wanted = [
        _Topic.ListOffsetsPartition(partition_index=p, current_leader_epoch=-1, timestamp=LATEST)
        for p in partitions
    ]
    request = _Request(
        replica_id=asker, isolation_level=0, topics=[_Topic(name=topic, partitions=wanted)]
    )
    answer = broker.ask(request)
    return {
        p.partition_index: p.offset
        for told in answer.topics
        for p in told.partitions
        if p.error_code == 0 and p.offset >= 0
    }
