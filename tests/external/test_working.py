"""What a learner does on somebody else's Kafka: all of it within her prefix, none of it telling."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    ResourcePatternFilter,
    ResourceType,
)
from nbclient import NotebookClient

from labs.base.errors import BadInput, LabsError
from labs.chapters import all_experiments, find
from labs.notebook.cells import NotHere
from labs.notebook.panel import panel
from labs.supervise.home import PROJECT
from labs.workload.judgements import UNKNOWN
from tests.course import chapters
from tests.external.conftest import Enter
from tests.external.others import ADMIN, PASSWORD, PREFIX, SASL, SECRETS, Others, jaas
from tests.helpers import Labs
from tests.kernels import learners_kernel, run_together, shown_by
from tests.run import NBVAL, PYTEST

pytestmark = pytest.mark.external

#: Between them: both clients, groups in processes of their own (KIP-848's too, with settings of its
#: own), a program that is killed, transactions, more partitions.
RUNS: dict[str, dict[str, object]] = {
    "producers.clients": {"records": 2000},
    "producers.growing": {},
    "exactly_once.restart": {},
    "groups.rebalance": {"protocol": "kip-848"},
    "exactly_once.last_offset": {},
}


@pytest.mark.parametrize("name", RUNS)
def test_what_breaks_nothing_works(others: Others, enter: Enter, name: str) -> None:
    cluster = enter(others.as_ann)
    cluster.start()
    result = find(name).run(cluster, RUNS[name])
    assert result.topic.startswith(PREFIX)
    assert result.report.counts.readable > 0
    assert result.report.verdict != UNKNOWN
    assert not any(secret in json.dumps(result.as_dict()) for secret in SECRETS)


def test_what_breaks_something_says_why_it_is_not_here(others: Others, enter: Enter) -> None:
    cluster = enter(others.as_ann)
    cluster.start()
    breaking = [e for e in all_experiments() if e.breaks]
    assert breaking
    with pytest.raises(LabsError, match="can't be done to this cluster"):
        breaking[0].run(cluster)
    assert isinstance(panel(breaking[0], cluster=cluster).run(), NotHere)


def test_what_is_not_ours_is_refused(others: Others, enter: Enter) -> None:
    cluster = enter(others.as_ann)
    cluster.start()
    with pytest.raises(BadInput, match="orders is not yours"):
        cluster.set_topic_config("orders", {"retention.ms": "1000"})
    refusals = (
        lambda: cluster.kill(0),
        lambda: cluster.stop_broker(0),
        lambda: cluster.add_broker(),
        lambda: cluster.set_broker_config({"log.cleaner.threads": "2"}),
        lambda: cluster.files(0, "*/*.log"),
    )
    for refused in refusals:
        with pytest.raises(LabsError, match="somebody else's Kafka"):
            refused()


# -- reset -----------------------------------------------------------------------------------------


def made_by_somebody_else(others: Others) -> None:
    """Topics with records, a group that has read them, dynamic settings; some names much alike."""
    with others.admin() as client:
        wanted = {"num_partitions": 2, "replication_factor": 3, "configs": {"retention.ms": "-1"}}
        client.create_topics(dict.fromkeys(("orders", "ann", "anna-orders", "labs-ann-x"), wanted))
        settings = {"log.cleaner.threads": "2"}
        client.alter_configs([ConfigResource(ConfigResourceType.BROKER, "1", settings)])
    producer = KafkaProducer(bootstrap_servers=others.addresses(ADMIN))
    for number in range(100):
        producer.send("orders", b"%d" % number).get(timeout=10)
    producer.close()
    for group in ("billing", "anna-billing"):
        consumer = KafkaConsumer(
            "orders",
            bootstrap_servers=others.addresses(ADMIN),
            group_id=group,
            auto_offset_reset="earliest",
            consumer_timeout_ms=20_000,
        )
        consumer.partitions_for_topic("orders")
        for _ in range(100):
            next(consumer)
        consumer.commit()
        consumer.close()


ALL_ACLS = ACLFilter(
    principal=None,
    host=None,
    operation=ACLOperation.ANY,
    permission_type=ACLPermissionType.ANY,
    resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


def seen(others: Others) -> dict[str, Any]:
    """All that is there and not ann's."""
    with others.admin() as client:
        topics = [t for t in client.describe_topics() if not t["name"].startswith(PREFIX)]
        names = [t["name"] for t in topics]
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        asked += [ConfigResource(ConfigResourceType.BROKER, str(node)) for node in others.ids]
        groups = sorted(g["group_id"] for g in client.list_groups())
        groups = [group for group in groups if not group.startswith(PREFIX)]
        return {
            "topics": sorted(topics, key=lambda t: t["name"]),
            "settings": client.describe_configs(asked),
            "groups": groups,
            "offsets": client.list_group_offsets(dict.fromkeys(groups)),
            "ends": {name: ends(others, name) for name in names if name == "orders"},
            "rights": sorted(map(str, client.describe_acls(ALL_ACLS)[0])),
        }


def ends(others: Others, topic: str) -> dict[Any, int]:
    consumer = KafkaConsumer(bootstrap_servers=others.addresses(ADMIN))
    try:
        found = consumer.end_offsets([TopicPartition(topic, p) for p in range(2)])
        return dict(found)
    finally:
        consumer.close()


def test_reset_deletes_what_is_hers_and_touches_nothing_else(
    others: Others, tmp_path: Path
) -> None:
    made_by_somebody_else(others)
    before = seen(others)
    assert {"orders", "ann", "anna-orders", "labs-ann-x"} <= {t["name"] for t in before["topics"]}
    assert {"billing", "anna-billing"} <= set(before["groups"])
    assert sum(before["ends"]["orders"].values()) == 100
    labs = Labs(tmp_path, **others.as_ann)
    answer = labs.run("run", "consumers.replay", "--json")
    assert answer.code == 0, answer.err
    with others.admin() as client:
        wanted = {"num_partitions": 1, "replication_factor": 3}
        client.create_topics({"ann-": wanted, "ann-flights": wanted})
        stays = KafkaConsumer(
            "ann-flights", bootstrap_servers=others.addresses(ADMIN), group_id="ann-forgotten"
        )
        stays.poll(3000)  # a member of hers that lives on somewhere
        assert any(t.startswith(PREFIX) for t in client.list_topics())
        answer = labs.run("reset", "--hard")
        assert answer.code == 0, answer.err
        assert "No topic and no group of yours (ann-…) is left." in answer.out
        left = [*client.list_topics(), *(g["group_id"] for g in client.list_groups())]
        stays.close(autocommit=False)
    assert not [name for name in left if name.startswith(PREFIX)]
    assert seen(others) == before


# -- secrets ---------------------------------------------------------------------------------------


def notebook(name: str, folder: Path) -> Path:
    """A copy in which nothing is compared that is different on other people's clusters."""
    book = nbformat.read(PROJECT / "notebooks" / name, as_version=4)
    for cell in book.cells:
        if "cluster.status()" in cell.source:
            cell.metadata.pop("tags", None)
    nbformat.write(book, folder / name)
    return folder / name


def test_the_notebooks_run_unchanged(others: Others, tmp_path: Path) -> None:
    books = [notebook(name, tmp_path) for name in ("00_start_here.ipynb", "02_producers.ipynb")]
    done = subprocess.run(
        [*PYTEST, *NBVAL, *map(str, books), "-c", str(PROJECT / "pyproject.toml")],
        cwd=PROJECT,
        env={**os.environ, **others.as_ann, "LABS_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)


def test_run_all_goes_on_where_an_exercise_would_break_brokers(
    others: Others, tmp_path: Path
) -> None:
    """Chapter 3 with a learner, for whom its panels wait."""
    text = next(text for text in chapters() if text.chapter == "03_acks")
    cells = [cell.source for cell in text.code]
    places = {"LABS_HOME": str(tmp_path / "home"), "LABS_WORK": str(tmp_path / "work")}
    with learners_kernel(text.saved.parent, **others.as_ann, **places) as client:
        shown = shown_by(cells, run_together(client, cells))
    (told,) = [data["text/plain"] for source, data in shown if source.startswith("check(")]
    assert "LABS_CLUSTER=local" in told


TELLING = """
import labs, logging
logging.basicConfig(level=logging.DEBUG, force=True)
cluster = labs.connect()
print(cluster, vars(cluster), cluster.status(), cluster.status().as_dict(), cluster.faults())
from kafka import KafkaProducer, KafkaAdminClient
producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
print(producer, admin, admin.list_topics())
cluster.kill(1)
"""


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_password_is_nowhere(others: Others, tmp_path: Path, mechanism: str) -> None:
    """Not in the output of a notebook that tells all it can, nor in any file that is left."""
    module = "plain.Plain" if mechanism == "PLAIN" else "scram.Scram"
    environment = others.environment(SASL, **jaas("ann", PASSWORD, module, mechanism))
    given = {**os.environ, **environment, "LABS_HOME": str(tmp_path / "home")}
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(TELLING)])
    client = NotebookClient(book, timeout=120, kernel_name="python3", allow_errors=True)
    client.execute(cwd=str(tmp_path), env=given)
    told = nbformat.writes(book)
    assert "broker 1 can't be killed" in told
    assert "DEBUG" in told
    labs = Labs(tmp_path / "home", **environment)
    for line in ("up", "status --json", "run producers.order --json", "reset"):
        answer = labs.run(*line.split())
        assert answer.code == 0, answer.err
        told += answer.out + answer.err
    for file in (p for p in (tmp_path / "home").rglob("*") if p.is_file()):
        told += file.read_text("utf-8", "replace")
    assert not any(secret in told for secret in SECRETS)
