"""Two real consumers behind one interface: kafka-python, and librdkafka (confluent-kafka).

kafka-python 3.0 speaks the classic group protocol only; librdkafka also KIP-848's, and goes on
reading while a cooperative rebalance is under way. Each is imported only where it is used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from labs.kafka import security
from labs.workload import set_here

#: partition, offset, value
Record = tuple[int, int, bytes]

#: `assigned`, `revoked` or `lost`, and which partitions.
Moved = Callable[[str, Iterable[int]], None]

#: How long a poll waits for records, ms.
POLL_MS = 100

KAFKA_PYTHON, LIBRDKAFKA = "kafka-python", "confluent-kafka"

#: The protocol of share groups (KIP-932), whose members are another kind: `share_process`.
SHARE = "share"


class Asked(Protocol):
    """What a client must know of a member's plan."""

    @property
    def client(self) -> str: ...  # noqa: D102
    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def bootstrap(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def group(self) -> str: ...  # noqa: D102
    @property
    def protocol(self) -> str: ...  # noqa: D102
    @property
    def commit(self) -> str: ...  # noqa: D102
    @property
    def options(self) -> Mapping[str, Any] | None: ...  # noqa: D102
    @property
    def max_records(self) -> int: ...  # noqa: D102


class Client(Protocol):
    """A consumer that has subscribed."""

    def poll(self, max_records: int) -> list[Record]:
        """The records that have come, in the order of their partitions."""

    def commit(self, offsets: Mapping[int, int] | None) -> None:
        """Commit the next offset to read of each partition, and wait for the answer.

        None: whatever the client holds for its position.
        """

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Read on from these offsets."""

    def positions(self) -> dict[int, int]:
        """Partition → the next offset to read, of those assigned; not of one that has none yet."""

    def close(self) -> None:
        """Leave the group."""


def connect(asked: Asked, moved: Moved) -> Client:
    """A consumer that joins the group with its first poll."""
    kind = _KafkaPython if asked.client == KAFKA_PYTHON else _Librdkafka
    return kind(asked, moved)


def departures(asked: Asked) -> tuple[set_here.Departure, ...]:
    """What a member's consumer sets otherwise than its default."""
    if asked.protocol == SHARE:
        return set_here.librdkafka("consumer", share_options(asked), "members")
    if asked.client == LIBRDKAFKA:
        return set_here.librdkafka("consumer", _librdkafka_options(asked), "members")
    options = {**_kafka_python_options(asked), "max_poll_records": asked.max_records}
    return set_here.kafka_python("consumer", options, "members")


def _kafka_python_options(asked: Asked) -> dict[str, Any]:
    from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
    from kafka.coordinator.assignors.range import RangePartitionAssignor

    cooperative = asked.protocol == "cooperative-sticky"
    return {
        "bootstrap_servers": list(asked.bootstrap),
        "group_id": asked.group,
        "enable_auto_commit": asked.commit == "auto",
        "partition_assignment_strategy": [
            CooperativeStickyAssignor if cooperative else RangePartitionAssignor
        ],
        "auto_offset_reset": "earliest",
        **(asked.options or {}),
    }


def _librdkafka_options(asked: Asked) -> dict[str, Any]:
    protocol: dict[str, Any] = {"group.protocol": "consumer"}
    if asked.protocol != "consumer":
        protocol = {"partition.assignment.strategy": asked.protocol}
    return {
        "bootstrap.servers": ",".join(asked.bootstrap),
        **security.current().librdkafka(),
        "group.id": asked.group,
        "enable.auto.commit": asked.commit == "auto",
        "auto.offset.reset": "earliest",
        "log_level": 0,
        **protocol,
        **(asked.options or {}),
    }


def share_options(asked: Asked) -> dict[str, Any]:
    """What a `ShareConsumer` of confluent-kafka is made with."""
    return {
        "bootstrap.servers": ",".join(asked.bootstrap),
        **security.current().librdkafka(),
        "group.id": asked.group,
        "share.acknowledgement.mode": "explicit",
        "max.poll.records": asked.max_records,
        "log_level": 0,
        **(asked.options or {}),
    }


class _KafkaPython:
    def __init__(self, asked: Asked, moved: Moved) -> None:
        from kafka import ConsumerRebalanceListener, KafkaConsumer

        class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
            def on_partitions_assigned(self, assigned: Any) -> None:
                moved("assigned", [p.partition for p in assigned])

            def on_partitions_revoked(self, revoked: Any) -> None:
                moved("revoked", [p.partition for p in revoked])

            def on_partitions_lost(self, lost: Any) -> None:
                moved("lost", [p.partition for p in lost])

        self._topic = asked.topic
        self._consumer = KafkaConsumer(**_kafka_python_options(asked))
        self._consumer.subscribe([asked.topic], listener=Listener())
        # kafka-python 3.0.12 joins before it knows the topic's partitions, shares out none, and
        # joins again; if a poll's time is up during that second join, its result is dropped, and
        # the member has no partition for good (3 of 175 joins). Knowing them first: 0 of 829.
        self._consumer.partitions_for_topic(asked.topic)

    def poll(self, max_records: int) -> list[Record]:
        found = self._consumer.poll(timeout_ms=POLL_MS, max_records=max_records)
        return [(r.partition, r.offset, r.value or b"") for rs in found.values() for r in rs]

    def commit(self, offsets: Mapping[int, int] | None) -> None:
        from kafka import OffsetAndMetadata

        if offsets is None:
            self._consumer.commit()
            return
        self._consumer.commit(
            {self._partition(p): OffsetAndMetadata(o, "", -1) for p, o in offsets.items()}
        )

    def seek(self, offsets: Mapping[int, int]) -> None:
        for partition, offset in offsets.items():
            self._consumer.seek(self._partition(partition), offset)

    def positions(self) -> dict[int, int]:
        from kafka.errors import KafkaTimeoutError

        found = {}
        for partition in self._consumer.assignment():
            with contextlib.suppress(KafkaTimeoutError):
                position = self._consumer.position(partition, timeout_ms=POLL_MS)
                if position is not None:
                    found[partition.partition] = position
        return found

    def _partition(self, partition: int) -> Any:
        from kafka import TopicPartition

        return TopicPartition(self._topic, partition)

    def close(self) -> None:
        with contextlib.suppress(Exception):  # its committed offset is lost, which is a result, too
            self._consumer.close()


class _Librdkafka:
    def __init__(self, asked: Asked, moved: Moved) -> None:
        from confluent_kafka import Consumer

        def tell(event: str) -> Callable[[Any, Any], None]:
            return lambda _consumer, partitions: moved(event, [p.partition for p in partitions])

        self._topic = asked.topic
        self._consumer = Consumer(_librdkafka_options(asked))
        self._consumer.subscribe(
            [asked.topic],
            on_assign=tell("assigned"),
            on_revoke=tell("revoked"),
            on_lost=tell("lost"),
        )

    def poll(self, max_records: int) -> list[Record]:
        # One record first, then whatever is there: `consume` waits for its whole number.
        first = self._consumer.poll(POLL_MS / 1000)
        if first is None:
            return []
        found = [first, *self._consumer.consume(max_records - 1, 0)] if max_records > 1 else [first]
        _raise_fatal(found)
        return [_record(message) for message in found if not message.error()]

    def commit(self, offsets: Mapping[int, int] | None) -> None:
        from confluent_kafka import TopicPartition

        if offsets is None:
            self._consumer.commit(asynchronous=False)
            return
        places = [TopicPartition(self._topic, p, o) for p, o in offsets.items()]
        self._consumer.commit(offsets=places, asynchronous=False)

    def seek(self, offsets: Mapping[int, int]) -> None:
        from confluent_kafka import TopicPartition

        for partition, offset in offsets.items():
            self._consumer.seek(TopicPartition(self._topic, partition, offset))

    def positions(self) -> dict[int, int]:
        from confluent_kafka import KafkaException

        told = self._consumer.position(self._consumer.assignment())
        # It knows no position in a partition from which nothing came yet: there it begins at the
        # offset that the group has committed.
        unread = [p for p in told if p.offset < 0]
        if unread:
            with contextlib.suppress(KafkaException):
                told += self._consumer.committed(unread, timeout=1.0)
        return {p.partition: p.offset for p in told if p.offset >= 0}

    def close(self) -> None:
        self._consumer.close()


def _raise_fatal(messages: Iterable[Any]) -> None:
    """librdkafka returns an error as a message; after a fatal one the client no longer works."""
    from confluent_kafka import KafkaError, KafkaException

    for message in messages:
        error = message.error()
        if error and error.code() == KafkaError._FATAL:  # noqa: SLF001 - so confluent-kafka calls it
            raise KafkaException(error.str())


def _record(message: Any) -> Record:
    return message.partition(), message.offset(), message.value() or b""
