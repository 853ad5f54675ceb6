"""What chapter 02 says of Kafka and of three clients, asked of the live ones."""

from __future__ import annotations

import logging
import subprocess
from binascii import crc32
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from zipfile import ZipFile

import confluent_kafka
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    KafkaConfigurationError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    for_code,
)
from kafka.partitioner.default import murmur2
from kafka.producer import kafka as module
from kafka.protocol.producer import ProduceRequest
from kafka.record.default_records import DefaultRecordBase, DefaultRecordBatchBuilder

from labs.base.flights import flights
from labs.chapters.producers.keys import planes
from labs.kafka.config import log_flags
from labs.kafka.installation import JVM_FLAGS, ensure_installation, jvm_environment
from labs.kafka.local import LocalCluster
from tests.kafka_tools import end_offsets, java_defaults, leader_of

MIB = 1024 * 1024


@pytest.fixture
def topic(cluster: LocalCluster) -> Iterator[str]:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    client.create_topics({"flights": {"num_partitions": 3, "replication_factor": 3}})
    leader_of(cluster, "flights")  # known everywhere from here on
    yield "flights"
    client.close()


def test_kafka_pythons_defaults() -> None:
    default = KafkaProducer.DEFAULT_CONFIG
    assert (default["linger_ms"], default["batch_size"]) == (0, 16 * 1024)
    assert default["compression_type"] is None
    assert (default["enable_idempotence"], default["acks"]) == (True, -1)
    assert default["retries"] == float("inf")
    assert default["max_in_flight_requests_per_connection"] == 5
    assert default["request_timeout_ms"] == 30_000
    assert default["delivery_timeout_ms"] == 120_000
    assert default["max_request_size"] == MIB
    assert default["metadata_max_age_ms"] == 5 * 60 * 1000
    assert "buffer_memory" not in default


def test_the_java_clients_defaults() -> None:
    told = java_defaults("producer")
    expected = {
        "linger.ms": "5",
        "batch.size": "16384",
        "compression.type": "none",
        "enable.idempotence": "true",
        "acks": "all",
        "retries": "2147483647",
        "max.in.flight.requests.per.connection": "5",
        "request.timeout.ms": "30000 (30 seconds)",
        "delivery.timeout.ms": "120000 (2 minutes)",
        "buffer.memory": str(32 * MIB),
        "max.block.ms": "60000 (1 minute)",
        "metadata.max.age.ms": "300000 (5 minutes)",
    }
    assert {name: told[name] for name in expected} == expected


def test_a_topics_defaults(cluster: LocalCluster, topic: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    told: dict[str, dict[str, str]] = {}
    while "max.message.bytes" not in told:
        told = client.describe_configs([resource], config_filter="all")["topic"][topic]
    client.close()
    assert MIB < int(told["max.message.bytes"]["value"]) < MIB + 100
    assert told["compression.type"]["value"] == "producer"


def test_a_batch_has_a_header_of_61_bytes() -> None:
    assert DefaultRecordBase.HEADER_STRUCT.size == 61


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


def test_kafka_python_with_idempotence_has_one_batch_a_partition_under_way(
    cluster: LocalCluster,
) -> None:
    for idempotence in (True, False):
        producer = KafkaProducer(
            bootstrap_servers=cluster.bootstrap, enable_idempotence=idempotence
        )
        assert producer._sender.config["guarantee_message_order"] is idempotence  # noqa: SLF001
        producer.close()


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


def test_kafka_python_knows_no_buffer_memory(cluster: LocalCluster) -> None:
    with pytest.raises(ValueError, match="buffer_memory"):
        KafkaProducer(bootstrap_servers=cluster.bootstrap, buffer_memory=32 * MIB)


def test_the_first_send_to_a_topic_blocks_until_max_block_ms(cluster: LocalCluster) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, max_block_ms=500)
    with pytest.raises(KafkaTimeoutError):
        producer.send("no-such-topic", b"x")
    producer.close()


def test_librdkafkas_queue_takes_100_000_records() -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    taken = 0
    with pytest.raises(BufferError):
        while True:
            producer.produce("flights", b"x")
            taken += 1
    assert taken == 100_000
    producer.purge()
    producer.flush(1)


def test_librdkafkas_default_partitioner_is_crc_32(cluster: LocalCluster, topic: str) -> None:
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": ",".join(cluster.bootstrap), "log_level": 0}
    )
    placed: dict[bytes, int | None] = {}

    def delivered(_: object, message: confluent_kafka.Message) -> None:
        key = message.key()
        assert isinstance(key, bytes)
        placed[key] = message.partition()

    for number in range(50):
        producer.produce(topic, b"x", b"plane %d" % number, on_delivery=delivered)
    producer.flush(10)
    assert placed == {key: crc32(key) % 3 for key in placed}
    assert len(placed) == 50


def test_what_the_flights_keys_come_to_is_the_same_in_every_run() -> None:
    def placed(key: bytes, partitions: int) -> int:
        return int(murmur2(key) & 0x7FFFFFFF) % partitions

    sent = [flight.carrier.encode() for flight in flights(3000)]
    filled = Counter(placed(key, 6) for key in sent)
    assert len(set(sent)) == 15
    assert len(filled) == 5
    fullest, most = filled.most_common(1)[0]
    assert (fullest, round(100 * most / len(sent))) == (3, 35)
    big = [key for key, _ in Counter(sent).most_common(7) if placed(key, 6) == 3]
    assert len(big) == 3
    keys = planes(500)
    assert round(100 * sum(placed(key, 3) != placed(key, 4) for key in keys) / 500) == 77
    assert sum(placed(key, 6) == crc32(key) % 6 for key in keys) == 84


def test_a_record_too_large_is_refused_by_the_client_or_by_the_broker(
    cluster: LocalCluster, topic: str
) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    with pytest.raises(MessageSizeTooLargeError):
        producer.send(topic, b"x" * 2_000_000)
    producer.close()
    generous = KafkaProducer(bootstrap_servers=cluster.bootstrap, max_request_size=5_000_000)
    future = generous.send(topic, b"x" * 2_000_000)
    generous.flush()
    assert isinstance(future.exception, MessageSizeTooLargeError)
    generous.close()


def test_without_a_key_kafka_python_takes_any_partition_for_each_record(
    cluster: LocalCluster, topic: str
) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    placed = [producer.send(topic, b"x").get(timeout=10).partition for _ in range(60)]
    producer.close()
    assert set(placed) == {0, 1, 2}
    assert len({a == b for a, b in pairwise(placed)}) == 2


def test_the_partitioner_of_old_is_gone_from_the_java_client() -> None:
    """`DefaultPartitioner`, which examples still set, went with Kafka 4.0."""
    jars = ensure_installation().class_path.split(":")
    (clients,) = (jar for jar in jars if "kafka-clients" in jar)
    classes = {name.rpartition("/")[2] for name in ZipFile(clients).namelist()}
    assert "RoundRobinPartitioner.class" in classes
    assert "DefaultPartitioner.class" not in classes
