"""JupyterLab in a process that ends as soon as JupyterLab has ended.

Each request for a file is answered by a thread that Python waits for at its own end. One that is
under way when JupyterLab stops never hears of it, and the process stays for good: an open page
asks for files again and again (jupyterlab/jupyterlab#10442, agronholm/anyio#321). By the time
`main` returns, JupyterLab has ended its kernels and removed its files, so nothing is lost.
"""

from __future__ import annotations

import logging
import os
import sys

from jupyter_core import paths
from jupyterlab.labapp import main


def serve() -> int:
    """Run JupyterLab with this process's arguments until it ends; returns its exit code."""
    paths.SYSTEM_CONFIG_PATH.clear()  # this machine's Jupyter may have no token, or a password
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    code = serve()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # without waiting for the threads
