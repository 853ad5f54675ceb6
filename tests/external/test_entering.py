"""Every way to be let in, and a sentence for every way not to be."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.protocol.metadata import ApiVersionsResponse

from labs.base.errors import LabsError, NotUp
from labs.chapters import find
from labs.kafka.cluster import Cluster
from labs.kafka.external import LOOK_EVERY_S, require_new_enough
from labs.kafka.features import NEW_GROUPS
from labs.notebook.cells import NotHere
from labs.notebook.panel import panel
from labs.observe.observer import Observer, by_metadata, described
from tests.external.conftest import Enter
from tests.external.others import (
    ADMIN,
    EXPIRED,
    KEY_PASSWORD,
    MTLS,
    PASSWORD,
    PREFIX,
    SASL,
    Others,
    jaas,
    running,
)
from tests.helpers import Labs

pytestmark = pytest.mark.external

PLAIN = jaas("ann", PASSWORD, "plain.Plain", "PLAIN")
SCRAM = jaas("ann", PASSWORD, "scram.Scram", "SCRAM-SHA-512")


def certificate(others: Others) -> dict[str, str]:
    return {
        "ssl_keystore_type": "PEM",
        "ssl_keystore_location": str(others.folder / "ann.pem"),
        "ssl_key_password": KEY_PASSWORD,
    }


def by_address(others: Others) -> dict[str, str]:
    """As Confluent's console shows it: the protocol stands before the address, in the file too."""
    given = others.environment(SASL, **SCRAM)
    given["LABS_BOOTSTRAP"] = "SASL_SSL://unknown.invalid:9092," + given["LABS_BOOTSTRAP"]
    file = Path(given["LABS_CLIENT_PROPERTIES"])
    lines = file.read_text("latin-1").replace("security.protocol=SASL_SSL\n", "")
    file.write_bytes(lines.encode("utf-16"))
    return given


WAYS: dict[str, Callable[[Others], Mapping[str, str]]] = {
    "PLAIN": lambda o: o.environment(SASL, **PLAIN),
    "SCRAM": lambda o: o.environment(SASL, **SCRAM),
    "mTLS": lambda o: o.environment(MTLS, **certificate(o)),
    "address": by_address,
}


@pytest.mark.parametrize("way", WAYS)
def test_every_client_is_let_in(others: Others, enter: Enter, way: str) -> None:
    cluster = enter(WAYS[way](others))
    status = cluster.start()
    assert status.up
    assert isinstance(cluster, Cluster)
    assert [node.id for node in status.nodes] == [0, 1, 2]
    topic = cluster.named(f"by-{way}")
    _written_by_kafka_python(cluster, topic)
    assert _read_by_librdkafka(cluster, topic) == b"hello"
    with cluster.line(2) as line:  # our own line to one very broker
        assert [t.name for t in line.metadata([topic]).topics] == [topic]


@pytest.mark.parametrize("way", ["SCRAM", "mTLS"])
def test_kafkas_own_tools_are_let_in(others: Others, tmp_path: Path, way: str) -> None:
    """And no file with the password stays behind."""
    labs = Labs(tmp_path / "home", **WAYS[way](others), TMPDIR=str(tmp_path))
    topic = f"{PREFIX}by-a-tool-{way.lower()}"
    wanted = ("--topic", topic, "--partitions", "1", "--replication-factor", "3")
    made = labs.run("kafka-topics", "--create", *wanted)
    assert f"Created topic {topic}." in made.out, made.err
    assert list(tmp_path.rglob("client.properties")) == []


def _written_by_kafka_python(cluster: Cluster, topic: str) -> None:
    from labs.kafka.admin import admin

    with admin(cluster.bootstrap) as client:
        wanted = {"num_partitions": 1, "replication_factor": 3, "configs": cluster.limits}
        client.create_topics({topic: wanted}, wait_for_metadata=True)
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    producer.send(topic, b"hello").get(timeout=30)
    producer.close()
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=cluster.bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=10_000,
    )
    assert next(consumer).value == b"hello"
    consumer.close()


def _read_by_librdkafka(cluster: Cluster, topic: str) -> bytes | None:
    from confluent_kafka import Consumer

    from labs.kafka.security import current

    consumer = Consumer(
        {
            "bootstrap.servers": ",".join(cluster.bootstrap),
            "group.id": f"{topic}-group",
            "auto.offset.reset": "earliest",
            **current().librdkafka(),
        }
    )
    consumer.subscribe([topic])
    try:
        message = consumer.poll(30)
        assert message is not None
        assert message.error() is None
        value: bytes | None = message.value()
        return value
    finally:
        consumer.close()


WRONG: dict[str, tuple[Callable[[Others], Mapping[str, str]], str]] = {
    "nobody listens": (
        lambda o: {"LABS_BOOTSTRAP": "127.0.0.1:1"},
        "nothing listens on 127.0.0.1:1; look at LABS_BOOTSTRAP",
    ),
    "no such host": (
        lambda o: {"LABS_BOOTSTRAP": "kafka.invalid:9092"},
        "there is no host of the name in kafka.invalid:9092",
    ),
    "no address": (
        lambda o: {"LABS_BOOTSTRAP": "127.0.0.1"},
        "'127.0.0.1' is no address; write it as host:port",
    ),
    "wrong PLAIN password": (
        lambda o: o.environment(SASL, **jaas("ann", "wrong", "plain.Plain", "PLAIN")),
        "does not let us in: it does not take this user name with this password",
    ),
    "wrong SCRAM password": (
        lambda o: o.environment(SASL, **jaas("ann", "wrong", "scram.Scram", "SCRAM-SHA-512")),
        "does not let us in: it does not take this user name with this password",
    ),
    "wrong mechanism": (
        lambda o: o.environment(SASL, **jaas("ann", PASSWORD, "scram.Scram", "SCRAM-SHA-256")),
        "takes no SCRAM-SHA-256 but PLAIN, SCRAM-SHA-512",
    ),
    "expired certificate": (
        lambda o: o.environment(EXPIRED, **PLAIN),
        "has expired; whoever runs that Kafka must renew it",
    ),
    "untrusted certificate": (
        lambda o: o.environment(SASL, ssl_truststore_location=str(o.papers.stranger), **PLAIN),
        "is not trusted by",
    ),
    "no certificate of ours": (
        lambda o: o.environment(MTLS),
        "asks for a client certificate",
    ),
    "nobody named": (
        lambda o: o.environment(SASL, security_protocol="SSL"),
        "it seems to ask for a user name and a password",
    ),
    "plain text to TLS": (
        lambda o: {"LABS_BOOTSTRAP": o.addresses(SASL)[0]},
        "seems to speak TLS, or is no Kafka; security.protocol is PLAINTEXT",
    ),
    "TLS to plain text": (
        lambda o: o.environment(ADMIN, security_protocol="SSL"),
        "speaks no TLS, and security.protocol is SSL",
    ),
    "named where nobody asks": (
        lambda o: o.environment(ADMIN, security_protocol="SASL_PLAINTEXT", **PLAIN),
        "does not ask for a user name",
    ),
    "no right": (
        lambda o: o.environment(SASL, **jaas("bob", PASSWORD, "plain.Plain", "PLAIN")),
        "you may make no topic whose name begins with 'ann-'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_a_sentence(others: Others, enter: Enter, case: str) -> None:
    environment, said = WRONG[case]
    with pytest.raises(LabsError) as refused:
        enter(environment(others)).start()
    assert said in str(refused.value)
    assert PASSWORD not in str(refused.value)


@pytest.fixture
def web_server() -> Iterator[str]:
    """Something that listens, and answers, and is no Kafka."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:  # the test is over
                    return
                with line:
                    line.recv(1000)
                    line.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def test_what_is_no_kafka_is_told(enter: Enter, web_server: str) -> None:
    with pytest.raises(LabsError, match="is no Kafka"):
        enter({"LABS_BOOTSTRAP": web_server}).start()


def test_a_cluster_too_old_is_told(enter: Enter) -> None:
    with running(nodes=1, form=("--release-version", "3.6")) as old:
        cluster = enter({"LABS_BOOTSTRAP": old.addresses(ADMIN)[0]})
        said = r"too old: its metadata\.version is 14, and Kafka 3\.7's begins with 15"
        with pytest.raises(LabsError, match=said):
            cluster.start()


def test_software_too_old_is_told() -> None:
    """As its answer says what it understands: Fetch 15 came with Kafka 3.5, 16 with 3.7."""
    new = ApiVersionsResponse.ApiVersion(api_key=1, min_version=4, max_version=16)
    old = ApiVersionsResponse.ApiVersion(api_key=1, min_version=4, max_version=15)
    assert require_new_enough("x:1", ApiVersionsResponse(api_keys=[new])) == "3.7"
    with pytest.raises(LabsError, match=r"x:1 is Kafka 3\.5, which is too old; use one from 3\.7"):
        require_new_enough("x:1", ApiVersionsResponse(api_keys=[old]))


def test_too_few_brokers_are_told(
    others: Others, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labs.kafka.external.NEEDED_BROKERS", 5)
    with pytest.raises(LabsError, match="has 3 brokers, and topics with 5 replicas need 5"):
        enter(others.as_ann).start()


NEW = {"protocol": "kip-848"}


def test_what_this_kafka_lacks_is_told_before_a_run(enter: Enter, tmp_path: Path) -> None:
    """KIP-848 is final from Kafka 4.0 on, and may be left out of a newer one."""
    off = {"group.coordinator.rebalance.protocols": "classic"}
    with running(nodes=1, settings=off) as without:
        cluster = enter({"LABS_BOOTSTRAP": without.addresses(ADMIN)[0]})
        said = "group.coordinator.rebalance.protocols leave out consumer; choose another protocol"
        with pytest.raises(LabsError, match=said):
            find("groups.rebalance").run(cluster, NEW)
        with cluster.line(0) as line:
            assert not [t.name for t in line.metadata().topics if "rebalance" in t.name]
        told = panel("groups.rebalance", cluster=cluster).run(**NEW)
        assert isinstance(told, NotHere)
        assert said in str(told)


def test_the_oldest_will_do_and_stays_readable_when_it_is_gone(
    enter: Enter, tmp_path: Path
) -> None:
    with running(form=("--release-version", "3.7")) as oldest:
        given = {"LABS_BOOTSTRAP": ",".join(oldest.addresses(ADMIN))}
        cluster = enter(given)
        assert cluster.start().up
        said = r"its feature group\.version is 0 \(`kafka-features upgrade"
        with pytest.raises(LabsError, match=said):
            find("groups.rebalance").run(cluster, NEW)
        answer = Labs(tmp_path, **given).run("run", "groups.rebalance", "--set", "protocol=kip-848")
        assert answer.code == 1
        assert "its feature group.version is 0" in answer.sentence()
        observer = Observer(cluster)
        assert observer.snapshot().reachable
        oldest.stop()
        time.sleep(LOOK_EVERY_S + 0.1)
        assert not cluster.status().up
        assert not observer.snapshot().reachable
        observer.close()
        with pytest.raises(NotUp, match="nothing listens on"):
            enter({}).status()


def test_the_commands_tell_it_too(others: Others, tmp_path: Path) -> None:
    wrong = others.environment(SASL, **jaas("ann", "wrong", "plain.Plain", "PLAIN"))
    for command, code in {"up": 1, "status": 3, "reset": 1}.items():
        answer = Labs(tmp_path, **wrong).run(command)
        assert answer.code == code
        assert "it does not take this user name with this password" in answer.sentence()
    right = Labs(tmp_path, **others.as_ann)
    status = json.loads(right.run("status", "--json").out)
    assert (status["backend"], status["home"], len(status["nodes"])) == ("external", "", 3)
    assert status["remarks"] == []
    careless = others.environment(
        SASL, **PLAIN, ssl_endpoint_identification_algorithm="", acks="all"
    )
    told = Labs(tmp_path, **careless).run("up").out
    assert "note: the broker's certificate may name any host (ssl.endpoint." in told
    assert "note: not needed here, so ignored: acks" in told
    for line in ("kill 1", "down", "logs"):
        answer = right.run(*line.split())
        assert answer.code == 1
        assert "somebody else's Kafka" in answer.sentence()


def test_where_nothing_is_lacking_nothing_is_told(others: Others, enter: Enter) -> None:
    cluster = enter(others.as_ann)
    assert NEW_GROUPS.missing(cluster) == ""
    before = cluster.status()
    assert find("groups.rebalance").missing(cluster, {"protocol": "kip-848"}) is None
    assert cluster.status() == before


def test_software_before_4_0_is_told() -> None:
    """As its answer says: ConsumerGroupHeartbeat 0 in 3.7 to 3.9 (a preview), 1 since 4.0."""

    class Line:
        versions = ApiVersionsResponse(
            api_keys=[ApiVersionsResponse.ApiVersion(api_key=68, min_version=0, max_version=0)]
        )

    line: Any = Line()
    assert NEW_GROUPS.lacking(line, "any") == "it came with Kafka 4.0"
    Line.versions.api_keys = []
    assert NEW_GROUPS.lacking(line, "any") == "it came with Kafka 4.0"


def test_an_older_broker_is_asked_what_it_understands(others: Others, enter: Enter) -> None:
    """A broker of Kafka 3.7 knows no DescribeTopicPartitions: the metadata say the same."""
    cluster = enter(others.as_ann)
    cluster.start()
    with others.admin() as client:
        wanted = {"num_partitions": 3, "replication_factor": 3}
        client.create_topics({"ann-b": wanted, "ann-a": wanted}, wait_for_metadata=True)
    observer = Observer(cluster)
    with cluster.line(0) as line:
        assert list(by_metadata(line, None)) == list(described(line, None))
    named = {partition.name for partition in observer.snapshot().partitions}
    observer.close()
    assert {"ann-a-2", "ann-b-0"} <= named


def test_doctor_looks_at_that_kafka(others: Others, tmp_path: Path) -> None:
    told = Labs(tmp_path, **others.environment(SASL, **PLAIN)).run("doctor").out
    assert "✓ Kafka: 4.3" in told, told
    assert "with 3 brokers; your topics and groups begin with ann-" in told
    assert PASSWORD not in told
