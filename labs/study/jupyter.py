"""JupyterLab on the learner's notebooks, beside a running cluster."""

from __future__ import annotations

import os
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
    # Ctrl-C is for us alone: JupyterLab would ask, or leave its kernels behind, and with them the
    # cluster that they hold.
    jupyter = subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    return _wait(jupyter)


def jupyter_command(port: int, browser: bool, ip: str = HOST) -> list[str]:
    """The command line that opens the first notebook."""
    command = [
        sys.executable,
        "-m",
        "labs.study.server",
        f"--ServerApp.ip={ip}",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={PROJECT}",
        f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}",
    ]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def _wait(jupyter: subprocess.Popen[bytes]) -> int:
    """Wait for JupyterLab; told to end (Ctrl-C, SIGTERM, a closed terminal), have it end first."""
    while True:
        try:
            return jupyter.wait()
        except KeyboardInterrupt:
            jupyter.terminate()  # it shuts its kernels down
