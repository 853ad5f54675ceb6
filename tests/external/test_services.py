"""Servers that keep something in Kafka, beside somebody else's: all within her prefix."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.base.errors import LabsError
from labs.services.known import known, service
from labs.supervise.home import Home
from tests.external.conftest import Enter
from tests.external.others import PASSWORD, PREFIX, SASL, SECRETS, Others, jaas

pytestmark = pytest.mark.external

IN_KAFKA = [name for name, server in known().items() if server.needs_kafka]


@pytest.fixture
def home() -> Iterator[Home]:
    """A short path: the tests' own is long enough to be cut in a process list."""
    with tempfile.TemporaryDirectory(prefix="labs-services-") as folder:
        yield Home(Path(folder).resolve())


def topics(others: Others) -> set[str]:
    with others.admin() as client:
        return set(client.list_topics())


@pytest.mark.parametrize("name", IN_KAFKA)
def test_it_makes_its_topics_within_her_prefix(
    others: Others, enter: Enter, home: Home, name: str
) -> None:
    enter(others.as_ann)
    before = topics(others)
    one = service(name, home=home)
    try:
        one.start()
        assert one.start().state == "running", "it is adopted"
        made = {topic for topic in topics(others) - before if not topic.startswith("__")}
        assert made and all(topic.startswith(PREFIX) for topic in made)
        for file in (place for place in home.path.rglob("*") if place.is_file()):
            if any(secret.encode() in file.read_bytes() for secret in SECRETS):
                assert file.suffix == ".properties" and file.stat().st_mode & 0o077 == 0, file
    finally:
        one.stop()
    assert one.runner.processes() == []


def test_the_registry_reads_what_it_has_written_in_one_order(
    others: Others, enter: Enter, home: Home
) -> None:
    """It is ready when it has read a record of its own, which must come after all others."""
    enter(others.as_ann)
    registry = service("registry", home=home)
    try:
        registry.start()
        with others.admin() as client:
            (journal,) = client.describe_topics([f"{PREFIX}kafkasql-journal"])
        assert len(journal["partitions"]) == 1
    finally:
        registry.stop()


def test_who_has_too_few_rights_hears_so_before_anything_starts(
    others: Others, enter: Enter, home: Home
) -> None:
    bob = others.environment(SASL, **jaas("bob", PASSWORD, "plain.Plain", "PLAIN"))
    enter({**bob, "LABS_PREFIX": "bob-"})
    assert IN_KAFKA
    for may in ("make no topic", "use no group"):
        for name in IN_KAFKA:
            one = service(name, home=home)
            with pytest.raises(LabsError, match=f"you may {may} whose name begins with 'bob-'"):
                one.start()
            assert one.runner.processes() == []
            assert one.status().state is None, "it was not even begun"
        others.let_in("bob", "bob-", "--topic")
