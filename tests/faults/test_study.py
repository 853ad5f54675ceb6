"""`labs study`, as `make study` runs it: JupyterLab on a live cluster, and nothing left of it."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from labs.cluster import leases
from labs.cluster.ports import is_open
from tests.helpers import PATIENCE_S, Labs, finish, free_ports, wait_until

TOKEN = "for-this-test"


@contextmanager
def studying(labs: Labs) -> Iterator[str]:
    """The address of a JupyterLab that is told to end after the block."""
    (port,) = free_ports(1)
    study = labs.begin("study", "--no-browser", "--port", str(port), JUPYTER_TOKEN=TOKEN)
    try:
        wait_until(lambda: is_open(port) or study.poll() is not None, "JupyterLab")
        yield f"http://127.0.0.1:{port}"
    finally:
        study.terminate()
        finish(study)


def test_it_opens_the_first_notebook_and_leaves_nothing(labs: Labs) -> None:
    with studying(labs) as address:
        assert len(labs.jvms()) == 4
        with urllib.request.urlopen(f"{address}/?token={TOKEN}", timeout=PATIENCE_S) as page:
            assert "/lab/tree/notebooks/00_start_here.ipynb?" in page.url
        with pytest.raises(urllib.error.HTTPError):  # it keeps its token
            urllib.request.urlopen(f"{address}/api/contents", timeout=PATIENCE_S)
    assert labs.leftovers() == []


def test_ctrl_c_ends_jupyterlab_and_the_cluster(labs: Labs) -> None:
    (port,) = free_ports(1)
    study = labs.begin("study", "--no-browser", "--port", str(port), JUPYTER_TOKEN=TOKEN)
    wait_until(lambda: is_open(port) or study.poll() is not None, "JupyterLab")
    for pid in (study.pid, *(child.pid for child in psutil.Process(study.pid).children())):
        os.kill(pid, signal.SIGINT)  # to all of the group, as a terminal does
    answer = finish(study)
    assert (answer.code, "Traceback" in answer.err) == (0, False)
    assert "… stopping the cluster" in answer.err
    assert labs.leftovers() == []


def test_a_cluster_that_others_use_stays(labs: Labs) -> None:
    with studying(labs):
        leases.hold(labs.home.leases)  # as a notebook elsewhere does: it lives as long as we do
        pids = labs.jvms()
    assert labs.jvms() == pids
