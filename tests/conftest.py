"""One real cluster for all tests of a process, in a home of its own, never in the learner's."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.kafka.local import LocalCluster
from labs.supervise.home import Home
from tests.run import end_home
from tests.slate import begin_anew, clean_beside_servers, stop_servers

# A shell starts background jobs deaf to Ctrl-C, and nohup deaf to a closed terminal; every process
# that we start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def labs_home() -> Iterator[Path]:
    """Point this process, and all it starts, at the tests' own home, and its learner's work."""
    if "LABS_TEST_HOMES" in os.environ:  # tests/run.py keeps a cluster for all its parts
        yield Path(os.environ["LABS_HOME"])
        return
    with tempfile.TemporaryDirectory(prefix="labs-test-") as path_name:
        path = Path(path_name).resolve()  # macOS: /var is a link, and JVMs are known by the path
        os.environ |= {"LABS_HOME": str(path), "LABS_WORK": str(path / "work")}
        yield path
        end_home(Home(path))


@pytest.fixture(scope="session")
def own_cluster(labs_home: Path) -> LocalCluster:
    """The cluster of this process; whoever had it last may have left it broken."""
    cluster = LocalCluster()
    cluster.start()
    return cluster


@pytest.fixture
def cluster(own_cluster: LocalCluster) -> LocalCluster:
    """It is whole and clean, as for a learner who begins."""
    own_cluster.reset()
    return own_cluster


@pytest.fixture
def shared_cluster(cluster: LocalCluster) -> LocalCluster:
    """The same: what its last user set must not be found in another's result."""
    return cluster


@pytest.fixture(scope="module")
def servers(own_cluster: LocalCluster) -> Iterator[None]:
    """Servers beside Kafka that a test of this file starts serve the others too, and then end."""
    begin_anew(own_cluster)
    yield
    stop_servers()


@pytest.fixture
def beside_servers(
    request: pytest.FixtureRequest, own_cluster: LocalCluster, servers: None
) -> LocalCluster:
    """The cluster, whole and clean, but for what servers that run keep in it."""
    clean_beside_servers(own_cluster, request.node)
    return own_cluster
