"""One cluster of other people for all of these tests, and a process that forgets passwords."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from labs.kafka.external import ExternalCluster
from labs.kafka.security import Security, adopt
from tests.external.others import Others, running

VARIABLES = ("LABS_CLUSTER", "LABS_BOOTSTRAP", "LABS_CLIENT_PROPERTIES", "LABS_PREFIX")

Enter = Callable[[Mapping[str, str]], ExternalCluster]


@pytest.fixture(scope="package")
def others() -> Iterator[Others]:
    """Three brokers, with ann's rights granted."""
    with running() as cluster:
        cluster.let_ann_in()
        yield cluster


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Enter]:
    """The external cluster as a learner with that environment gets it."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def make(environment: Mapping[str, str]) -> ExternalCluster:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return ExternalCluster()

    yield make
    adopt(Security())
