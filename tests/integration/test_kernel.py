"""What the notebooks need of ipykernel, and not every release of it gives.

Releases 7.0 to 7.3 lose a request that arrives while a reply is being sent: cells stay at [*], and
a click does nothing, while the kernel is idle (ipython/ipykernel#1554). Release 7.4 leaves a
slider that is moved while an async cell runs without the word "idle" that it waits for before it
speaks again, so it sticks for good.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from queue import Empty
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

CONNECTIONS = 100
ANSWER_TIMEOUT_S = 20
A_SLIDER = "import ipywidgets; slider = ipywidgets.IntSlider(); print(slider.comm.comm_id)"
AN_ASYNC_CELL = "import asyncio; await asyncio.sleep(1)"


@pytest.fixture(scope="module")
def kernel() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel of the notebooks' kind and a client of it."""
    manager, client = start_new_kernel(kernel_name="python3")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


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


def test_a_slider_moved_during_an_async_cell_is_told_when_it_was_heard(
    kernel: tuple[KernelManager, BlockingKernelClient],
) -> None:
    _, client = kernel
    told: list[str] = []
    client.execute_interactive(
        A_SLIDER,
        timeout=ANSWER_TIMEOUT_S,
        output_hook=lambda message: told.append(message["content"].get("text", "")),
    )
    running = client.execute(AN_ASYNC_CELL)
    _wait_for_state(client, running, "busy")
    moved = client.session.msg(
        "comm_msg",
        {"comm_id": "".join(told).strip(), "data": {"method": "update", "state": {"value": 7}}},
    )
    client.shell_channel.send(moved)
    _wait_for_state(client, moved["header"]["msg_id"], "idle")


def _nudge(manager: KernelManager, client: BlockingKernelClient) -> None:
    """What jupyter_server does first: ask on two channels, hang up as soon as one answers."""
    shell, control = manager.connect_shell(), manager.connect_control()
    client.session.send(shell, "kernel_info_request")
    client.session.send(control, "kernel_info_request")
    control.poll(ANSWER_TIMEOUT_S * 1000)
    shell.close(linger=0)
    control.close(linger=0)


def _wait_for_state(client: BlockingKernelClient, request: str, state: str) -> None:
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            said: dict[str, Any] = client.get_iopub_msg(timeout=ANSWER_TIMEOUT_S)
        except Empty:
            break
        if said["parent_header"].get("msg_id") != request or said["msg_type"] != "status":
            continue
        if said["content"]["execution_state"] == state:
            return
    raise AssertionError(f"the kernel never said {state!r} for {request}")
