"""Whether this machine has too much to do for a program to be judged by the time that it takes.

How much it has to do is not asked of the system: a container, a virtual machine or a laptop that
saves power would tell something else. A start is timed, such as the learner's program needs.
"""

from __future__ import annotations

import subprocess

from labs.base import python

#: From here on nothing is said against a program that was waited for in vain, s. On two idle cores
#: it takes 0.3 s; beside forty busy processes it took 20 s, nearly all the time that a try has.
TOO_LONG_S = 4.0


def is_too_busy() -> bool:
    """Whether a Python process that imports a Kafka client takes too long to start and end now."""
    command = python.module("kafka.version")  # which imports all of the package first
    try:
        subprocess.run(command, stderr=subprocess.DEVNULL, timeout=TOO_LONG_S, check=False)
    except subprocess.TimeoutExpired:
        return True
    return False
