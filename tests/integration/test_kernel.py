"""What the notebooks need of a kernel; each release of ipykernel so far lacks one of the three.

`labs/app/ipython_kernel_config.py` tells which, and what is done about it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from tests.course import KERNEL
from tests.kernels import begin_cell, run_cell

CONNECTIONS = 100
ANSWER_TIMEOUT_S = 60
A_SLIDER = "import ipywidgets; slider = ipywidgets.IntSlider(); print(slider.comm.comm_id)"
A_CELL = "import time; time.sleep(3)"
AN_ASYNC_CELL = "import asyncio; await asyncio.sleep(1)"


@pytest.fixture(scope="module")
def kernel() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel of the notebooks' kind and a client of it."""
    manager, client = start_new_kernel(kernel_name="python3")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_module_beside_the_notebook_stands_in_for_none_of_ours(tmp_path: Path) -> None:
    for name in ("kafka", "labs", "numpy", "requests", "zmq", "learners_own"):
        (tmp_path / f"{name}.py").write_text("ANSWER = 42\n")
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    try:
        code = "from labs import connect; import kafka, numpy, learners_own"
        reply, said = run_cell(client, f"{code}; print(kafka.KafkaProducer, learners_own.ANSWER)")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert reply["status"] == "ok", reply
    assert said.endswith(" 42\n")


def test_it_tells_of_itself_what_notebooks_were_saved_with(
    kernel: tuple[KernelManager, BlockingKernelClient],
) -> None:
    manager, client = kernel
    told = client.kernel_info(reply=True, timeout=ANSWER_TIMEOUT_S)["content"]["language_info"]
    assert told == KERNEL["language_info"]
    spec = manager.kernel_spec
    assert spec is not None
    named = {"display_name": spec.display_name, "language": spec.language, "name": "python3"}
    assert named == KERNEL["kernelspec"]


def test_progress_is_no_error(kernel: tuple[KernelManager, BlockingKernelClient]) -> None:
    code = "from labs.base.progress import progress\nwith progress() as tell: tell('starting')"
    heard: list[dict[str, Any]] = []
    kernel[1].execute_interactive(code, timeout=ANSWER_TIMEOUT_S, output_hook=heard.append)
    streams = [message["content"] for message in heard if message["msg_type"] == "stream"]
    assert [(said["name"], said["text"]) for said in streams] == [("stdout", "… starting\n")]


def test_a_new_connections_first_request_is_answered(
    kernel: tuple[KernelManager, BlockingKernelClient],
) -> None:
    manager, client = kernel
    for n in range(CONNECTIONS):
        _nudge(manager, client)
        shell = manager.connect_shell()
        client.session.send(shell, "kernel_info_request")
        answered = shell.poll(ANSWER_TIMEOUT_S * 1000)
        shell.close(linger=0)
        assert answered, f"request {n + 1} of {CONNECTIONS} was never answered"


def test_a_click_is_heard_while_a_cell_runs(
    kernel: tuple[KernelManager, BlockingKernelClient],
) -> None:
    manager, client = kernel
    slider = _make_slider(client)
    control = manager.connect_control()
    client.session.send(control, "create_subshell_request")
    assert control.poll(ANSWER_TIMEOUT_S * 1000)
    _, reply = client.session.recv(control)
    control.close(linger=0)
    running = begin_cell(client, A_CELL)
    _wait_for_state(client, running, "busy")
    clicked = _move(client, slider, subshell=reply["content"]["subshell_id"])
    assert _wait_for_state(client, clicked, "idle", running) == clicked, "heard after the cell"


def test_a_slider_moved_during_an_async_cell_is_told_when_it_was_heard(
    kernel: tuple[KernelManager, BlockingKernelClient],
) -> None:
    _, client = kernel
    slider = _make_slider(client)
    running = begin_cell(client, AN_ASYNC_CELL)
    _wait_for_state(client, running, "busy")
    _wait_for_state(client, _move(client, slider), "idle")


def _make_slider(client: BlockingKernelClient) -> str:
    """The id of the new slider's comm."""
    reply, said = run_cell(client, A_SLIDER)
    assert reply["status"] == "ok", said
    return said.strip()


def _move(client: BlockingKernelClient, slider: str, subshell: str | None = None) -> str:
    """Do what JupyterLab does for a moved slider; gives the message's id."""
    content = {"comm_id": slider, "data": {"method": "update", "state": {"value": 7}}}
    message = client.session.msg("comm_msg", content)
    if subshell is not None:
        message["header"]["subshell_id"] = subshell
    client.shell_channel.send(message)
    return str(message["header"]["msg_id"])


def _nudge(manager: KernelManager, client: BlockingKernelClient) -> None:
    """What jupyter_server does first: ask on two channels, hang up as soon as one answers."""
    shell, control = manager.connect_shell(), manager.connect_control()
    client.session.send(shell, "kernel_info_request")
    client.session.send(control, "kernel_info_request")
    control.poll(ANSWER_TIMEOUT_S * 1000)
    shell.close(linger=0)
    control.close(linger=0)


def _wait_for_state(client: BlockingKernelClient, request: str, state: str, *or_: str) -> str:
    """Which of the requests the kernel first says to be busy with, or to have done."""
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            said: dict[str, Any] = client.get_iopub_msg(timeout=ANSWER_TIMEOUT_S)
        except Empty:
            break
        asked = str(said["parent_header"].get("msg_id"))
        if said["msg_type"] != "status" or asked not in (request, *or_):
            continue
        if said["content"]["execution_state"] == state:
            return asked
    raise AssertionError(f"the kernel never said {state!r} for {request}")
