"""`labs study`, as `make study` runs it: JupyterLab on a live cluster, and nothing left of it."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_core.paths import jupyter_runtime_dir

from labs.supervise import leases
from labs.supervise.ports import is_open
from tests.helpers import PATIENCE_S, Labs, finish, free_ports, wait_until
from tests.kernels import run_cell

TOKEN = "for-this-test"


@contextmanager
def studying(labs: Labs) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`labs study` and its JupyterLab's address; told to end after the block, if it still runs."""
    (port,) = free_ports(1)
    study = labs.begin("study", "--no-browser", "--port", str(port), JUPYTER_TOKEN=TOKEN)
    try:
        wait_until(lambda: is_open(port) or study.poll() is not None, "JupyterLab")
        yield study, f"http://127.0.0.1:{port}"
    finally:
        if study.poll() is None:
            study.terminate()
            finish(study)


def test_it_opens_the_first_notebook_and_leaves_nothing(labs: Labs) -> None:
    with studying(labs) as (_, address):
        assert len(labs.jvms()) == 4
        with urllib.request.urlopen(f"{address}/?token={TOKEN}", timeout=PATIENCE_S) as page:
            assert "/lab/tree/notebooks/00_start_here.ipynb?" in page.url
        with pytest.raises(urllib.error.HTTPError):  # it keeps its token
            urllib.request.urlopen(f"{address}/api/contents", timeout=PATIENCE_S)
    assert labs.leftovers() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_ends_jupyterlab_its_notebooks_and_the_cluster(
    labs: Labs, number: signal.Signals
) -> None:
    with studying(labs) as (study, address):
        kernel = kernel_with_a_cluster(address)
        study.send_signal(number)
        answer = finish(study)
    assert (answer.code, "Traceback" in answer.err) == (0, False), answer.err
    assert "… stopping the cluster" in answer.err
    assert not psutil.pid_exists(kernel)
    assert labs.leftovers() == []


def kernel_with_a_cluster(address: str) -> int:
    """Have JupyterLab start a kernel, and that take a lease; returns its pid."""
    code = "import labs, os; labs.connect(); print(os.getpid())"
    return int(run_in_a_kernel(address, code).split()[-1])


def run_in_a_kernel(address: str, code: str, runtime: str = "") -> str:
    """Have JupyterLab start a kernel, and that run `code`; returns what it printed."""
    start = urllib.request.Request(
        f"{address}/api/kernels", b"{}", {"Authorization": f"token {TOKEN}"}
    )
    with urllib.request.urlopen(start, timeout=PATIENCE_S) as told:
        name = json.load(told)["id"]
    client = BlockingKernelClient()
    client.load_connection_file(str(Path(runtime or jupyter_runtime_dir(), f"kernel-{name}.json")))
    client.start_channels()
    reply, said = run_cell(client, code)
    client.stop_channels()
    assert reply["status"] == "ok", said
    return said


def test_a_cluster_that_others_use_stays(labs: Labs) -> None:
    with studying(labs):
        leases.hold(labs.home.leases)  # as a notebook elsewhere does: it lives as long as we do
        pids = labs.jvms()
    assert labs.jvms() == pids
