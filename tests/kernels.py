"""Talk to a kernel: one cell after the other, and none is dropped for what befell the one before.

Unless it is told otherwise, a kernel that answers with an error (an interrupt is one) drops the
requests that wait, for a moment that nobody announces: their answer is `aborted` (Jupyter's
messaging protocol, `stop_on_error`). So every cell of the tests is sent from here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from labs.base.variables import UNATTENDED
from tests.helpers import PATIENCE_S

#: The messages that a notebook keeps below a cell.
OUTPUTS = ("stream", "display_data", "execute_result", "error")
#: Between two cells of JupyterLab's *Run All*.
APART = timedelta(milliseconds=5)


@contextmanager
def learners_kernel(folder: Path, **variables: str) -> Iterator[BlockingKernelClient]:
    """A kernel as a notebook in that folder gets it, where a learner is there."""
    given = {name: value for name, value in os.environ.items() if name != UNATTENDED}
    given |= variables
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder), env=given)
    try:
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run_cell(client: BlockingKernelClient, code: str) -> tuple[dict[str, Any], str]:
    """Run it to its end: the content of the kernel's answer, and what the cell printed."""
    said: list[str] = []
    reply = client.execute_interactive(
        code,
        stop_on_error=False,
        timeout=PATIENCE_S,
        output_hook=lambda message: said.append(message["content"].get("text", "")),
    )
    return reply["content"], "".join(said)


def run_together(client: BlockingKernelClient, cells: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Run them as JupyterLab's *Run All* does, all sent in one go: what each of them shows.

    After an error the kernel drops those that wait.
    """
    requests = [
        client.session.msg("execute_request", {"code": code, "silent": False, "allow_stdin": False})
        for code in cells
    ]
    for number, request in enumerate(requests):
        # A browser needs some milliseconds for each; this process may have lost its turn meanwhile.
        request["header"]["date"] = requests[0]["header"]["date"] + number * APART
        client.shell_channel.send(request)
    shown: dict[str, list[dict[str, Any]]] = {one["header"]["msg_id"]: [] for one in requests}
    waiting = set(shown)
    while waiting:
        said = _next(client.get_iopub_msg, f"word of {len(waiting)} cells")
        cell = said["parent_header"].get("msg_id")
        if cell in waiting and said["content"].get("execution_state") == "idle":
            waiting.remove(cell)
        elif cell in waiting and said["msg_type"] in OUTPUTS:
            shown[cell].append({"output_type": said["msg_type"], **said["content"]})
    return list(shown.values())


def shown_by(
    cells: list[str], shown: list[list[dict[str, Any]]]
) -> list[tuple[str, dict[str, Any]]]:
    """Each output's data with its cell; there is no error, and nothing in red."""
    outputs = [(cell, one) for cell, several in zip(cells, shown, strict=True) for one in several]
    bad = [
        one for _, one in outputs if one["output_type"] == "error" or one.get("name") == "stderr"
    ]
    assert bad == []
    return [(cell, one.get("data", {})) for cell, one in outputs]


def begin_cell(client: BlockingKernelClient, code: str) -> str:
    """Send it and do not wait; gives the request's id."""
    return str(client.execute(code, stop_on_error=False))


def wait_for_output(client: BlockingKernelClient, request: str) -> None:
    """Until that cell has printed something: it runs."""
    while True:
        said = _next(client.get_iopub_msg, f"output of {request}")
        if said["parent_header"].get("msg_id") == request and said["msg_type"] == "stream":
            return


def answer_to(client: BlockingKernelClient, request: str) -> dict[str, Any]:
    """The content of the answer to that cell, once it has come."""
    while True:
        said = _next(client.get_shell_msg, f"an answer to {request}")
        if said["parent_header"].get("msg_id") == request:
            content: dict[str, Any] = said["content"]
            return content


def _next(get: Any, what: str) -> dict[str, Any]:
    try:
        message: dict[str, Any] = get(timeout=PATIENCE_S)
    except Empty:
        raise AssertionError(f"no {what} within {PATIENCE_S} s") from None
    return message
