"""JupyterLab on the learner's notebooks, beside a running cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from labs.cluster.home import PROJECT, Home
from labs.cluster.ports import HOST
from labs.errors import LabsError

FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"


def require_notebooks() -> None:
    """There must be something to open.

    Raises:
        LabsError: the notebooks are not there (the package was installed without them).
    """
    if not (PROJECT / FIRST_NOTEBOOK).exists():
        raise LabsError(
            f"{FIRST_NOTEBOOK} is not in {PROJECT}", hint="run `labs study` from a git clone"
        )


def serve(port: int, browser: bool = True, ip: str = HOST) -> int:
    """Run JupyterLab until the learner ends it.

    It listens on loopback unless told else, and keeps its token. Returns its exit code.
    """
    command = jupyter_command(port, browser, ip)
    # Last in the path, so that `labs` is found in a terminal of JupyterLab, and little else.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    environment = {**os.environ, "LABS_HOME": str(Home.current().path), "PATH": path}
    return _wait(subprocess.Popen(command, cwd=PROJECT, env=environment))


def jupyter_command(port: int, browser: bool, ip: str = HOST) -> list[str]:
    """The command line that opens the first notebook."""
    command = [
        sys.executable,
        "-m",
        "labs.study.server",
        f"--ServerApp.ip={ip}",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={PROJECT}",
        "--ServerApp.answer_yes=True",  # Ctrl-C ends it: it would ask, and go on after 5 s
        f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}",
    ]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def _wait(jupyter: subprocess.Popen[bytes]) -> int:
    """Wait for JupyterLab; it hears Ctrl-C itself, so we just wait on."""
    signal.signal(signal.SIGTERM, lambda *_: jupyter.terminate())
    while True:
        try:
            return jupyter.wait()
        except KeyboardInterrupt:
            continue
