"""What we ask of a running cluster through Kafka's own admin API: mostly, to change settings."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaError, KafkaTimeoutError, UnknownBrokerIdError
from kafka.protocol.admin import IncrementalAlterConfigsRequest

from labs.base.errors import BadInput, LabsError
from labs.base.words import Words
from labs.kafka.addresses import split
from labs.kafka.wire import BrokerConnection

words = Words(__file__)

T = TypeVar("T")

#: How long a question is asked again, s: longer than two tries that a silent broker spoils (10 s).
ASK_TIMEOUT_S = 30.0

#: How long a client may take to find a broker that answers, s. kafka-python 3.0 gives all of it to
#: the first broker that it tries, and that one may be the one that has just been broken.
BOOTSTRAP_TIMEOUT_S = 5.0


@contextmanager
def admin(bootstrap: list[str]) -> Iterator[KafkaAdminClient]:
    """An admin client; its failures become sentences.

    What may be asked twice is better asked by `ask`, which tries again.

    Raises:
        LabsError: no broker answered in time, or the cluster refused.
    """
    try:
        with closing(_connected(bootstrap)) as client:
            yield client
    except KafkaError as error:
        raise _failed(error) from None


@contextmanager
def asking(bootstrap: list[str]) -> Iterator[KafkaAdminClient]:
    """An admin client whose failures stay Kafka's own errors."""
    with closing(_client(bootstrap)) as client:
        yield client


def _connected(bootstrap: list[str]) -> KafkaAdminClient:
    """A client that has found a broker: with two of three dead, one try may look at those alone."""
    deadline = time.monotonic() + ASK_TIMEOUT_S
    while True:
        try:
            return _client(bootstrap)
        except KafkaTimeoutError:
            if time.monotonic() > deadline:
                raise


def _client(bootstrap: list[str]) -> KafkaAdminClient:
    return KafkaAdminClient(
        bootstrap_servers=bootstrap,
        request_timeout_ms=10_000,
        bootstrap_timeout_ms=int(BOOTSTRAP_TIMEOUT_S * 1000),
    )


def ask(bootstrap: list[str], question: Callable[[KafkaAdminClient], T]) -> T:
    """Kafka's answer to what may be asked twice.

    Some seconds long Kafka still names a killed broker, and a broker that has just come back does
    not know all: then a new client asks again, until the time is up.

    Raises:
        LabsError: no answer in time, or a refusal that will not change.
    """
    deadline = time.monotonic() + ASK_TIMEOUT_S
    while True:
        try:
            with asking(bootstrap) as client:
                return question(client)
        except KafkaError as error:
            passing = error.retriable or isinstance(error, UnknownBrokerIdError)
            if not passing or time.monotonic() > deadline:
                raise _failed(error) from None
        time.sleep(0.1)


def _failed(error: KafkaError) -> LabsError:
    return LabsError(
        words("refusal.failed", error=type(error).__name__),
        hint=words("shows_who"),
    )


def copies_on_disk(client: KafkaAdminClient, topics: list[str]) -> dict[str, list[int]]:
    """Topic → the size of each copy of each of its partitions on a broker's disk, bytes."""
    found: dict[str, list[int]] = {topic: [] for topic in topics}
    for broker in client.describe_log_dirs(topics):
        for place in broker["log_dirs"]:
            for each in place["topics"]:
                found[each["name"]] += [p["partition_size"] for p in each["partitions"]]
    return found


def set_broker_config(
    bootstrap: list[str], settings: Mapping[str, str | None], node_id: int
) -> None:
    """Change dynamic settings of one broker (KIP-226); None takes one back.

    Raises:
        BadInput: Kafka knows no such dynamic setting, or not that value.
    """
    ask(bootstrap, lambda client: _require_known(client, node_id, settings))
    changes = {name: (_operation(value), value) for name, value in settings.items()}
    _alter(bootstrap, ConfigResource(ConfigResourceType.BROKER, str(node_id), changes))


def set_default_config(
    bootstrap: list[str], settings: Mapping[str, str | None], asked: int
) -> None:
    """Change the cluster-wide default of dynamic settings of brokers (KIP-226).

    `asked` is the broker that says which names there are: one that is known to answer.

    Raises:
        BadInput: Kafka knows no such dynamic setting, or not that value.
    """
    ask(bootstrap, lambda client: _require_known(client, asked, settings))
    alter_default(bootstrap, settings)


def set_topic_config(bootstrap: list[str], topic: str, settings: Mapping[str, str]) -> None:
    """Change settings of a topic.

    Raises:
        BadInput: there is no such topic or setting, or the value is out of bounds.
    """
    _alter(bootstrap, ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(settings)))


def set_group_config(bootstrap: list[str], group: str, settings: Mapping[str, str | None]) -> None:
    """Change settings of a KIP-848 or a share group, which may not exist yet; None takes one back.

    Raises:
        BadInput: the brokers do not know such a setting, or do not allow that value.
    """
    changes = {name: (_operation(value), value) for name, value in settings.items()}
    _alter(bootstrap, ConfigResource(ConfigResourceType.GROUP, group, configs=changes))


def _alter(bootstrap: list[str], resource: ConfigResource) -> None:
    # Kafka's answer counts: it comes back as a value, "OK" or the refusal.
    answers = ask(
        bootstrap, lambda client: client.alter_configs([resource], raise_on_unknown=False)
    )
    answer = answers[resource.resource_type.name.lower()][resource.name]
    if answer != "OK":
        raise BadInput(words("refusal.kafka", settings=resource.configs, why=answer.rstrip(".")))


def _require_known(
    client: KafkaAdminClient, node_id: int, settings: Mapping[str, str | None]
) -> None:
    """Kafka stores a broker's setting under any name, so a misspelt one must be caught here."""
    broker = ConfigResource(ConfigResourceType.BROKER, str(node_id))
    known = client.describe_configs([broker], config_filter="all")["broker"][broker.name]
    for name in settings:
        if name not in known or known[name]["read_only"]:
            raise BadInput(words("refusal.unknown", name=name))


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
    answer = _ask_any(bootstrap, request[1](resources=[resource], validate_only=False))
    refused = next((r for r in answer.responses if r.error_code), None)
    if refused is not None:
        raise BadInput(words("refusal.kafka", settings=dict(settings), why=refused.error_message))


def _operation(value: str | None) -> AlterConfigOp:
    return AlterConfigOp.DELETE if value is None else AlterConfigOp.SET


def _ask_any(bootstrap: list[str], request: Any) -> Any:
    """The answer of the first broker that gives one.

    Raises:
        LabsError: none does.
    """
    for address in bootstrap:
        with contextlib.suppress(OSError):
            host, port = split(address)
            with BrokerConnection(port, host, timeout_s=5.0) as broker:
                return broker.ask(request)
    raise LabsError(words("refusal.nobody"), hint=words("shows_who"))


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
            consumer_timeout_ms=30_000,  # waited out only where records are missing
        )
        # kafka-python 3.0 may be given no partition if it joins before it knows them.
        consumer.partitions_for_topic("exercise")
        read = sum(1 for _ in zip(range(300), consumer, strict=False))
        consumer.close()
        if read != 300:
            raise LabsError(words("refusal.test_read", read=read))
