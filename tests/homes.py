"""A plugin of `tests.run`: each of pytest's workers has a home, and so a cluster, of its own.

A test may break its worker's cluster as it likes: the other worker's never meets it, not even at
the door. Who looks for free ports at the same moment in the same place takes the same.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labs.kafka.local import LocalCluster
from labs.supervise.ports import FIRST

WORKER = os.environ.get("PYTEST_XDIST_WORKER")  # pytest-xdist's name for it: gw0, gw1 …

if WORKER:
    home = Path(os.environ["LABS_TEST_HOMES"], WORKER)
    os.environ |= {"LABS_HOME": str(home), "LABS_WORK": str(home / "work")}
    os.environ["LABS_FIRST_PORT"] = str(FIRST + 2000 * int(WORKER.removeprefix("gw")))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have a clean cluster ready for notebooks: else the first would tell of its start, or find
    topics of others, and differ.
    """
    if WORKER and session.config.getoption("nbval_lax"):
        LocalCluster().reset()
