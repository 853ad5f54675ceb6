"""JupyterLab on the learner's notebooks, beside a running cluster."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from labs.base import python
from labs.base.errors import LabsError
from labs.supervise.home import PROJECT, Home, cache_dir, work_dir
from labs.supervise.ports import HOST

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
    # Ctrl-C is for us alone: JupyterLab would ask, or leave its kernels behind, and with them the
    # cluster that they hold.
    jupyter = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=environment(Home.current()),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    return _wait(jupyter)


def jupyter_command(port: int, browser: bool, ip: str = HOST) -> list[str]:
    """The command line that opens the first notebook."""
    command = python.module(
        "labs.app.jupyter_server",
        f"--ServerApp.ip={ip}",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={PROJECT}",
        f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}",
    )
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def environment(home: Home) -> dict[str, str]:
    """What JupyterLab, its kernels and its terminals are told: nothing that was meant for others.

    A learner's own Jupyter may have a password, no token, or listen to the world; their IPython a
    start-up script that fails here. So it has its settings beside the cluster, where we may write.
    What remains is said for us, or concerns the learner's own code: a token, PYTHONPATH.
    """
    kept = python.without_others("PYTHONPATH", "JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE")
    own = home.path / "jupyter"
    runtime = Path(jupyter_runtime_dir())
    if not _may_write(runtime):  # kept where it can be: `jupyter server list` looks there
        runtime = own / "runtime"
    if not _may_write(Path(os.path.expanduser("~"))):  # noqa: PTH111 - a user without a home
        kept["HOME"] = str(own)
        kept = {k: v for k, v in kept.items() if not k.startswith("XDG_")}
    own.mkdir(parents=True, exist_ok=True)
    # Last in the path, so that `labs` is found in a terminal of JupyterLab, and little else.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    return {
        **kept,
        "LABS_HOME": str(home.path),
        "LABS_WORK": str(work_dir()),
        "LABS_CACHE": str(cache_dir()),
        "PATH": path,
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "IPYTHONDIR": str(own / "ipython"),
    }


def _may_write(folder: Path) -> bool:
    """Whether files can be made there, once it is made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder.is_absolute()
    except OSError:
        return False


def _wait(jupyter: subprocess.Popen[bytes]) -> int:
    """Wait for JupyterLab; told to end (Ctrl-C, SIGTERM, a closed terminal), have it end first."""
    while True:
        try:
            return jupyter.wait()
        except KeyboardInterrupt:
            jupyter.terminate()  # it shuts its kernels down
