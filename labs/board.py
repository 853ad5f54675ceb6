"""The live picture with buttons: see the cluster, break it, watch it mend itself.

>>> from labs.board import Board
>>> Board(cluster, "flights")            # in a notebook: the picture, a row of buttons, a log
>>> Board(cluster).run("kill", 1)        # what the Kill button of broker 1 does; blocks

One thread looks at the cluster twice a second, and every 80 ms while somebody waits for an
election. It alone writes the picture and the log, straight from that thread: a task on the
kernel's main loop would stand still as long as a cell runs, which is just when one wants to look.
These widgets only ever speak to the browser, never back, so there is nothing to race with.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import Any

import ipywidgets as w

from labs.charts.style import FONT, INK, MUTED
from labs.charts.topology import headline, topology_svg
from labs.cluster.protocol import Cluster, Fault, Node, Role, State
from labs.errors import BadInput, LabsError
from labs.snapshot import ClusterSnapshot, Observer

SLOW_S = 0.5  # between two looks
FAST_S = 0.08  # between two looks while an election is awaited: the resolution of the ms shown
AWAIT_S = 30.0  # after so long without the expected change, look slowly again
SLEEP_AFTER_S = 600.0  # nobody pressed and nothing changed: stop looking
EVENTS = 8  # lines of the log


@dataclass(frozen=True)
class _Action:
    """One button: the cluster's method, the words for it, and when it makes sense."""

    method: str
    doing: str
    done: str
    icon: str
    tip: str
    allowed: tuple[State, ...]


ACTIONS = {
    "kill": _Action(
        "kill", "killing", "was killed", "bolt",
        "SIGKILL: gone without a word", (State.RUNNING, State.PAUSED),
    ),
    "pause": _Action(
        "pause", "pausing", "was paused", "pause",
        "SIGSTOP: keeps its connections, answers nobody", (State.RUNNING,),
    ),
    "resume": _Action(
        "resume", "resuming", "was resumed", "play",
        "SIGCONT: goes on where it stood", (State.PAUSED,),
    ),
    "stop": _Action(
        "stop_broker", "stopping", "was stopped", "power-off",
        "SIGTERM: hands its leaderships over, then ends", (State.RUNNING,),
    ),
    "start": _Action(
        "start_broker", "starting", "was started", "play-circle",
        "Start it again, on its old data", (State.STOPPED, State.KILLED),
    ),
}  # fmt: skip
_SLOTS = (("kill",), ("pause", "resume"), ("stop", "start"))  # one of each pair is to be seen
_MENDING = {State.PAUSED: "resume", State.STOPPED: "start", State.KILLED: "start"}
_SILENCING = ("kill", "pause", "stop")


# --- what happened --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One line of the log. `time` is in seconds since the epoch."""

    time: float
    text: str


class Chronicle:
    """Turns faults and snapshots into events, and measures from the one to the other.

    A measured time is that of the first snapshot which shows the change, less that of the fault:
    at most one sampling interval too long.
    """

    def __init__(self) -> None:
        self.events: deque[Event] = deque(maxlen=EVENTS)
        self._told: int | None = None  # how many of the cluster's faults we have seen
        self._last: dict[int, Fault] = {}  # the last fault of each node
        self._own: list[Fault] = []  # announced by us, not yet told by the cluster
        self._leaders: dict[str, int] = {}  # the last broker that led, by partition
        self._orphans: set[str] = set()
        self._isr: dict[str, frozenset[int]] = {}

    def announce(self, action: str, node: int) -> Fault:
        """Note a fault at the moment it begins: a stop is recorded only when it has ended."""
        fault = Fault(time.time(), action, node)
        self._own.append(fault)
        self._happened(fault)
        return fault

    def withdraw(self, fault: Fault) -> None:
        """It did not happen after all."""
        if fault in self._own:
            self._own.remove(fault)
        self._last = {n: f for n, f in self._last.items() if f is not fault}
        self._forget(fault)

    def observe(self, faults: Sequence[Fault], snapshot: ClusterSnapshot) -> None:
        """Take in what the cluster recorded and what it looks like."""
        if self._told is None or self._told > len(faults):
            self._told = len(faults)  # what was before us is not our story
        for fault in faults[self._told :]:
            self._recorded(fault)
        self._told = len(faults)
        if snapshot.reachable:
            self._leader_moves(snapshot)
            self._isr_changes(snapshot)

    def awaiting(self, snapshot: ClusterSnapshot) -> bool:
        """Whether a recent fault has not shown all of its effect yet."""
        recent = {
            node: fault.action in _SILENCING
            for node, fault in self._last.items()
            if snapshot.time - fault.time < AWAIT_S
        }
        return any(
            (broker in p.isr or broker == p.leader) == silenced
            for p in snapshot.partitions
            for broker in p.replicas
            if (silenced := recent.get(broker)) is not None
        )

    def _recorded(self, fault: Fault) -> None:
        for own in self._own:
            if (own.action, own.node) == (fault.action, fault.node):
                self._own.remove(own)
                self._forget(own)  # the cluster's own time stamp is the better one
                break
        self._happened(fault)

    def _happened(self, fault: Fault) -> None:
        if fault.node is not None:
            self._last[fault.node] = fault
        self._tell(fault.time, _sentence(fault))

    def _forget(self, fault: Fault) -> None:
        kept = [e for e in self.events if (e.time, e.text) != (fault.time, _sentence(fault))]
        self.events = deque(kept, maxlen=EVENTS)

    def _leader_moves(self, s: ClusterSnapshot) -> None:
        moves: dict[tuple[int | None, int], list[str]] = {}
        for p in s.partitions:
            before = self._leaders.get(p.name)
            if p.leader is None:
                if before is not None and p.name not in self._orphans:
                    moves.setdefault((None, before), []).append(p.name)
                    self._orphans.add(p.name)
                continue
            back = p.name in self._orphans
            if before is not None and (before != p.leader or back):
                moves.setdefault((p.leader, p.leader if back else before), []).append(p.name)
            self._orphans.discard(p.name)
            self._leaders[p.name] = p.leader
        for (leader, cause), names in moves.items():
            what = f"broker {leader} leads" if leader is not None else "no broker leads"
            self._tell(s.time, f"{what} {_some(names)}{self._since(cause, s.time)}")

    def _isr_changes(self, s: ClusterSnapshot) -> None:
        changes: dict[tuple[int, str], list[str]] = {}
        for p in s.partitions:
            now, before = frozenset(p.isr), self._isr.get(p.name)
            if before is not None:
                for broker in sorted(now ^ before):
                    verb = "is back in the ISR of" if broker in now else "left the ISR of"
                    changes.setdefault((broker, verb), []).append(p.name)
            self._isr[p.name] = now
        for (broker, verb), names in changes.items():
            since = self._since(broker, s.time)
            self._tell(s.time, f"broker {broker} {verb} {_some(names)}{since}")

    def _since(self, node: int, when: float) -> str:
        fault = self._last.get(node)
        if fault is None or when - fault.time > 10 * AWAIT_S:
            return ""
        return f", {1000 * (when - fault.time):,.0f} ms after {_sentence(fault)}"

    def _tell(self, when: float, text: str) -> None:
        self.events.append(Event(when, text))


def _sentence(fault: Fault) -> str:
    action = ACTIONS.get(fault.action)
    who = "the cluster" if fault.node is None else f"node {fault.node}"
    if fault.node is not None and fault.node < 100:
        who = f"broker {fault.node}"
    return f"{who} {action.done if action else fault.action}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more"
