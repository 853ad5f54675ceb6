"""How we start Python: on our own packages, and by our own settings.

PYTHONPATH may lead to another psutil, PYTHONHOME to another Python, PYTHONOPTIMIZE takes every
`assert` away: all are meant for other programs. So what runs only code of ours, the `labs` command
first, is started with `-I`, which heeds none of them (Python documentation, "Command line"). In a
kernel a learner's own code runs, and may need a folder of PYTHONPATH: there, as in every other
Python of this environment, such folders come last (`own-packages-first.pth`).
"""

from __future__ import annotations

import os
import sys

#: How the names of variables begin that are meant for other programs' Python, Jupyter, matplotlib.
OTHERS = ("PYTHON", "JUPYTER", "IPYTHON", "IPYKERNEL", "MPL", "MATPLOTLIB", "VIRTUAL_ENV", "CONDA_")


#: Files and their names are UTF-8 for us, whatever the terminal's locale says.
OWN = (sys.executable, "-I", "-X", "utf8")


def code(text: str, *arguments: str) -> list[str]:
    """The command line that runs some code of ours."""
    return [*OWN, "-c", text, *arguments]


def module(name: str, *arguments: str) -> list[str]:
    """The command line that runs a module of ours."""
    return [*OWN, "-m", name, *arguments]


def without_others(*kept: str) -> dict[str, str]:
    """This process's environment without what is meant for others; `kept` names exceptions."""
    return {k: v for k, v in os.environ.items() if k in kept or not k.startswith(OTHERS)}
