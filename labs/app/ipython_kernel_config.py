"""Settings of the notebooks' kernels (installed as `etc/ipython`): no request is lost.

A panel needs a kernel that hears its Stop button while a cell waits for the run. In JupyterLab
ipykernel 7 does, and 6 does not. But 7.0 to 7.3 send replies past the stream that reads requests
from the same socket, and a request that arrives just then is not seen before the next connection:
cells stay at [*], a click does nothing, and the kernel is idle (ipython/ipykernel#1554, mended in
7.4 by #1529). And 7.4 leaves a slider that is moved while an async cell runs without an answer,
so that it sticks for good.

So it is 7.3, with 7.4's remedy. A release that has neither fault makes this file needless;
`tests/integration/test_kernel.py` tells.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from ipykernel.ipkernel import IPythonKernel


class Kernel(IPythonKernel):
    """Sends its replies through the stream that reads the requests, and is the same everywhere.

    JupyterLab copies `language_info` into each notebook that it opens, and calls the notebook
    changed where that is new. With Python's exact version in it, it would be new on most machines;
    so it is what the notebooks were saved with (`tests/course.py`).
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        if thread := getattr(self, "shell_channel_thread", None):  # only since 7.0
            thread._shell_socket = self.shell_stream  # noqa: SLF001 - 7.4 does so
        self.language_info = {**self.language_info, "version": str(sys.version_info.major)}


# Meant for other programs: IPython puts the packages of an activated environment before ours, runs
# the script of a Python prompt, and gives a window system to matplotlib, which may not have it.
for name in ("VIRTUAL_ENV", "PYTHONSTARTUP", "MPLBACKEND", "MATPLOTLIBRC"):
    os.environ.pop(name, None)

# The working folder comes last, as PYTHONPATH's do: a learner's own `kafka.py` beside the notebook
# would be everybody's `kafka`. (IPython puts it before our packages, unless it is there already.)
if "" not in sys.path:
    sys.path.append("")

c.IPKernelApp.kernel_class = Kernel  # type: ignore[name-defined]  # noqa: F821 (IPython gives it)
