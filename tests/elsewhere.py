"""`python -m tests.elsewhere COMMAND…`: run a command of `labs` without what only Linux has.

What macOS lacks is taken away: functions, constants, and for our own code the files of /proc and
/sys. `sys.platform` says `darwin`. Libraries are loaded before, for theirs are Linux's. It is no
Mac: what the system itself does otherwise is not shown.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

import psutil

from labs.supervise.home import PROJECT

#: In CPython's documentation "Availability: Linux", or absent from the documentation of macOS.
LINUX_ONLY: dict[Any, tuple[str, ...]] = {
    os: (
        "copy_file_range",
        "eventfd",
        "getrandom",
        "memfd_create",
        "pidfd_open",
        "posix_fadvise",
        "posix_fallocate",
        "sched_getaffinity",
        "sched_setaffinity",
        "sched_setscheduler",
        "setns",
        "setresuid",
        "splice",
        "unshare",
        "O_DIRECT",
        "ST_NOEXEC",
    ),
    select: ("epoll",),
    signal: ("pidfd_send_signal", "sigtimedwait", "sigwaitinfo", "SIGRTMIN", "SIGPWR"),
    socket: ("SO_BINDTODEVICE", "SO_PEERCRED", "TCP_QUICKACK", "TCP_USER_TIMEOUT", "AF_NETLINK"),
    psutil.Process: ("cpu_affinity", "io_counters", "ionice", "rlimit"),
    psutil: ("sensors_temperatures", "RLIMIT_NOFILE"),
}
OURS = str(PROJECT / "labs")


def pretend() -> None:
    """From now on this process finds nothing of what only Linux has."""
    import ipykernel.kernelapp  # noqa: F401
    import IPython  # noqa: F401
    import jupyterlab.labapp  # noqa: F401
    import kafka  # noqa: F401
    import matplotlib.font_manager  # noqa: F401
    import requests  # noqa: F401

    for owner, names in LINUX_ONLY.items():
        for name in names:
            if hasattr(owner, name):
                delattr(owner, name)
    for name, value in (("LINUX", False), ("MACOS", True)):
        setattr(psutil, name, value)
    sys.platform = "darwin"
    sys.addaudithook(_no_proc)


def _no_proc(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ("open", "os.listdir", "os.scandir") or not arguments:
        return
    if str(arguments[0]).startswith(("/proc/", "/sys/")) and _asked_by_us():
        raise FileNotFoundError(2, "No such file or directory", arguments[0])


def _asked_by_us() -> bool:
    """Whether no library stands between our code and the file."""
    for frame in reversed(traceback.extract_stack()[:-2]):
        if "site-packages" in frame.filename:
            return False
        if frame.filename.startswith(OURS):
            return True
    return False


def main(arguments: list[str]) -> None:
    """Run `labs ARGUMENTS`."""
    pretend()
    from labs.app.cli import main as labs

    sys.argv = ["labs", *arguments]
    labs()


def modules() -> list[str]:
    """Every module of `labs` that can be imported without doing anything."""
    files = Path(OURS).rglob("*.py")
    names = [".".join(file.relative_to(PROJECT).with_suffix("").parts) for file in files]
    # A command; a file of IPython's; programs that run when they are loaded.
    alone = ("__main__", "ipython_kernel_config", ".starter", ".solution")
    return sorted(n.removesuffix(".__init__") for n in names if not n.endswith(alone))


if __name__ == "__main__":
    main(sys.argv[1:])
