"""What chapter 06 says of Kafka and of its clients, asked of the live ones."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator
from typing import Any

import confluent_kafka
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaConfigurationError, KafkaError, for_code
from kafka.producer import kafka as module
from kafka.protocol.producer import ProduceRequest
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.structs import ConsumerGroupMetadata, OffsetAndMetadata

from labs.kafka.admin import admin
from labs.kafka.config import log_flags
from labs.kafka.installation import JVM_FLAGS, ensure_installation, jvm_environment
from labs.kafka.local import LocalCluster
from labs.workload import set_here
from tests.kafka_tools import (
    end_offsets,
    java_defaults,
    kafka_tool,
    leader_of,
    value_and_default,
)


@pytest.fixture
def topic(cluster: LocalCluster) -> Iterator[str]:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    client.create_topics({"flights": {"num_partitions": 3, "replication_factor": 3}})
    yield "flights"
    client.close()


def test_acks_1_turns_idempotence_off_with_a_warning_unless_it_was_asked_for(
    cluster: LocalCluster, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # kafka-python 3.0: the first producer that is collected without `close()` takes this logger
    # from all that come after it in the process (`KafkaProducer.close(null_logger=True)`).
    monkeypatch.setattr(module, "log", logging.getLogger(module.__name__))
    plain = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    quiet = KafkaProducer(bootstrap_servers=cluster.bootstrap, acks=1)
    assert plain.config["enable_idempotence"] is True
    assert quiet.config["enable_idempotence"] is False
    told = [r for r in caplog.records if r.name.startswith("kafka") and "idempot" in r.getMessage()]
    assert [record.levelname for record in told] == ["WARNING"]  # nothing else tells of it
    plain.close()
    quiet.close()
    with pytest.raises(KafkaConfigurationError):
        KafkaProducer(bootstrap_servers=cluster.bootstrap, acks=1, enable_idempotence=True)


@pytest.mark.parametrize(("settings", "idempotent"), [((), "true"), (("acks=1",), "false")])
def test_so_it_does_in_the_java_client(
    cluster: LocalCluster, topic: str, settings: tuple[str, ...], idempotent: str
) -> None:
    installation = ensure_installation()
    done = subprocess.run(
        [
            *(str(installation.java.path), *JVM_FLAGS, *log_flags(logFile="System.out")),
            *("-cp", installation.class_path, "org.apache.kafka.tools.ProducerPerformance"),
            *("--topic", topic, "--num-records", "1", "--record-size", "10", "--throughput", "-1"),
            *("--producer-props", f"bootstrap.servers={','.join(cluster.bootstrap)}", *settings),
        ],
        env=jvm_environment(),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert f"\tenable.idempotence = {idempotent}\n" in done.stdout
    assert ("Instantiated an idempotent producer" in done.stdout) == (idempotent == "true")


# -- sequence numbers ---------------------------------------------------------------------------


class _Numbered:
    """Sends single records under a producer id, with any sequence number: an unruly client."""

    def __init__(self, cluster: LocalCluster, topic: str) -> None:
        self._topic = topic
        self._leader = cluster.line(leader_of(cluster, topic), timeout_s=20)

    def send(self, sequence: int) -> str:
        """The broker's answer, by its name in Kafka's protocol."""
        batch = DefaultRecordBatchBuilder(2, 0, False, 4711, 0, sequence, 10_000)
        batch.append(0, None, None, b"x", [])
        part = ProduceRequest.TopicProduceData.PartitionProduceData
        data = ProduceRequest.TopicProduceData(
            name=self._topic, partition_data=[part(index=0, records=bytes(batch.build()))]
        )
        request = ProduceRequest[9](
            transactional_id=None, acks=-1, timeout_ms=10_000, topic_data=[data]
        )
        answer = self._leader.ask(request).responses[0].partition_responses[0]
        return str(for_code(answer.error_code).__name__)

    def close(self) -> None:
        self._leader.close()


def test_a_leader_takes_batches_only_in_their_turn_and_each_once(
    cluster: LocalCluster, topic: str
) -> None:
    client = _Numbered(cluster, topic)
    assert client.send(7) == "NoError", "of a producer that it has never seen, any number"
    assert client.send(6) == "OutOfOrderSequenceNumberError"
    assert client.send(9) == "OutOfOrderSequenceNumberError"
    assert [client.send(number) for number in range(8, 12)] == ["NoError"] * 4
    assert client.send(7) == "NoError", "the fifth last batch: it answers yes"
    assert client.send(12) == "NoError"
    assert client.send(7) == "OutOfOrderSequenceNumberError", "the sixth last is forgotten"
    client.close()
    assert end_offsets(cluster.bootstrap, topic)[0] == 6, "and wrote nothing twice"


def test_a_program_with_the_same_transactional_id_fences_the_one_before_it(
    cluster: LocalCluster, topic: str
) -> None:
    settings = {"bootstrap.servers": ",".join(cluster.bootstrap), "log_level": 0}
    settings |= {"transactional.id": "noting"}
    dead, restarted = (confluent_kafka.Producer(settings) for _ in range(2))
    dead.init_transactions(60)
    dead.begin_transaction()
    restarted.init_transactions(60)
    with pytest.raises(confluent_kafka.KafkaException) as refused:  # what is still on its way
        dead.produce(topic, b"late")
        dead.flush(30)
        dead.commit_transaction(30)
    assert refused.value.args[0].code() == confluent_kafka.KafkaError._FENCED  # noqa: SLF001


# -- defaults --------------------------------------------------------------------------------------


def test_what_is_the_default_by_client() -> None:
    java, python, native = java_defaults("producer"), KafkaProducer, set_here.LIBRDKAFKA
    assert (java["acks"], java["enable.idempotence"]) == ("all", "true")
    assert python.DEFAULT_CONFIG["acks"] == -1
    assert python.DEFAULT_CONFIG["enable_idempotence"] is True
    assert (native["acks"], native["enable.idempotence"]) == ("all", False)
    assert java_defaults("consumer")["isolation.level"] == "read_uncommitted"
    assert KafkaConsumer.DEFAULT_CONFIG["isolation_level"] == "read_uncommitted"
    assert native["isolation.level"] == "read_committed"
    assert python.DEFAULT_CONFIG["request_timeout_ms"] == 30_000
    assert python.DEFAULT_CONFIG["delivery_timeout_ms"] == 120_000
    assert python.DEFAULT_CONFIG["transaction_timeout_ms"] == 60_000


def test_kafka_looks_every_ten_seconds_for_transactions_that_have_timed_out(
    cluster: LocalCluster,
) -> None:
    name = "transaction.abort.timed.out.transaction.cleanup.interval.ms"
    assert value_and_default(cluster.bootstrap, name) == ("10000", "10000")


# -- transactions ----------------------------------------------------------------------------------


@pytest.fixture
def producer(cluster: LocalCluster, topic: str) -> Iterator[KafkaProducer]:
    """One that has begun its work as `till`."""
    made = KafkaProducer(bootstrap_servers=cluster.bootstrap, transactional_id="till")
    made.init_transactions()
    yield made
    made.close()


def test_the_tools_of_the_prose_show_markers_and_transactions(
    cluster: LocalCluster, topic: str, producer: KafkaProducer
) -> None:
    """And what the cells say: each marker takes an offset, and no consumer gets it."""
    offsets = [_pay(producer, topic, good) for good in (True, False, True)]
    assert offsets == [0, 2, 4]
    at = "--bootstrap-server", ",".join(cluster.bootstrap)
    tools = "org.apache.kafka.tools"
    reading = "--partition 0 --from-beginning --max-messages 2 --isolation-level read_committed"
    got = kafka_tool(f"{tools}.consumer.ConsoleConsumer", *at, "--topic", topic, *reading.split())
    assert got.split() == ["True", "True"]
    told = kafka_tool(f"{tools}.TransactionsCommand", *at, "describe", "--transactional-id", "till")
    assert "CompleteCommit" in told
    file = next(cluster.home.path.glob(f"data/*/records/{topic}-0/*.log"))
    dumped = kafka_tool(f"{tools}.DumpLogSegments", "--files", str(file), "--print-data-log")
    ends = [line for line in dumped.splitlines() if "endTxnMarker" in line]
    assert [line.split()[2] for line in ends] == ["1", "3", "5"]
    assert ["COMMIT" in line for line in ends] == [True, False, True]
    assert "endTxnMarker: ABORT" in ends[1]


def _pay(producer: KafkaProducer, topic: str, good: bool) -> int:
    producer.begin_transaction()
    sent = producer.send(topic, b"%r" % good, partition=0)
    producer.flush()
    producer.commit_transaction() if good else producer.abort_transaction()
    return int(sent.get(timeout=10).offset)


def test_a_member_that_its_group_has_replaced_can_not_commit_in_a_transaction(
    cluster: LocalCluster, topic: str, producer: KafkaProducer
) -> None:
    """KIP-447: the consumer's generation goes with the offsets."""
    reader = KafkaConsumer(topic, bootstrap_servers=cluster.bootstrap, group_id="generations")
    reader.partitions_for_topic(topic)  # kafka-python joins for nothing if it knows none
    while not reader.assignment():
        reader.poll(timeout_ms=200)
    valid: Any = reader.group_metadata()
    offsets = {TopicPartition(topic, 0): OffsetAndMetadata(1, "", -1)}
    producer.begin_transaction()
    producer.send_offsets_to_transaction(offsets, valid)
    producer.commit_transaction()
    stale = ConsumerGroupMetadata("generations", valid.generation_id - 1, valid.member_id)
    producer.begin_transaction()
    with pytest.raises(KafkaError):
        producer.send_offsets_to_transaction(offsets, stale)
    producer.abort_transaction()
    reader.close()


def test_librdkafka_keeps_its_epoch_too(cluster: LocalCluster, topic: str) -> None:
    settings = {"bootstrap.servers": ",".join(cluster.bootstrap), "log_level": 0}
    native = confluent_kafka.Producer({**settings, "transactional.id": "native"})
    native.init_transactions(60)
    for _ in range(3):
        native.begin_transaction()
        native.produce(topic, b"x")
        native.commit_transaction(60)
    with admin(cluster.bootstrap) as client:
        told = client.describe_transactions(["native"])["native"]
    assert told.producer_epoch == 0


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "idempotence is off": "test_what_is_the_default_by_client",
    "KIP-447": "test_a_member_that_its_group_has_replaced_can_not_commit_in_a_transaction",
    "kafka-transactions": "test_the_tools_of_the_prose_show_markers_and_transactions",
    "KIP-890": (
        "experiments/test_exactly_once.py::"
        "test_only_the_java_clients_epoch_rises_with_each_transaction"
    ),
}
