"""JupyterLab as `labs study` runs it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from labs.app.jupyter import jupyter_command
from labs.supervise.home import PROJECT
from labs.supervise.ports import HOST, is_open
from tests.helpers import PATIENCE_S, free_ports, wait_until

PAGES = 8  # that ask at the same time


class Page(threading.Thread):
    """An open page that asks for the notebooks' folder until nobody answers."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.answers = 0

    def run(self) -> None:
        connection = HTTPConnection(HOST, self.port, timeout=PATIENCE_S)
        try:
            while True:
                connection.request("GET", "/api/contents/notebooks?content=1&token=test")
                assert connection.getresponse().read()
                self.answers += 1
        except (OSError, HTTPException):
            connection.close()


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def jupyter(port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [*jupyter_command(port, browser=False), "--IdentityProvider.token=test"]
    with (
        (tmp_path / "jupyter.log").open("wb") as log,
        subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log) as server,
    ):
        wait_until(lambda: is_open(port), "JupyterLab answers")
        yield server
        server.kill()


def test_it_ends_while_pages_ask(port: int, jupyter: subprocess.Popen[bytes]) -> None:
    pages = [Page(port) for _ in range(PAGES)]
    for page in pages:
        page.start()
    wait_until(lambda: all(page.answers for page in pages), "each page has been answered")
    jupyter.terminate()
    assert jupyter.wait(PATIENCE_S) == 0
    for page in pages:
        page.join(PATIENCE_S)


def test_its_exit_code_is_ours(tmp_path: Path) -> None:
    command = [*jupyter_command(free_ports(1)[0], browser=False), "--ServerApp.root_dir=nowhere"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert b"nowhere" in done.stderr
