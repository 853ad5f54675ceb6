"""What chapter 10 says of RabbitMQ and Pulsar, asked of the live ones; and of Kafka's tools."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from labs.chapters.systems.beside import (
    bookies,
    path_of,
    pulsar_admin,
    pulsar_client_at,
    pulsar_namespace,
    rabbit_connection,
    rabbitmq,
)
from labs.kafka.admin import admin
from labs.kafka.local import LocalCluster
from labs.services.known import service

QUORUM = {"x-queue-type": "quorum"}
NAME, WAIT_MS = "labs.claims", 30_000


@pytest.fixture(scope="module")
def rabbit(own_cluster: LocalCluster) -> Iterator[Any]:
    """A channel of RabbitMQ, where it can be had."""
    del own_cluster
    one = rabbitmq()
    if one is None:
        pytest.skip("RabbitMQ can't be had here")
    connection = rabbit_connection(one, heartbeat_s=0)
    yield connection.channel()
    connection.close()
    one.stop()


@pytest.fixture(scope="module")
def pulsar(own_cluster: LocalCluster) -> Iterator[Any]:
    """A client of Pulsar; its topics are in a namespace of three copies."""
    del own_cluster
    client = pulsar_client_at(str(service("pulsar").handle()))
    pulsar_namespace("claims", {"persistence": bookies(3)})
    yield client
    client.close()
    service("pulsar").stop()


def test_pulsar_closes_a_ledger_after_ten_minutes_at_the_earliest(pulsar: Any) -> None:
    """So what was read a moment ago is still on its disk."""
    told = pulsar_admin("GET", "brokers/configuration/runtime")
    assert told["managedLedgerMinLedgerRolloverTimeMinutes"] == "10"


def test_a_broker_looks_every_five_minutes_for_what_may_be_deleted(
    own_cluster: LocalCluster,
) -> None:
    broker = ConfigResource(ConfigResourceType.BROKER, "1")
    with admin(own_cluster.bootstrap) as client:
        told = client.describe_configs([broker], config_filter="all")["broker"]["1"]
    assert told["log.retention.check.interval.ms"]["value"] == str(5 * 60 * 1000)


def new_queue(channel: Any, **arguments: object) -> None:
    channel.queue_delete(NAME)
    channel.queue_declare(NAME, durable=True, arguments=arguments or QUORUM)


def test_what_is_handed_back_comes_again_and_is_counted(rabbit: Any) -> None:
    new_queue(rabbit)
    rabbit.confirm_delivery()
    rabbit.basic_publish("", NAME, b"open gate 7")
    method, _, _ = rabbit.basic_get(NAME)
    assert not method.redelivered
    rabbit.basic_nack(method.delivery_tag, requeue=True)
    method, properties, _ = next(rabbit.consume(NAME))
    assert method.redelivered
    assert properties.headers["x-delivery-count"] == 1
    rabbit.basic_ack(method.delivery_tag)
    rabbit.cancel()


def test_a_quorum_queue_gives_up_after_its_limit(rabbit: Any) -> None:
    new_queue(rabbit, **{**QUORUM, "x-delivery-limit": 2})
    rabbit.basic_publish("", NAME, b"poison")
    tries = 0
    for method, _, _ in rabbit.consume(NAME, inactivity_timeout=3):
        if method is None:
            break
        tries += 1
        rabbit.basic_nack(method.delivery_tag, requeue=True)
    rabbit.cancel()
    assert tries == 3, "the first delivery, and two more"


def test_the_one_with_the_higher_priority_comes_first(rabbit: Any) -> None:
    import pika

    new_queue(rabbit, **{"x-max-priority": 2})
    for name, priority in ((b"economy", 0), (b"economy too", 0), (b"business", 2)):
        rabbit.basic_publish("", NAME, name, pika.BasicProperties(priority=priority))
    found = [rabbit.basic_get(NAME, auto_ack=True)[2] for _ in range(3)]
    assert found == [b"business", b"economy", b"economy too"]


def test_a_stream_is_a_kind_of_queue_that_keeps_what_was_read(rabbit: Any) -> None:
    rabbit.queue_delete(f"{NAME}.stream")
    arguments = {"x-queue-type": "stream"}
    rabbit.queue_declare(f"{NAME}.stream", durable=True, arguments=arguments)
    rabbit.queue_delete(f"{NAME}.stream")


def test_what_expires_goes_to_another_queue(rabbit: Any) -> None:
    later = f"{NAME}.later"
    rabbit.queue_delete(later)
    to_name = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": NAME}
    rabbit.queue_declare(later, arguments={"x-message-ttl": 2000, **to_name})
    new_queue(rabbit, **{"x-queue-type": "classic"})
    rabbit.basic_publish("", later, b"gate closes")
    rabbit.basic_publish("", NAME, b"boarding")
    incoming = rabbit.consume(NAME, auto_ack=True, inactivity_timeout=10)
    assert [next(incoming)[2] for _ in range(2)] == [b"boarding", b"gate closes"]
    rabbit.cancel()
    rabbit.queue_delete(later)


def test_a_full_queue_drops_the_oldest(rabbit: Any) -> None:
    new_queue(rabbit, **{"x-queue-type": "classic", "x-max-length": 3})
    for number in b"12345":
        rabbit.basic_publish("", NAME, bytes([number]))
    found = [rabbit.basic_get(NAME, auto_ack=True)[2] for _ in range(4)]
    assert found == [b"3", b"4", b"5", None]


def topic(name: str) -> str:
    return f"persistent://public/claims/{name}"


def test_a_delayed_message_comes_after_one_that_was_sent_later(pulsar: Any) -> None:
    from datetime import timedelta

    import pulsar as package

    consumer = pulsar.subscribe(topic("reminders"), NAME, package.ConsumerType.Shared)
    producer = pulsar.create_producer(topic("reminders"))
    began = time.monotonic()
    producer.send(b"gate closes", deliver_after=timedelta(seconds=3))
    producer.send(b"boarding")
    found = [consumer.receive(WAIT_MS).data() for _ in range(2)]
    assert found == [b"boarding", b"gate closes"]
    assert time.monotonic() - began > 2
    consumer.close()


def test_what_a_reader_of_pulsar_hands_back_comes_again_and_is_counted(pulsar: Any) -> None:
    import pulsar as package

    crew = pulsar.subscribe(
        topic("cleaning"),
        NAME,
        package.ConsumerType.Shared,
        negative_ack_redelivery_delay_ms=500,
    )
    pulsar.create_producer(topic("cleaning")).send(b"clean cabin 3")
    counts = []
    for answer in (crew.negative_acknowledge, crew.acknowledge):
        message = crew.receive(WAIT_MS)
        counts.append(message.redelivery_count())
        answer(message)
    assert counts == [0, 1]
    crew.close()


def test_a_writer_is_refused_when_the_backlog_is_full(pulsar: Any) -> None:
    import pulsar as package

    quota = {"limitSize": 10_000, "policy": "producer_exception"}
    place = f"persistent://{pulsar_namespace('full', {'backlogQuota': quota})}/orders"
    pulsar.subscribe(place, NAME).close()
    producer = pulsar.create_producer(place)
    for _ in range(20):
        producer.send(bytes(1000))
    with pytest.raises(package.PulsarException):
        pulsar.create_producer(place)
    pulsar_admin("POST", f"{path_of(place)}/subscription/{NAME}/skip_all")
    pulsar.create_producer(place).close()


def test_who_may_join_a_subscription(pulsar: Any) -> None:
    import pulsar as package

    kinds = package.ConsumerType
    for kind in (kinds.Failover, kinds.Shared, kinds.KeyShared):
        place = topic(f"joined-{kind.name}")
        both = [pulsar.subscribe(place, NAME, kind) for _ in range(2)]
        for consumer in both:
            consumer.close()
    only = pulsar.subscribe(topic("alone"), NAME)  # its default
    with pytest.raises(package.PulsarException):
        pulsar.subscribe(topic("alone"), NAME)
    only.close()


def test_what_nobody_has_acknowledged_stays_without_a_retention(pulsar: Any) -> None:
    place = topic("unread")
    path = path_of(place)
    pulsar.subscribe(place, NAME).close()
    producer = pulsar.create_producer(place)
    for _ in range(5):
        producer.send(b"departed")
    producer.close()
    pulsar_admin("PUT", f"{path}/unload")
    pulsar.subscribe(place, NAME).close()
    pulsar_admin("POST", f"{path}/trim")
    assert pulsar_admin("GET", f"{path}/internalStats")["numberOfEntries"] == 5
    assert pulsar_admin("GET", "namespaces/public/claims/retention") in (None, {})


def test_three_bookies_hold_what_a_namespace_asks_for(pulsar: Any) -> None:
    producer = pulsar.create_producer(topic("copies"))
    producer.send(b"departed")
    bookies = {one["bookieId"] for one in pulsar_admin("GET", "bookies/all")["bookies"]}
    stats = pulsar_admin("GET", "persistent/public/claims/copies/internalStats?metadata=true")
    told = stats["ledgers"][-1]["metadata"]
    assert len(bookies) == 3
    assert all(bookie in told for bookie in bookies)
    producer.close()


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "the panel of section 6": (
        "experiments/test_systems_load.py::"
        "test_what_is_held_was_within_the_bound_and_the_next_step_was_not"
    ),
    "share groups": (
        "experiments/test_systems.py::test_both_readers_work_in_order_where_a_key_has_one_reader"
    ),
    "streams": "test_a_stream_is_a_kind_of_queue_that_keeps_what_was_read",
}
