"""A plugin of `tests.run`: each of pytest's workers has a home, and so a cluster, of its own.

A test may break its worker's cluster as it likes: the other worker's never meets it, not even at
the door. Who looks for free ports at the same moment in the same place takes the same.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell
from xdist.scheduler import LoadScopeScheduling

from labs.kafka.local import LocalCluster
from labs.supervise.ports import FIRST
from tests.slate import stop_servers

WORKER = os.environ.get("PYTEST_XDIST_WORKER")  # pytest-xdist's name for it: gw0, gw1 …

if WORKER:
    home = Path(os.environ["LABS_TEST_HOMES"], WORKER)
    os.environ |= {"LABS_HOME": str(home), "LABS_WORK": str(home / "work")}
    os.environ["LABS_FIRST_PORT"] = str(FIRST + 2000 * int(WORKER.removeprefix("gw")))


class ByWhatTheyShare(LoadScopeScheduling):  # type: ignore[misc]
    """Whoever is free takes the next test, and with it those that share what takes long to make."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Called by pytest-xdist. (Its own groups go by a name that pytest has given up.)"""
    return ByWhatTheyShare(config, log)


#: A case of an exercise: its file, and the exercise's number.
CASE = re.compile(r"(tests/exercises/.*)\[(\d+\.\d+)-")
#: What says that tests of a file share what takes long to make.
SHARED = ('scope="module"', "beside_servers")


@cache
def group_of(node: str) -> str:
    """A notebook's cells share its kernel, the cases of an exercise the servers that its judge has
    started; other tests, what fixtures make for a file or folder.
    """
    if case := CASE.match(node):
        return " ".join(case.groups())
    path = Path(node.partition("::")[0])
    around = path.with_name("conftest.py")
    if around.exists() and 'scope="package"' in around.read_text("utf-8"):
        return str(path.parent)
    return (
        str(path)
        if path.suffix == ".ipynb" or any(word in path.read_text("utf-8") for word in SHARED)
        else node
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have a clean cluster ready for each notebook: else it would tell of its start, or find topics
    of others, and differ.
    """
    if WORKER and isinstance(item, IPyNbCell) and item.parent.kernel is None:
        LocalCluster().reset()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End a notebook's servers with it: a watchdog would wait for minutes whether it comes back."""
    is_last = nextitem is None or nextitem.parent is not item.parent
    if WORKER and isinstance(item, IPyNbCell) and is_last:
        stop_servers()
