"""The processes of servers that are written down: what each does, and signals to it.

A server may be several processes: its first, which was started, and all that descend from that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Sequence

import psutil

from labs.base.errors import LabsError
from labs.supervise.children import living_child
from labs.supervise.identity import living, tree, wait_over
from labs.supervise.ledger import Record
from labs.supervise.program import Program
from labs.supervise.runner import State

#: How long a signal may take to show its effect, s: SIGSTOP, SIGKILL.
FREEZE_TIMEOUT_S = 5.0
KILL_TIMEOUT_S = 5.0


class ServerProcesses:
    """The processes of a program's servers.

    Args:
        program: what they are.
    """

    def __init__(self, program: Program) -> None:
        self._program = program

    def first(self, server: Record) -> psutil.Process | None:
        """A server's first process, or None; one whose pid another program got is not ours."""
        words = self._program.words(server.id)
        child = living_child(server.pid, words)  # a dead one is reaped in passing
        if child is not None:
            with contextlib.suppress(psutil.Error):
                return psutil.Process(child.pid)
        return living(server.pid, server.create_time, words)

    def state(self, server: Record) -> State:
        """What a server is doing right now."""
        process = self.first(server)
        if process is None:
            # It is gone. Only a clean stop was wished for; anything else is a death.
            return State.STOPPED if server.wanted is State.STOPPED else State.KILLED
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_STOPPED:
                return State.PAUSED
        return State.STOPPING if server.wanted is State.STOPPED else State.RUNNING

    def send(self, server: Record, number: signal.Signals) -> list[psutil.Process]:
        """Signal a server: all its processes, or (who is told to stop) the first alone."""
        first = self.first(server)
        if first is None:
            return []
        if number == signal.SIGKILL:
            _hold_still(first)
        processes = [first] if number == self._program.stop_signal else tree(first)
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return processes

    def freeze(self, server: Record) -> None:
        """SIGSTOP, and wait for its effect.

        Raises:
            LabsError: it goes on running.
        """
        processes = self.send(server, signal.SIGSTOP)
        deadline = time.monotonic() + FREEZE_TIMEOUT_S
        while not all(map(_is_frozen, processes)):
            if time.monotonic() > deadline:
                raise LabsError(
                    f"{self._program.label(server.id)} did not stop running within"
                    f" {FREEZE_TIMEOUT_S:g} s",
                    hint=self._program.freeze_hint,
                )
            time.sleep(0.002)

    def kill(self, servers: Sequence[Record]) -> list[int]:
        """SIGKILL, and wait until they are gone; returns those that live all the same."""
        killed = [each for server in servers for each in self.send(server, signal.SIGKILL)]
        left = self.wait_gone(servers, KILL_TIMEOUT_S)
        wait_over(killed, KILL_TIMEOUT_S)
        return left

    def wait_gone(self, servers: Iterable[Record], timeout_s: float = KILL_TIMEOUT_S) -> list[int]:
        """Also for those about to end: Linux takes the command line first, then the ports."""
        deadline = time.monotonic() + timeout_s
        left = list(servers)
        while left and time.monotonic() < deadline:
            left = [s for s in left if self.first(s) or living(s.pid, s.create_time)]
            if left:
                time.sleep(0.02)
        return [server.id for server in left]


def _is_frozen(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):  # it is gone: then it does nothing either
        return bool(process.status() == psutil.STATUS_STOPPED)
    return True


def _hold_still(first: psutil.Process) -> None:
    """Stop a server's group at once: a child that is born while we look for all would be missed."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(first.pid) == first.pid:
            os.killpg(first.pid, signal.SIGSTOP)
