"""What we ask of a running cluster through Kafka's own admin API: settings, and a clean slate."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorError,
)
from kafka.protocol.admin import IncrementalAlterConfigsRequest

from labs.cluster.wire import BrokerConnection
from labs.errors import BadInput, LabsError

#: How long a soft reset tries before a fresh cluster is quicker, s.
CLEAN_TIMEOUT_S = 3.0

PREFERRED_ELECTION = 0

#: Where ELR is on, a fresh format itself sets this cluster-wide default (KIP-966).
FORMATTED_DEFAULT = ("min.insync.replicas", "1")


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
        f"{what} ({type(error).__name__})", hint="`labs status` shows who is up"
    )


def set_broker_config(
    bootstrap: list[str], settings: Mapping[str, str], node_id: int | None = None
) -> None:
    """Change dynamic settings of a broker; None means the cluster-wide default (KIP-226).

    Raises:
        BadInput: Kafka knows no such dynamic setting, or not that value.
    """
    if node_id is None:
        with admin(bootstrap) as client:
            _require_known(client, str(client.describe_cluster()["brokers"][0]["broker_id"]), settings)
        _alter_default(bootstrap, settings)
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


def _alter_default(bootstrap: list[str], settings: Mapping[str, str | None]) -> None:
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


def clean(bootstrap: list[str]) -> bool:
    """Delete every topic and group and every dynamic setting; whether all of it is gone."""
    deadline = time.monotonic() + CLEAN_TIMEOUT_S
    with admin(bootstrap) as client:
        _reset_settings(client, bootstrap)
        _lead_as_preferred(client)
        while time.monotonic() < deadline:
            topics, groups = _own_topics(client), _groups(client)
            if topics:
                client.delete_topics(topics, timeout_ms=5000, raise_errors=False)
            if groups:
                client.delete_groups(groups)
            if topics == groups == []:
                return True
            time.sleep(0.03)
    return False


def _own_topics(client: KafkaAdminClient) -> list[str]:
    """All but Kafka's internal topics, which hold no learner's record."""
    return [t["name"] for t in client.describe_topics() if not t["is_internal"]]


def _groups(client: KafkaAdminClient) -> list[str] | None:
    """All groups; None while a coordinator that has just taken over still reads its topic."""
    try:
        return [group["group_id"] for group in client.list_groups()]
    except (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError):
        return None


def _lead_as_preferred(client: KafkaAdminClient) -> None:
    """Hand leadership back to the preferred replicas, as a cluster fresh from the box has it."""
    client.elect_leaders(PREFERRED_ELECTION, raise_errors=False)


def _reset_settings(client: KafkaAdminClient, bootstrap: list[str]) -> None:
    """Take back every dynamic setting (a topic's go with the topic)."""
    kinds = {ConfigResourceType.BROKER, ConfigResourceType.GROUP, ConfigResourceType.CLIENT_METRICS}
    resources = [
        ConfigResource(kind, name, configs=[])
        for kind in kinds
        for name in client.list_config_resources([kind]).get(kind.name.lower(), [])
        if name
    ]
    client.reset_configs(resources)
    defaults = _cluster_defaults(client, next(r for r in resources if r.name.isdigit()).name)
    changed = {name: None for name in defaults if name != FORMATTED_DEFAULT[0]}
    if changed or defaults.get(FORMATTED_DEFAULT[0]) != FORMATTED_DEFAULT[1]:
        _alter_default(bootstrap, {**changed, **dict([FORMATTED_DEFAULT])})


def _cluster_defaults(client: KafkaAdminClient, broker: str) -> dict[str, str]:
    """The cluster-wide dynamic settings, as a broker sees them."""
    resource = ConfigResource(ConfigResourceType.BROKER, broker)
    told = client.describe_configs([resource], config_filter="all")["broker"][broker]
    return {
        name: entry["value"]
        for name, entry in told.items()
        if entry["config_source"] == "DYNAMIC_DEFAULT_BROKER_CONFIG"
    }


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
