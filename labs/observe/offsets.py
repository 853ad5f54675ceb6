"""How far one broker's own copy of a log reaches, asked of that very broker.

A consumer may ask only the leader, and gets the high watermark. The protocol knows a third kind
of asker, the *debugging replica* (id −2): it may ask any replica, and gets the log end offset
(Kafka's `ListOffsetsRequest.DEBUGGING_REPLICA_ID`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from kafka.protocol.consumer import ListOffsetsRequest

from labs.kafka.wire import BrokerConnection

CONSUMER = -1
DEBUGGING_REPLICA = -2
LATEST = -1

_Request = ListOffsetsRequest[7]
_Topic = ListOffsetsRequest.ListOffsetsTopic

#: A topic's name and a partition's index.
TopicPartition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one broker's copy reached at `time`; `high_watermark` None: it did not lead."""

    time: float
    broker: int
    log_end: int
    high_watermark: int | None


def log_ends(
    broker: BrokerConnection, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """The log end offset of this broker's own copies; partitions without a copy are left out.

    Raises:
        OSError: the broker is gone or does not answer.
    """
    return _ask(broker, partitions, DEBUGGING_REPLICA)


def high_watermarks(
    broker: BrokerConnection, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """The high watermark of each partition that this broker leads; others are left out.

    Raises:
        OSError: the broker is gone or does not answer.
    """
    return _ask(broker, partitions, CONSUMER)


def _ask(
    broker: BrokerConnection, partitions: Iterable[TopicPartition], asker: int
) -> dict[TopicPartition, int]:
    wanted = defaultdict(list)
    for topic, index in partitions:
        wanted[topic].append(
            _Topic.ListOffsetsPartition(
                partition_index=index, current_leader_epoch=-1, timestamp=LATEST
            )
        )
    topics = [_Topic(name=name, partitions=asked) for name, asked in wanted.items()]
    answer = broker.ask(_Request(replica_id=asker, isolation_level=0, topics=topics))
    return {
        (topic.name, told.partition_index): told.offset
        for topic in answer.topics
        for told in topic.partitions
        if told.error_code == 0 and told.offset >= 0
    }
