"""What we remember of a cluster between commands, and how we recognise its processes.

A pid alone proves nothing: the system hands it out again. A process is ours only if its pid, its
creation time and its command line (which names our home and the node) all agree.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from labs.cluster.protocol import CONTROLLER_ID, Role, State

#: Creation times are derived from the clock, which may be set a little between two looks.
CREATE_TIME_TOLERANCE_S = 2.0


@dataclass
class NodeState:
    """One node as last recorded. `wanted` is what the last command made of it."""

    id: int
    port: int
    pid: int | None = None
    create_time: float | None = None
    wanted: State = State.STOPPED

    @property
    def role(self) -> Role:
        return Role.CONTROLLER if self.id == CONTROLLER_ID else Role.BROKER

    @property
    def name(self) -> str:
        return "controller" if self.role is Role.CONTROLLER else f"broker-{self.id}"

    @property
    def label(self) -> str:
        return "the controller" if self.role is Role.CONTROLLER else f"broker {self.id}"


@dataclass
class ClusterState:
    """The state file: `ready_s` is None until a start has finished."""

    cluster_id: str
    kafka_version: str
    ready_s: float | None = None
    nodes: dict[int, NodeState] = field(default_factory=dict)

    def brokers(self) -> list[NodeState]:
        return [n for n in self.nodes.values() if n.role is Role.BROKER]

    def save(self, path: Path) -> None:
        """Replace the file in one step, so that a reader never sees half of it."""
        body = asdict(self)
        body["nodes"] = list(body["nodes"].values())
        write_atomically(path, json.dumps(body, indent=1))

    @classmethod
    def load(cls, path: Path) -> ClusterState | None:
        """The saved state; None where there is none or it can't be understood."""
        try:
            body = json.loads(path.read_text("utf-8"))
            nodes = [_node_from(n) for n in body.pop("nodes")]
            return cls(**body, nodes={n.id: n for n in nodes})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def _node_from(body: dict[str, Any]) -> NodeState:
    return NodeState(**{**body, "wanted": State(body["wanted"])})


def write_atomically(path: Path, text: str) -> None:
    """Write `text` beside `path` and move it into place."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, "utf-8")
    os.replace(draft, path)


def marks(home: Path, node_id: int) -> tuple[str, str]:
    """The two words in a JVM's command line that make it ours."""
    return f"-Dlabs.home={home}", f"-Dlabs.node={node_id}"


def process_of(home: Path, node: NodeState) -> psutil.Process | None:
    """The live process of a node, or None. A pid that another program got is not ours."""
    if node.pid is None or node.create_time is None:
        return None
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(node.pid)
        same_birth = abs(process.create_time() - node.create_time) < CREATE_TIME_TOLERANCE_S
        if same_birth and set(marks(home, node.id)) <= set(process.cmdline()):
            return process
    return None


def observed(home: Path, node: NodeState) -> tuple[State, int | None]:
    """What a node is doing right now, and its pid while it lives."""
    process = process_of(home, node)
    if process is None:
        # It is gone. Only a clean stop was wished for; anything else is a death.
        gone = State.STOPPED if node.wanted is State.STOPPED else State.KILLED
        return gone, None
    with contextlib.suppress(psutil.Error):
        if process.status() == psutil.STATUS_STOPPED:
            return State.PAUSED, node.pid
    return State.RUNNING, node.pid


def our_processes(home: Path) -> Iterator[psutil.Process]:
    """Every live process whose command line names this home (also those we lost track of)."""
    mark = f"-Dlabs.home={home}"
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if mark in process.cmdline():
                yield process


def is_known(home: Path, cluster: ClusterState, pid: int) -> bool:
    """Whether a process is one that the state file knows."""
    return any(node.pid == pid and process_of(home, node) for node in cluster.nodes.values())
