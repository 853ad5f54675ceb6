"""What a run sets otherwise than the default: compared with the clients' own defaults, in words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.range import RangePartitionAssignor

from labs.supervise.home import PROJECT
from labs.workload import consumers, set_here
from labs.workload.member_process import Plan
from labs.workload.producer_process import producer_options
from labs.workload.reading import reader_options
from labs.workload.set_here import Departure, rows


def test_only_what_differs_from_kafka_pythons_own_default_is_told() -> None:
    default = KafkaProducer.DEFAULT_CONFIG["request_timeout_ms"]
    options = {"linger_ms": 5, "acks": "all", "request_timeout_ms": default, "retries": 0}
    assert set_here.kafka_python("producer", options) == (
        Departure("producer (kafka-python)", "linger.ms", 5, 0),
        Departure("producer (kafka-python)", "retries", 0, "no limit"),
    )


def test_who_a_client_is_and_how_it_is_let_in_is_not_told() -> None:
    options = {"bootstrap_servers": "a", "group_id": "g", "sasl_plain_password": "secret"}
    assert set_here.kafka_python("consumer", options) == ()
    assert set_here.librdkafka("consumer", {"group.id": "g", "sasl.password": "secret"}) == ()


def test_an_option_whose_default_is_not_known_is_an_error() -> None:
    with pytest.raises(LookupError, match="lingers"):
        set_here.kafka_python("producer", {"lingers": 5})
    for of_table in (set_here.librdkafka, set_here.java_producer, set_here.broker):
        with pytest.raises(LookupError, match=r"fetch\.odd"):
            of_table("producer", {"fetch.odd": 2})


def test_java_and_librdkafka_by_their_own_names() -> None:
    told = {d.name: (d.value, d.default) for d in set_here.java_producer("x", {"retries": "3"})}
    assert told == {"retries": ("3", 2_147_483_647)}
    native = set_here.librdkafka("producer", {"acks": "all", "linger.ms": 20, "log_level": 0})
    assert native == (Departure("producer (confluent-kafka)", "linger.ms", 20, 5),)


@pytest.mark.parametrize("client", [consumers.KAFKA_PYTHON, consumers.LIBRDKAFKA])
def test_a_members_consumer(client: str) -> None:
    kafka_python = client == consumers.KAFKA_PYTHON
    options = {"heartbeat_interval_ms" if kafka_python else "heartbeat.interval.ms": 500}
    plan = Plan(client, "t", ["b"], "g", commit="after", max_records=20, options=options)
    told = {d.name: d.value for d in consumers.departures(plan)}
    assert told["heartbeat.interval.ms"] == 500
    assert told["auto.offset.reset"] == "earliest"
    assert told["enable.auto.commit"] is False
    assert told.get("max.poll.records") == (20 if kafka_python else None)
    assert told["partition.assignment.strategy"] == "range"


def test_the_other_programs_clients() -> None:
    reader = set_here.kafka_python("consumer", reader_options(), "final reader")
    assert {"auto.offset.reset", "max.poll.records"} <= {d.name for d in reader}
    assert {d.where for d in reader} == {"final reader (kafka-python)"}
    assert [d.name for d in set_here.kafka_python("producer", producer_options(False))] == [
        "enable.idempotence"
    ]
    assert set_here.kafka_python("producer", producer_options(True)) == ()


def test_lists_and_classes_are_written_as_kafka_does() -> None:
    default = KafkaConsumer.DEFAULT_CONFIG["partition_assignment_strategy"]
    same = set_here.kafka_python("consumer", {"partition_assignment_strategy": list(default)})
    assert same == ()
    (one,) = set_here.kafka_python(
        "consumer", {"partition_assignment_strategy": [RangePartitionAssignor]}
    )
    assert (one.value, one.default) == ("range", "range,roundrobin")


def test_a_topics_own_settings_and_kafkas_defaults() -> None:
    def entry(value: str, source: str, *synonyms: tuple[str, str]) -> dict[str, object]:
        told = [
            {"name": "a broker's", "value": value, "source": source} for value, source in synonyms
        ]
        return {"value": value, "config_source": source, "synonyms": told}

    told = {
        "retention.ms": entry("-1", "DYNAMIC_TOPIC_CONFIG"),
        "segment.bytes": entry("99", "DEFAULT_CONFIG", ("99", "DEFAULT_CONFIG")),
        "min.insync.replicas": entry("2", "DYNAMIC_TOPIC_CONFIG", ("1", "DEFAULT_CONFIG")),
    }
    assert set_here.topic(told) == (
        Departure("topic", "min.insync.replicas", 2, 1),
        Departure("topic", "retention.ms", -1, 604_800_000),
    )
    # What was changed and changed back is told, too: each value once, in the order of setting.
    given = [("min.insync.replicas", value) for value in ("1", "3", "1", "2", "3")]
    assert set_here.topic(told, given)[:-1] == (
        Departure("topic", "min.insync.replicas", 3, 1),
        Departure("topic", "min.insync.replicas", 2, 1),
    )


def test_rows_have_plain_units_and_gather_the_values_of_one_setting() -> None:
    found = [
        Departure("producer", "acks", "0", "all"),
        Departure("producer", "acks", "1", "all"),
        Departure("producer", "metadata.max.age.ms", 5000, 300_000),
        Departure("topic", "retention.ms", -1, 604_800_000),
        Departure("members", "group.instance.id", "desk", None),
    ]
    assert rows(found) == [
        ("producer", "acks", "0; 1", "all"),
        ("producer", "metadata.max.age.ms", "5000 (5 s)", "300000 (300 s)"),
        ("topic", "retention.ms", "-1 (for ever)", "604800000 (168 h)"),
        ("members", "group.instance.id", "desk", "not set"),
    ]


#: Where clients may be made beside the chapters: each notes what it sets, or manages the cluster.
MAKERS = {
    "labs/experiment/clients.py",  # Run.producer, Run.consumer, Run.admin
    "labs/workload/consumers.py",  # a group's members
    "labs/workload/share_process.py",  # a share group's
    "labs/workload/producer_process.py",
    "labs/workload/transform_process.py",
    "labs/workload/reading.py",
    "labs/experiment/native.py",
    "labs/kafka/admin.py",
    "labs/kafka/reset.py",
}
CLIENTS = re.compile(r"(Kafka(Producer|Consumer|AdminClient)|Producer|(Share)?Consumer)")
CHAPTERS = PROJECT / "labs" / "chapters"


def made(code: str) -> list[bool]:
    """For each client that code makes: whether it sets more than where the brokers are."""
    calls = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    return [
        bool(call.args) or [keyword.arg for keyword in call.keywords] != ["bootstrap_servers"]
        for call in calls
        if CLIENTS.fullmatch(ast.unparse(call.func))
    ]


@pytest.mark.parametrize(
    ("code", "sets"),
    [
        ("KafkaProducer(bootstrap_servers=b)", [False]),
        ("KafkaProducer(bootstrap_servers=b, acks=1)", [True]),
        ("KafkaConsumer('t', **options)", [True]),
        ("Consumer({'group.id': g})", [True]),
        ("run.producer(acks=1); Consumers(1)", []),
        ("# Producer(…)", []),
    ],
)
def test_a_client_is_seen(code: str, sets: list[bool]) -> None:
    assert made(code) == sets


def test_no_client_is_made_elsewhere() -> None:
    files = (path for path in (PROJECT / "labs").rglob("*.py") if CHAPTERS not in path.parents)
    makers = {
        path.relative_to(PROJECT).as_posix()
        for path in files
        if "exercise" not in path.parts  # no experiment's
        and made(path.read_text("utf-8"))
    }
    assert makers <= MAKERS


def notes_it(chapter: Path, module: str) -> bool:
    """Whether a file of the chapter that is that module, or imports from it, notes settings."""
    codes = {path.stem: path.read_text("utf-8") for path in chapter.glob("*.py")}
    known = re.compile(rf"import {module}\b|\.{module} import ")
    return any(".note(set_here." in code for stem, code in codes.items()
               if stem == module or known.search(code))  # fmt: skip


@pytest.mark.parametrize(
    "path", sorted(CHAPTERS.glob("*/*.py")), ids=lambda path: "/".join(path.parts[-2:])
)
def test_what_a_chapters_own_client_sets_is_noted(path: Path) -> None:
    """By the experiment that makes it, or that starts the program that makes it."""
    if any(made(path.read_text("utf-8"))):
        assert notes_it(path.parent, path.stem), "run.note(set_here.…): see CONTRIBUTING.md"
