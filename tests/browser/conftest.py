"""JupyterLab on the tests' cluster, and a real Chromium before it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from labs.app.jupyter import jupyter_command
from labs.kafka.local import LocalCluster
from labs.supervise.home import PROJECT
from labs.supervise.ports import is_open
from tests.helpers import free_ports

ARTEFACTS = PROJECT / "tests" / "artefacts"
FLAGS = [
    "--no-sandbox",  # CI runs as root, where Chromium has no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: Without it JupyterLab would ask which kernel to start.
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

#: Every cell stands in the page, whether it is in sight or not.
OVERRIDES = '{"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}'

KERNEL_IS_IDLE = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    const kernel = panel?.sessionContext?.session?.kernel;
    return kernel && kernel.name && kernel.status === 'idle'
        && kernel.connectionStatus === 'connected';
}"""
#: Whether all cells passed.
RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many of a chapter's panels are run."""
    parser.addoption(
        "--every-panel", action="store_true", help="run every panel, not one a chapter"
    )


def run_all(page: Page, address: str) -> None:
    """Open a notebook and run all of its cells; none may fail."""
    page.goto(address)
    page.wait_for_function(KERNEL_IS_IDLE)
    assert page.evaluate(RUN_ALL), "a cell raised an error"


def shoot(page: Page, name: str) -> Path:
    """Keep a screenshot among the artefacts."""
    ARTEFACTS.mkdir(exist_ok=True)
    path = ARTEFACTS / f"{name}.png"
    page.screenshot(path=path)
    return path


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    token: str

    def address(self, notebook: str) -> str:
        """Where a notebook opens, token included."""
        return f"{self.url}/lab/tree/{notebook}?token={self.token}"


@contextmanager
def notebook_of(page: Page, lab: Lab, name: str, sources: Sequence[str]) -> Iterator[None]:
    """A notebook with these cells, all of them run."""
    ARTEFACTS.mkdir(exist_ok=True)
    copy = ARTEFACTS / f"{name}_{os.getpid()}.ipynb"  # tests may run twice at the same time
    cells = [new_code_cell(source) for source in sources]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), copy)
    run_all(page, lab.address(str(copy.relative_to(PROJECT))))
    yield
    copy.unlink(missing_ok=True)


#: What a Chromium is called: on Linux by its command, on macOS by its place.
CHROMIUMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def _chromium(playwright: Playwright) -> str:
    """The machine's own, or the one that `playwright install chromium` has brought."""
    for name in (*CHROMIUMS, playwright.chromium.executable_path):
        if found := shutil.which(name):
            return found
    message = "no Chromium is installed; `bash .ci/browser` brings one"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine, without a window."""
    with sync_playwright() as playwright:
        program = _chromium(playwright)
        chromium = playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh window of a laptop's size; its last look is kept as an artefact."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    yield page
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "last.png")
    page.close()


@pytest.fixture
def lab(browser: Browser, cluster: LocalCluster, tmp_path: Path) -> Iterator[Lab]:
    """JupyterLab as `labs study` starts it, with settings that no test before has touched."""
    port, token = free_ports(1)[0], "for-this-test"
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
    }
    command = [
        *jupyter_command(port, browser=False),
        f"--IdentityProvider.token={token}",
        "--LabApp.expose_app_in_browser=True",
        "--ServerApp.port_retries=0",  # another port than ours would be another test's
    ]
    (tmp_path / "config" / "labconfig").mkdir(parents=True)
    (tmp_path / "config/labconfig/default_setting_overrides.json").write_text(OVERRIDES)
    log = (tmp_path / "jupyter.log").open("wb")
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=log) as server:
        try:
            _wait_until_open(port, server)
            yield Lab(f"http://127.0.0.1:{port}", token)
        finally:
            server.terminate()


def _wait_until_open(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not is_open(port):
        assert server.poll() is None, "JupyterLab ended while it was starting"
        assert time.monotonic() < deadline, "JupyterLab did not start within 60 s"
        time.sleep(0.1)
