"""What we ask of a running cluster through Kafka's own admin API: settings, and a clean slate."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaError

from labs.errors import BadInput, LabsError

#: How long a soft reset tries before a fresh cluster is quicker, s.
CLEAN_TIMEOUT_S = 3.0


@contextmanager
def admin(bootstrap: list[str]) -> Iterator[KafkaAdminClient]:
    """An admin client; its failures become sentences.

    Raises:
        LabsError: no broker answered, or the cluster refused.
    """
    try:
        client = KafkaAdminClient(
            bootstrap_servers=bootstrap, request_timeout_ms=10_000, bootstrap_timeout_ms=10_000
        )
    except KafkaError as error:
        raise _failed("no broker answers", error) from None
    try:
        yield client
    except KafkaError as error:
        raise _failed("the cluster did not do what was asked", error) from None
    finally:
        client.close()


def _failed(what: str, error: KafkaError) -> LabsError:
    return LabsError(
        f"{what} ({type(error).__name__}: {error})", hint="`labs status` shows who is up"
    )


def set_broker_config(
    bootstrap: list[str], settings: Mapping[str, str], node_id: int | None = None
) -> None:
    """Change dynamic settings of a broker; None means the default of all (KIP-226).

    Raises:
        BadInput: Kafka knows no such dynamic setting, or not that value.
    """
    name = "" if node_id is None else str(node_id)
    _alter(bootstrap, ConfigResource(ConfigResourceType.BROKER, name, configs=dict(settings)))


def set_topic_config(bootstrap: list[str], topic: str, settings: Mapping[str, str]) -> None:
    """Change settings of a topic.

    Raises:
        BadInput: there is no such topic or setting, or the value is out of bounds.
    """
    _alter(bootstrap, ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(settings)))


def _alter(bootstrap: list[str], resource: ConfigResource) -> None:
    with admin(bootstrap) as client:
        try:
            # Kafka itself judges the names: the client's own check reads only one broker's list.
            client.alter_configs([resource], raise_on_unknown=False)
        except (KafkaError, ValueError) as error:
            raise BadInput(f"Kafka refused {resource.configs} ({error})") from None


def clean(bootstrap: list[str]) -> bool:
    """Delete every topic and group and every dynamic setting; whether all of it is gone."""
    deadline = time.monotonic() + CLEAN_TIMEOUT_S
    with admin(bootstrap) as client:
        _reset_settings(client)
        while time.monotonic() < deadline:
            _delete_groups(client)
            topics = _own_topics(client)
            if topics:
                client.delete_topics(topics, timeout_ms=5000)
            elif not client.list_groups():
                return True
            time.sleep(0.03)
    return False


def _own_topics(client: KafkaAdminClient) -> list[str]:
    """All but Kafka's internal topics, which hold no learner's record."""
    return [t["name"] for t in client.describe_topics() if not t["is_internal"]]


def _delete_groups(client: KafkaAdminClient) -> None:
    names = [group["group_id"] for group in client.list_groups()]
    if names:
        client.delete_groups(names)


def _reset_settings(client: KafkaAdminClient) -> None:
    """Take back dynamic settings of brokers, groups and client metrics (topics go with theirs)."""
    resources = [
        ConfigResource(r["resource_type"], r["resource_name"])
        for r in client.list_config_resources()
    ]
    print(resources)


def exercise(bootstrap: list[str]) -> None:
    """A little of everything a learner does: topics, records, a group, a transaction."""
    with admin(bootstrap) as client:
        client.create_topics([NewTopic("exercise", num_partitions=3, replication_factor=3)])
        client.describe_cluster()
        producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id="exercise")
        producer.init_transactions()
        producer.begin_transaction()
        for number in range(300):
            producer.send("exercise", key=b"%d" % (number % 7), value=b"x" * 100)
        producer.commit_transaction()
        producer.close()
        consumer = KafkaConsumer(
            "exercise",
            bootstrap_servers=bootstrap,
            group_id="exercise",
            auto_offset_reset="earliest",
            consumer_timeout_ms=3000,
        )
        read = sum(1 for _ in zip(range(300), consumer, strict=False))
        consumer.close()
        if read != 300:
            raise LabsError(f"a test read found {read} of 300 records")


def describe(bootstrap: list[str]) -> Any:
    """Topics as the cluster's metadata tells them."""
    with admin(bootstrap) as client:
        return client.describe_topics()
