"""The `labs` command run as a learner runs it, and a look at the processes that it leaves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from labs.kafka.local import runner_of
from labs.supervise.home import PROJECT, Home
from labs.supervise.ledger import Ledger
from labs.supervise.ports import choose_ports

#: Nothing listens on port 1 of loopback: whoever wants to download something fails at once.
OFFLINE = {name: "http://127.0.0.1:1" for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy")}

#: The first commit that learners have.
FIRST_COMMIT = "0308c77"

PATIENCE_S = 300.0


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    def sentence(self) -> str:
        """The one line in which a failure is told; progress (`… `) does not count."""
        lines = [line for line in self.err.splitlines() if line and not line.startswith("… ")]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("labs: "), self.err
        assert lines[0].endswith("."), self.err
        assert "Traceback" not in self.err
        return lines[0]


class Labs:
    """The command line on one home."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = Home(home.resolve())
        self.environment = environment
        self.wrapper: tuple[str, ...] = ()  # a command that runs the command
        self.command: tuple[str, ...] = (sys.executable, "-m", "labs")

    def begin(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        home = {"LABS_HOME": str(self.home.path)}
        with _hearing():
            return subprocess.Popen(
                [*self.wrapper, *self.command, *arguments],
                cwd=PROJECT,
                env={**os.environ, **home, **self.environment, **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

    def run(self, *arguments: str, **environment: str) -> Answer:
        return finish(self.begin(*arguments, **environment))

    def up(self, **environment: str) -> dict[str, Any]:
        """Start the cluster, and prove that it is whole: four JVMs and one watchdog, no more."""
        answer = self.run("up", "--json", "--for", "0.2", **environment)  # whoever kills the tests
        assert answer.code == 0, answer.err
        status: dict[str, Any] = json.loads(answer.out)
        assert {node["state"] for node in status["nodes"]} == {"running"}
        assert sorted(self.jvms()) == sorted(node["pid"] for node in status["nodes"])
        assert len(self.jvms()) == 4
        assert len(self.watchdogs()) == 1
        return status

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self.run("status", "--json").out)
        return status

    def state(self) -> Ledger:
        state = Ledger.load(self.home.state_file)
        assert state is not None
        return state

    def jvms(self) -> list[int]:
        """The pids of all processes whose command line names this home as a JVM's does."""
        return runner_of(self.home).processes()

    def watchdogs(self) -> list[int]:
        return [
            process.pid
            for process in psutil.process_iter()
            if {"labs.supervise.watchdog", str(self.home.path)} <= set(_command_line(process))
        ]

    def leftovers(self) -> list[int]:
        return self.jvms() + self.watchdogs()


@contextmanager
def _hearing() -> Iterator[None]:
    """What is begun in the block hears Ctrl-C and a closed terminal.

    A test under nohup, or in the background of a script, ignores them, and so would its children.
    """
    ignored = [n for n in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


def finish(process: subprocess.Popen[str]) -> Answer:
    out, err = process.communicate(timeout=PATIENCE_S)
    return Answer(process.returncode, out, err)


def wait_until(true: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Free ports for a test's own servers, far from where clusters look first."""
    return choose_ports(count, skip=100)


def listen(port: int) -> socket.socket:
    """Take a port of loopback, as any other program might."""
    taker = socket.socket()
    taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taker.bind(("127.0.0.1", port))
    taker.listen()
    return taker


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it ended, or is a zombie
        return []
