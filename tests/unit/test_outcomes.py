"""Every error that a client can raise has been judged; and only a proof makes a send failed."""

from __future__ import annotations

import inspect
import re
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import kafka.errors
import pytest
from confluent_kafka import KafkaError as NativeError
from kafka.errors import BrokerResponseError, KafkaError

from labs.kafka.installation import ensure_installation
from labs.workload import outcomes
from labs.workload.history import Outcome
from labs.workload.outcomes import (
    JAVA,
    KAFKA_PYTHON,
    LIBRDKAFKA,
    NAMES,
    NOT_JUDGED,
    PROTOCOL,
    Written,
    after_one_try,
    after_retries,
    left_by,
    never_sent,
)

PYTHONS: list[type[KafkaError]] = [
    error
    for _, error in inspect.getmembers(kafka.errors, inspect.isclass)
    if issubclass(error, KafkaError)
]
NATIVES = {
    name: getattr(NativeError, name)
    for name in dir(NativeError)
    if re.fullmatch(r"_?[A-Z][A-Z_]+", name)
}
#: Where the Java client keeps what a send can raise.
JAVA_ERRORS = re.compile(
    r"org/apache/kafka/(?:common/errors|common|clients/producer)/(\w+(?:Exception|Error))\.class"
)


@cache
def jar() -> zipfile.ZipFile:
    jars = [Path(path) for path in ensure_installation().class_path.split(":")]
    (found,) = (path for path in jars if path.name.startswith("kafka-clients-"))
    return zipfile.ZipFile(found)


@cache
def protocols_classes() -> dict[str, str]:
    """Java's class of each error, as its enum `Errors` makes them: method handles in its order."""
    pool = constants(jar().read("org/apache/kafka/common/protocol/Errors.class"))
    handles = [entry for entry in pool.values() if entry[0] == 15 and entry[1] == 8]
    classes = [pool[pool[pool[handle[2]][1]][1]][1].rpartition("/")[2] for handle in handles]
    return dict(zip((name for name in NAMES if name != "NONE"), classes, strict=True))


def constants(code: bytes) -> dict[int, tuple[Any, ...]]:
    """A class file's constant pool (JVMS 4.4): index → (tag, …)."""
    count, at, index = int.from_bytes(code[8:10]), 10, 1
    pool: dict[int, tuple[Any, ...]] = {}
    while index < count:
        tag, body = code[at], code[at + 1 :]
        two, four = int.from_bytes(body[:2]), int.from_bytes(body[2:4])
        if tag == 1:
            pool[index], size = (tag, body[2 : 2 + two].decode("utf-8", "replace")), 2 + two
        elif tag == 15:
            pool[index], size = (tag, body[0], int.from_bytes(body[1:3])), 3
        elif tag in (7, 8, 16, 19, 20):
            pool[index], size = (tag, two), 2
        else:
            pool[index], size = (tag, two, four), 8 if tag in (5, 6) else 4
        at, index = at + 1 + size, index + (2 if tag in (5, 6) else 1)
    return pool


# -- nobody is forgotten ---------------------------------------------------------------------------


def test_every_error_of_the_protocol_has_been_judged() -> None:
    told = jar().read("org/apache/kafka/common/protocol/Errors.class")
    # A constant's name stands in the class file as one byte of type, two of length, and the word.
    found = {
        word.decode()
        for size, word in re.findall(rb"\x01\x00([\x04-\x30])([A-Z][A-Z_]+)", told)
        if len(word) == size[0]
    }
    assert found - {"CODE_TO_ERROR", "CLASS_TO_ERROR"} == set(NAMES)
    assert set(PROTOCOL) == set(NAMES) - {"NONE"}
    assert len(NAMES) == len(set(NAMES))


def test_every_exception_of_the_java_client_has_been_judged() -> None:
    classes = {found[1] for name in jar().namelist() if (found := JAVA_ERRORS.fullmatch(name))}
    assert len(classes) > 140
    protocols = protocols_classes()
    assert classes - set(protocols.values()) == set(JAVA)
    for name, class_ in protocols.items():
        assert outcomes.java_protocol_name(class_) == name
        assert outcomes.of_java(class_) is PROTOCOL[name]
    assert all(outcomes.of_java(class_) is not NOT_JUDGED for class_ in classes)


def test_every_error_of_kafka_python_has_been_judged() -> None:
    codes = {error: getattr(error, "errno", None) for error in PYTHONS}
    assert {error.__name__ for error, code in codes.items() if code is None} == set(KAFKA_PYTHON)
    for error, code in codes.items():
        if code:
            name = outcomes.name_of(code)
            assert name, f"{error.__name__} is a new one: judge it"
            assert outcomes.of_kafka_python(error()) is PROTOCOL[name]


def test_every_error_of_librdkafka_has_been_judged() -> None:
    assert {name for name in NATIVES if name.startswith("_")} == set(LIBRDKAFKA)
    for name, code in NATIVES.items():
        if name != "NO_ERROR":
            assert outcomes.of_librdkafka(NativeError(code)) is not NOT_JUDGED, name


@pytest.mark.parametrize("table", [PROTOCOL, KAFKA_PYTHON, LIBRDKAFKA, JAVA])
def test_each_has_a_source_and_only_a_proof_makes_a_send_failed(table: outcomes.Table) -> None:
    for said in table.values():
        assert len(said.source) > 5
        once, again = (left_by(said, only_attempt=only) for only in (True, False))
        assert (once is Outcome.FAIL) is (said.written in (Written.NO, Written.UNSENT))
        assert (again is Outcome.FAIL) is (said.written is Written.UNSENT)
        assert {once, again} <= {Outcome.FAIL, Outcome.UNKNOWN}


# -- what some of them say -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("NotLeaderForPartitionError", Written.MAYBE),
        ("RequestTimedOutError", Written.MAYBE),
        ("NotEnoughReplicasAfterAppendError", Written.MAYBE),
        ("UnknownError", Written.MAYBE),
        ("KafkaStorageError", Written.MAYBE),
        ("UnknownTopicOrPartitionError", Written.MAYBE),
        ("NetworkExceptionError", Written.MAYBE),
        ("KafkaTimeoutError", Written.MAYBE),
        ("KafkaConnectionError", Written.MAYBE),
        ("DuplicateSequenceNumberError", Written.YES),
        ("NotEnoughReplicasError", Written.NO),
        ("MessageSizeTooLargeError", Written.NO),
        ("TopicAuthorizationFailedError", Written.NO),
        ("InvalidRecordError", Written.NO),
    ],
)
def test_what_an_error_of_kafka_python_says(name: str, written: Written) -> None:
    error = getattr(kafka.errors, name)()
    assert outcomes.of_kafka_python(error).written is written
    assert (after_one_try(error) is Outcome.FAIL) is (written is Written.NO)
    assert after_retries(error) is Outcome.UNKNOWN, "an earlier attempt may have been written"
    assert never_sent(error) is Outcome.FAIL


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("TimeoutException", Written.MAYBE),
        ("NetworkException", Written.MAYBE),
        ("KafkaException", Written.MAYBE),
        ("InterruptException", Written.MAYBE),
        ("NotEnoughReplicasAfterAppendException", Written.MAYBE),
        ("DuplicateSequenceException", Written.YES),
        ("NotEnoughReplicasException", Written.NO),
        ("RecordTooLargeException", Written.NO),
        ("BufferExhaustedException", Written.UNSENT),
        ("SerializationException", Written.UNSENT),
    ],
)
def test_what_an_exception_of_the_java_client_says(name: str, written: Written) -> None:
    assert outcomes.of_java(name).written is written


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("_MSG_TIMED_OUT", Written.MAYBE),
        ("_PURGE_QUEUE", Written.MAYBE),
        ("_TRANSPORT", Written.MAYBE),
        ("_QUEUE_FULL", Written.UNSENT),
        ("REQUEST_TIMED_OUT", Written.MAYBE),
        ("NOT_ENOUGH_REPLICAS", Written.NO),
        ("MSG_SIZE_TOO_LARGE", Written.NO),
    ],
)
def test_what_an_error_of_librdkafka_says(name: str, written: Written) -> None:
    assert outcomes.of_librdkafka(NativeError(NATIVES[name])).written is written


def test_an_error_that_nobody_has_judged_proves_nothing() -> None:
    class NewerError(BrokerResponseError):  # type: ignore[misc]
        errno = len(NAMES)

    assert outcomes.name_of(NewerError.errno) is None
    assert after_one_try(NewerError()) is Outcome.UNKNOWN
    assert outcomes.of_java("NewerException") is NOT_JUDGED
    assert NOT_JUDGED.written is Written.MAYBE
