"""What we remember of a cluster between commands, and how we recognise its processes.

The command line of a node's process names our home and the node: by that, its pid and its creation
time (`supervise.identity`) we know it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from labs.base.errors import LabsError
from labs.base.files import write_atomically
from labs.kafka.cluster import CONTROLLER_ID, Role, State, label_of
from labs.supervise.identity import living
from labs.supervise.ports import HOST


class Numbered:
    """What a node's id tells of it."""

    id: int

    @property
    def role(self) -> Role:
        """What it does, told by its id."""
        return Role.CONTROLLER if self.id == CONTROLLER_ID else Role.BROKER

    @property
    def name(self) -> str:
        """Its folder's and its log's name."""
        return "controller" if self.role is Role.CONTROLLER else f"broker-{self.id}"

    @property
    def label(self) -> str:
        """Its name in a sentence."""
        return label_of(self.id)


@dataclass
class NodeState(Numbered):
    """One node as last recorded. `wanted` is what the last command made of it.

    A stop is written down before the signal goes out: a node that lives and is wanted STOPPED is
    about to leave. `create_time` is its process's `birth`.
    """

    id: int
    port: int
    pid: int | None = None
    create_time: float | None = None
    wanted: State = State.STOPPED

    @property
    def host(self) -> str:
        """Where it listens."""
        return HOST


@dataclass
class ClusterState:
    """The state file: `ready_s` is None until a start has finished."""

    cluster_id: str
    kafka_version: str
    ready_s: float | None = None
    nodes: dict[int, NodeState] = field(default_factory=dict)

    def brokers(self) -> list[NodeState]:
        """All but the controller."""
        return [n for n in self.nodes.values() if n.role is Role.BROKER]

    def is_whole(self) -> bool:
        """Whether its last start was finished and it was not stopped since."""
        return self.ready_s is not None and any(
            node.wanted is not State.STOPPED for node in self.nodes.values()
        )

    def save(self, path: Path) -> None:
        """Replace the file in one step, so that a reader never sees half of it."""
        body = asdict(self)
        body["nodes"] = list(body["nodes"].values())
        write_atomically(path, json.dumps(body, indent=1))

    @classmethod
    def load(cls, path: Path) -> ClusterState | None:
        """The saved state; None where there is none or it can't be understood.

        Raises:
            LabsError: there is one, and the system does not let us read it.
        """
        try:
            body = json.loads(path.read_text("utf-8"))
            nodes = [_node_from(n) for n in body.pop("nodes")]
            return cls(**body, nodes={n.id: n for n in nodes})
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        except OSError as error:  # to take that for "none" would wipe the disks
            raise LabsError(
                f"{path} can't be read ({error.strerror})",
                hint="mend that; if somebody else's command made it, it is theirs",
            ) from None


def _node_from(body: dict[str, Any]) -> NodeState:
    return NodeState(**{**body, "wanted": State(body["wanted"])})


def marks(home: Path, node_id: int) -> tuple[str, str]:
    """The two words in a JVM's command line that make it ours."""
    return f"-Dlabs.home={home}", f"-Dlabs.node={node_id}"


def process_of(home: Path, node: NodeState) -> psutil.Process | None:
    """The live process of a node, or None. A pid that another program got is not ours."""
    return living(node.pid, node.create_time, marks(home, node.id))


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
    return living_state(node), node.pid


def living_state(node: NodeState) -> State:
    """What a node does whose process lives and is not paused."""
    return State.STOPPING if node.wanted is State.STOPPED else State.RUNNING


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
