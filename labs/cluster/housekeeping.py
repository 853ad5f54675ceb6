"""What we ask of a running cluster through Kafka's own admin API: mostly, to change settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaError
from kafka.protocol.admin import IncrementalAlterConfigsRequest

from labs.cluster.wire import BrokerConnection
from labs.errors import BadInput, LabsError


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
    return LabsError(f"{what} ({type(error).__name__})", hint="`labs status` shows who is up")


def set_broker_config(
    bootstrap: list[str], settings: Mapping[str, str], node_id: int | None = None
) -> None:
    """Change dynamic settings of a broker; None means the cluster-wide default (KIP-226).

    Raises:
        BadInput: Kafka knows no such dynamic setting, or not that value.
    """
    if node_id is None:
        with admin(bootstrap) as client:
            some_broker = client.describe_cluster()["brokers"][0]
            _require_known(client, str(some_broker["broker_id"]), settings)
        alter_default(bootstrap, settings)
    else:
        broker = ConfigResource(ConfigResourceType.BROKER, str(node_id), configs=dict(settings))
        _alter(bootstrap, broker)


def set_topic_config(bootstrap: list[str], topic: str, settings: Mapping[str, str]) -> None:
    """Change settings of a topic.

    Raises:
        BadInput: there is no such topic or setting, or the value is out of bounds.
    """
    _alter(bootstrap, ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(settings)))


def _alter(bootstrap: list[str], resource: ConfigResource) -> None:
    kind = resource.resource_type
    with admin(bootstrap) as client:
        if kind is ConfigResourceType.BROKER:
            _require_known(client, resource.name, resource.configs)
        # Kafka's answer counts: it comes back as a value, "OK" or the refusal.
        answers = client.alter_configs([resource], raise_on_unknown=False)
    answer = answers[kind.name.lower()][resource.name]
    if answer != "OK":
        raise BadInput(f"Kafka refused {resource.configs} ({answer.rstrip('.')})")


def _require_known(client: KafkaAdminClient, broker: str, settings: Iterable[str]) -> None:
    """Kafka stores a broker's setting under any name, so a misspelt one must be caught here."""
    resource = ConfigResource(ConfigResourceType.BROKER, broker)
    known = client.describe_configs([resource], config_filter="all")["broker"][broker]
    for name in settings:
        if name not in known or known[name]["read_only"]:
            raise BadInput(f"{name} is no setting of a broker that can be changed while it runs")


def alter_default(bootstrap: list[str], settings: Mapping[str, str | None]) -> None:
    """Alter the default of all brokers, whose name is empty; None takes a setting back.

    kafka-python 3.0 sends only to brokers with a number, so this one goes over the wire.
    """
    request = IncrementalAlterConfigsRequest
    resource = request.AlterConfigsResource(
        resource_type=ConfigResourceType.BROKER.value,
        resource_name="",
        configs=[
            request.AlterConfigsResource.AlterableConfig(
                name=name, config_operation=_operation(value).value, value=value
            )
            for name, value in settings.items()
        ],
    )
    with any_broker(bootstrap) as broker:
        answer = broker.ask(request[1](resources=[resource], validate_only=False))
    refused = next((r for r in answer.responses if r.error_code), None)
    if refused is not None:
        raise BadInput(f"Kafka refused {dict(settings)} ({refused.error_message})")


def _operation(value: str | None) -> AlterConfigOp:
    return AlterConfigOp.DELETE if value is None else AlterConfigOp.SET


@contextmanager
def any_broker(bootstrap: list[str]) -> Iterator[BrokerConnection]:
    """A connection to the first broker that takes one.

    Raises:
        LabsError: none does, or it hung up.
    """
    for address in bootstrap:
        try:
            broker = BrokerConnection(int(address.rpartition(":")[2]), timeout_s=5.0)
        except OSError:
            continue
        with broker:
            yield broker
        return
    raise LabsError("no broker answers", hint="`labs status` shows who is up")


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
