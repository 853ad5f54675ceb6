"""A broker's copy read from its files, against Kafka's own reader of log segments."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as Place
from kafka import KafkaAdminClient, KafkaProducer

from labs.base.errors import LabsError
from labs.kafka.local import LocalCluster
from labs.observe.observer import snapshot
from labs.observe.segments import first_difference, read_copy
from labs.workload.reading import read_back
from tests.kafka_tools import kafka_tool

COUNT = 120
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


@pytest.fixture
def written(cluster: LocalCluster) -> Iterator[LocalCluster]:
    """Records in several segments, the compressed ones among them, on all three brokers."""
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    config = {"segment.bytes": "1048576", "retention.ms": "-1"}
    admin.create_topics(
        {"dumped": {"num_partitions": 1, "replication_factor": 3, "configs": config}}
    )
    admin.close()
    for codec in CODECS:
        producer = KafkaProducer(
            bootstrap_servers=cluster.bootstrap,
            compression_type=None if codec == "none" else codec,
            linger_ms=20,
        )
        for number in range(COUNT // len(CODECS)):
            body = bytes(50_000) if codec == "none" else b"small"
            producer.send("dumped", b"%d|%b" % (number, body), key=b"key%d" % number)
        producer.flush()
        producer.close()
    yield cluster


def test_it_agrees_with_kafkas_own_tool(written: LocalCluster) -> None:
    copy = read_copy(written, 1, "dumped")
    folder = Path(written.status().home) / "data" / "broker-1" / "records" / "dumped-0"
    paths = ",".join(str(folder / name) for name in copy.files)
    said = kafka_tool(
        "org.apache.kafka.tools.DumpLogSegments", "--files", paths, "--print-data-log"
    )
    batches = re.findall(r"baseOffset: (\d+) lastOffset: (\d+) .*partitionLeaderEpoch: (\d+)", said)
    epochs = {
        offset: int(epoch)
        for first, last, epoch in batches
        for offset in range(int(first), int(last) + 1)
    }
    keys = re.findall(r"^\| offset: (\d+) .* key: (\S+) payload:", said, re.MULTILINE)
    assert len(copy.files) > 1, "several segments"
    assert [(r.offset, r.epoch) for r in copy.records] == list(epochs.items())
    assert [(str(r.offset), (r.key or b"").decode()) for r in copy.records] == keys
    assert copy.log_end == COUNT


@pytest.mark.parametrize("codec", CODECS[1:])
def test_whoever_compresses_all_can_read(cluster: LocalCluster, codec: str) -> None:
    """The broker, by the topic's `compression.type`; kafka-python; librdkafka."""
    topic = f"packed-{codec}"
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    config = {"compression.type": codec, "segment.bytes": "1048576"}
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 3, "configs": config}})
    admin.close()
    values = [b"\xff\xfe%d|" % number + bytes(3000) for number in range(20)]
    plain = KafkaProducer(bootstrap_servers=cluster.bootstrap, linger_ms=20)
    packing = KafkaProducer(
        bootstrap_servers=cluster.bootstrap, compression_type=codec, linger_ms=20
    )
    for producer in (plain, packing):
        for value in values:
            producer.send(topic, value)
        producer.close()
    native = Producer(
        {
            "bootstrap.servers": ",".join(cluster.bootstrap),
            "compression.type": codec,
            "linger.ms": 20,
        }
    )
    for value in values:
        native.produce(topic, value)
    native.flush()
    copy = read_copy(cluster, cluster_leader(cluster, topic), topic)
    assert [r.value for r in copy.records] == values * 3
    assert (copy.log_end, copy.unread) == (60, "")
    assert sum(map(len, values)) * 3 > 10 * len(next(iter(segments_of(cluster, topic))))
    log = read_back(cluster.bootstrap, topic, {0: 60})
    assert log.complete, log.why
    assert [read.digest for read in log.reads] == [crc32(value) for value in values * 3]
    consumer = Consumer(
        {
            "bootstrap.servers": ",".join(cluster.bootstrap),
            "group.id": topic,
        }
    )
    consumer.assign([Place(topic, 0, 0)])
    read: list[bytes | None] = []
    while len(read) < 60:
        read += [message.value() for message in consumer.consume(60, 5)]
    consumer.close()
    assert read == values * 3


def segments_of(cluster: LocalCluster, topic: str) -> Iterator[bytes]:
    yield from cluster.files(cluster_leader(cluster, topic), f"{topic}-0/*.log").values()


def cluster_leader(cluster: LocalCluster, topic: str) -> int:
    partition = snapshot(cluster, topic).partition(topic, 0)
    assert partition is not None
    assert partition.leader is not None
    return partition.leader


def test_a_transactions_marker_is_no_record(cluster: LocalCluster) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, transactional_id="marked")
    producer.init_transactions()
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    admin.create_topics({"marked": {"num_partitions": 1, "replication_factor": 3}})
    admin.close()
    for number, end in enumerate((producer.commit_transaction, producer.abort_transaction)):
        producer.begin_transaction()
        producer.send("marked", b"%d" % number).get(timeout=30)
        end()
    producer.close()
    deadline = time.monotonic() + 20
    leader = cluster_leader(cluster, "marked")
    while (copy := read_copy(cluster, leader, "marked")).log_end < 4:
        assert time.monotonic() < deadline, copy
    assert [(r.offset, r.value) for r in copy.records] == [(0, b"0"), (2, b"1")]


def test_all_copies_are_equal_and_the_epochs_are_told(written: LocalCluster) -> None:
    copies = [read_copy(written, broker, "dumped") for broker in (1, 2, 3)]
    assert first_difference(copies[0], copies[1]) is None
    assert first_difference(copies[0], copies[2]) is None
    assert {frozenset(copy.epochs.items()) for copy in copies} == {frozenset({(0, 0)})}


def test_a_half_written_batch_is_left_out(written: LocalCluster) -> None:
    whole = read_copy(written, 1, "dumped")
    folder = Path(written.status().home) / "data" / "broker-1" / "records" / "dumped-0"
    written.kill(1)
    last = folder / whole.files[-1]
    last.write_bytes(last.read_bytes()[:-10])
    cut = read_copy(written, 1, "dumped")
    assert cut.log_end < whole.log_end
    assert cut.records == whole.records[: len(cut.records)]
    assert first_difference(whole, cut) == cut.log_end


def test_a_partition_that_is_nowhere(cluster: LocalCluster) -> None:
    with pytest.raises(LabsError, match="no copy of nowhere-0"):
        read_copy(cluster, 1, "nowhere")
