"""What chapter 04 says of Kafka's settings and of its own disks, asked of the live ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.protocol.admin import ElectionType
from kafka.record import MemoryRecords

from labs.kafka.cluster import CONTROLLER_ID
from labs.kafka.config import LAB_SETTINGS
from labs.kafka.installation import ensure_installation
from labs.kafka.local import LocalCluster
from labs.observe.observer import snapshot
from labs.observe.segments import read_copy
from labs.observe.snapshot import Partition
from tests.kafka_tools import kafka_tool, value_and_default


@pytest.fixture
def admin(cluster: LocalCluster) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    client.create_topics({"ledger": {"assignments": {0: [1, 2, 3]}}})
    _wait(cluster, lambda p: len(p.isr) == 3)
    yield client
    client.close()


def _wait(cluster: LocalCluster, true: Callable[[Partition], bool]) -> Partition:
    deadline = time.monotonic() + 60
    while True:
        found = snapshot(cluster, "ledger").partition("ledger")
        if found and true(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def _write(cluster: LocalCluster, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all")
    for value in values:
        producer.send("ledger", value).get(timeout=60)
    producer.close()


def _elect(cluster: LocalCluster) -> None:
    """Ask with a client of its own: one that has lived through a broker's end may look for it."""
    client = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    client.elect_leaders(ElectionType.PREFERRED, {"ledger": [0]})
    client.close()


def test_the_brokers_settings_named_in_the_prose(admin: KafkaAdminClient) -> None:
    broker = ConfigResource(ConfigResourceType.BROKER, "1")
    told = admin.describe_configs([broker], config_filter="all")["broker"]["1"]
    expected = {
        "auto.leader.rebalance.enable": "true",
        "leader.imbalance.check.interval.seconds": "300",
        "unclean.leader.election.enable": "false",
        "min.insync.replicas": "1",
        "replica.lag.time.max.ms": "30000",
        "replica.high.watermark.checkpoint.interval.ms": "5000",
        "controlled.shutdown.enable": "true",
        # "Kafka acknowledges before it flushes to the disk": after so many records, or ms, at most.
        "log.flush.interval.messages": str(2**63 - 1),
        "log.flush.interval.ms": None,
    }
    changed = {setting.name for setting in LAB_SETTINGS}
    assert not changed & set(expected), "these are Kafka's own"
    assert {name: told[name]["value"] for name in expected} == expected
    # "The check every 300 s can't be changed while it runs; unclean elections can be allowed."
    assert told["leader.imbalance.check.interval.seconds"]["read_only"]
    assert not told["unclean.leader.election.enable"]["read_only"]


def test_the_session_timeout_of_the_lab_and_of_kafka(shared_cluster: LocalCluster) -> None:
    told = value_and_default(shared_cluster.bootstrap, "broker.session.timeout.ms")
    assert told == ("3000", "9000")


def test_the_client_waits_30_s_for_an_answer_by_default() -> None:
    assert KafkaProducer.DEFAULT_CONFIG["request_timeout_ms"] == 30_000


def test_eligible_leader_replicas_are_on_in_a_new_cluster(admin: KafkaAdminClient) -> None:
    assert admin.describe_features()["eligible.leader.replicas.version"]["finalized"] == (1, 1)


def test_the_metadata_is_a_replicated_log_too(
    admin: KafkaAdminClient, cluster: LocalCluster
) -> None:
    topic = admin.describe_metadata_quorum()["topics"][0]
    log = topic["partitions"][0]
    assert (topic["topic_name"], log["leader_id"]) == ("__cluster_metadata", CONTROLLER_ID)
    assert {voter["replica_id"] for voter in log["current_voters"]} == {CONTROLLER_ID}
    assert {observer["replica_id"] for observer in log["observers"]} == {1, 2, 3}
    for broker in (1, 2, 3):
        folder = Path(cluster.status().home, f"data/broker-{broker}/records/__cluster_metadata-0")
        assert list(folder.glob("*.log"))


def test_the_same_bytes_lie_on_all_three_disks(
    admin: KafkaAdminClient, cluster: LocalCluster
) -> None:
    _write(cluster, b"debit 5", b"credit 5")
    segments = [
        Path(
            cluster.status().home,
            f"data/broker-{broker}/records/ledger-0/00000000000000000000.log",
        ).read_bytes()
        for broker in (1, 2, 3)
    ]
    assert len(set(segments)) == 1
    batches = [
        (batch.leader_epoch, [(r.offset, r.value) for r in batch])
        for batch in MemoryRecords(segments[0])
    ]
    assert batches == [(0, [(0, b"debit 5")]), (0, [(1, b"credit 5")])]
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap)
    ledger = TopicPartition("ledger", 0)
    assert consumer.end_offsets([ledger]) == {ledger: 2}
    consumer.close()


def test_each_election_is_an_epoch_and_is_written_down(
    admin: KafkaAdminClient, cluster: LocalCluster
) -> None:
    """Stop, return, preferred election: three leaderships, three lines in the checkpoint."""
    _write(cluster, b"a", b"b")
    cluster.stop_broker(1)
    _wait(cluster, lambda p: p.leader == 2)
    _write(cluster, b"c")
    cluster.start_broker(1)
    _wait(cluster, lambda p: len(p.isr) == 3 and p.leader == 2)
    _elect(cluster)
    _wait(cluster, lambda p: p.leader == 1)
    _write(cluster, b"d")
    for broker in (1, 2, 3):
        assert read_copy(cluster, broker, "ledger").epochs == {0: 0, 1: 2, 2: 3}


def test_asking_for_an_election_that_is_not_needed_is_no_error(admin: KafkaAdminClient) -> None:
    answer = admin.elect_leaders(ElectionType.PREFERRED, {"ledger": [0]})
    codes = [p.error_code for r in answer.replica_election_results for p in r.partition_result]
    assert codes == [84]  # ELECTION_NOT_NEEDED


def test_the_high_watermark_is_written_down_from_time_to_time(
    admin: KafkaAdminClient, cluster: LocalCluster
) -> None:
    _write(cluster, b"a", b"b", b"c")
    deadline = time.monotonic() + 60
    while read_copy(cluster, 1, "ledger").checkpoint != 3:
        assert time.monotonic() < deadline, "it was not written down"
        time.sleep(0.2)


@pytest.mark.usefixtures("admin")  # it makes the topic
def test_what_has_changed_since_the_book(cluster: LocalCluster) -> None:
    said = kafka_tool(
        "org.apache.kafka.tools.TopicCommand",
        *("--bootstrap-server", cluster.bootstrap[0], "--describe", "--topic", "ledger"),
    )
    assert "Elr: " in said
    assert "LastKnownElr: " in said
    jars = map(ZipFile, ensure_installation().class_path.split(":"))
    classes = {name.rpartition("/")[2] for jar in jars for name in jar.namelist()}
    assert "LeaderElectionCommand.class" in classes
    assert "PreferredReplicaLeaderElectionCommand.class" not in classes


def test_a_record_is_acknowledged_when_the_high_watermark_has_passed_it(
    cluster: LocalCluster, admin: KafkaAdminClient
) -> None:
    ours, theirs = (
        KafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all", max_block_ms=60_000)
        for _ in range(2)
    )
    consumer, partition = (
        KafkaConsumer(bootstrap_servers=cluster.bootstrap),
        TopicPartition("ledger", 0),
    )
    for _ in range(20):
        theirs.send("ledger", b"theirs")
        offset = ours.send("ledger", b"ours").get(timeout=60).offset
        theirs.send("ledger", b"theirs, later")
        assert consumer.end_offsets([partition])[partition] > offset  # the high watermark
    for client in (ours, theirs, consumer):
        client.close()


def test_the_labs_brokers_are_no_controllers(admin: KafkaAdminClient) -> None:
    brokers = [ConfigResource(ConfigResourceType.BROKER, id) for id in "123"]
    told = admin.describe_configs(brokers, config_filter="all")["broker"]
    assert {each["process.roles"]["value"] for each in told.values()} == {"broker"}


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "__cluster_metadata": "test_the_metadata_is_a_replicated_log_too",
    "replica.lag.time.max.ms": "test_the_brokers_settings_named_in_the_prose",
    "kafka-leader-election": "test_what_has_changed_since_the_book",
    "a broker of the ELR may lead": (
        "experiments/test_replication.py::test_who_may_lead_when_all_have_gone"
    ),
    "LastKnownElr": "test_what_has_changed_since_the_book",
    "leader-epoch-checkpoint": "test_each_election_is_an_epoch_and_is_written_down",
}
