"""A broker's copy read from its files, against Kafka's own reader of log segments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from labs.cluster.local import LocalCluster
from labs.errors import LabsError
from labs.segments import first_difference, read_copy
from tests.kafka_tools import kafka_tool

COUNT = 120


@pytest.fixture
def written(cluster: LocalCluster) -> Iterator[LocalCluster]:
    """Records in several segments, the compressed ones among them, on all three brokers."""
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    config = {"segment.bytes": "1048576", "retention.ms": "-1"}
    admin.create_topics(
        {"dumped": {"num_partitions": 1, "replication_factor": 3, "configs": config}}
    )
    admin.close()
    for codec in (None, "gzip"):
        producer = KafkaProducer(
            bootstrap_servers=cluster.bootstrap, compression_type=codec, linger_ms=20
        )
        for number in range(COUNT // 2):
            body = bytes(20_000) if codec is None else b"small"
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
