"""Our admin client finds the broker that runs."""

from __future__ import annotations

import pytest

from labs.kafka import admin
from labs.kafka.local import LocalCluster


def test_it_finds_the_one_broker_of_three_that_runs(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One try of kafka-python 3.0 may spend all its time on the dead ones."""
    monkeypatch.setattr(admin, "BOOTSTRAP_TIMEOUT_S", 0.2)
    for node in (1, 3):
        cluster.kill(node)
    for _ in range(20):
        with admin.admin(cluster.bootstrap):
            pass
