"""Every error that a client can raise has been judged; and only a proof makes a send failed."""

from __future__ import annotations

import inspect
import re
import zipfile
from pathlib import Path

import kafka.errors
import pytest
from confluent_kafka import KafkaError as NativeError
from kafka.errors import BrokerResponseError, KafkaError

from labs.kafka.installation import ensure_installation
from labs.workload import outcomes
from labs.workload.history import Outcome, nobody_knows
from labs.workload.outcomes import (
    ALREADY_WRITTEN,
    MAY_FOLLOW_AN_APPEND,
    NAMES,
    OF_KAFKA_PYTHON,
    OF_LIBRDKAFKA,
    REFUSED,
    Written,
    after_one_try,
    never_sent,
)

PYTHONS = [
    error
    for _, error in inspect.getmembers(kafka.errors, inspect.isclass)
    if issubclass(error, KafkaError)
]
NATIVES = {
    name: getattr(NativeError, name)
    for name in dir(NativeError)
    if re.fullmatch(r"_?[A-Z][A-Z_]+", name)
}


def test_the_groups_do_not_meet_and_hold_only_what_the_protocol_knows() -> None:
    groups = [set(REFUSED), set(MAY_FOLLOW_AN_APPEND), set(ALREADY_WRITTEN)]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert set.union(*groups) <= set(NAMES)
    assert len(NAMES) == len(set(NAMES))


def test_every_error_of_the_java_client_has_been_judged() -> None:
    jars = [Path(jar) for jar in ensure_installation().class_path.split(":")]
    (jar,) = (jar for jar in jars if jar.name.startswith("kafka-clients-"))
    told = zipfile.ZipFile(jar).read("org/apache/kafka/common/protocol/Errors.class")
    # A constant's name stands in the class file as one byte of type, two of length, and the word.
    found = {
        word.decode()
        for size, word in re.findall(rb"\x01\x00([\x04-\x30])([A-Z][A-Z_]+)", told)
        if len(word) == size[0]
    }
    assert found - {"CODE_TO_ERROR", "CLASS_TO_ERROR"} == set(NAMES)


@pytest.mark.parametrize("error", PYTHONS, ids=lambda error: error.__name__)
def test_every_error_of_kafka_python_has_been_judged(error: type[KafkaError]) -> None:
    code = getattr(error, "errno", None)
    if code is None:
        assert error.__name__ in OF_KAFKA_PYTHON
        assert after_one_try(BaseException.__new__(error)) is Outcome.UNKNOWN
        return
    name = outcomes.name_of(code)
    assert name is not None, "a new one: judge it"
    certain = name in REFUSED
    assert (after_one_try(error()) is Outcome.FAIL) is certain
    assert nobody_knows(error()) is Outcome.UNKNOWN


@pytest.mark.parametrize("name", NATIVES)
def test_every_error_of_librdkafka_has_been_judged(name: str) -> None:
    code = NATIVES[name]
    if name.startswith("_"):
        assert name in OF_LIBRDKAFKA
    else:
        assert outcomes.name_of(code) is not None, "a new one: judge it"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NotLeaderForPartitionError", Written.MAYBE),
        ("RequestTimedOutError", Written.MAYBE),
        ("NotEnoughReplicasAfterAppendError", Written.MAYBE),
        ("UnknownError", Written.MAYBE),
        ("KafkaStorageError", Written.MAYBE),
        ("UnknownTopicOrPartitionError", Written.MAYBE),
        ("NetworkExceptionError", Written.MAYBE),
        ("DuplicateSequenceNumberError", Written.YES),
        ("NotEnoughReplicasError", Written.NO),
        ("MessageSizeTooLargeError", Written.NO),
        ("TopicAuthorizationFailedError", Written.NO),
        ("InvalidRecordError", Written.NO),
    ],
)
def test_what_an_answer_says(name: str, said: Written) -> None:
    error = getattr(kafka.errors, name)
    assert outcomes.written(str(outcomes.name_of(error.errno))) is said
    assert (after_one_try(error()) is Outcome.FAIL) is (said is Written.NO)


def test_an_error_that_nobody_has_judged_proves_nothing() -> None:
    class NewerError(BrokerResponseError):  # type: ignore[misc]
        errno = len(NAMES)

    assert outcomes.name_of(NewerError.errno) is None
    assert after_one_try(NewerError()) is Outcome.UNKNOWN
    assert outcomes.written("NEWER") is Written.MAYBE
    assert never_sent(NewerError()) is Outcome.FAIL
