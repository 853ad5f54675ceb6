"""What we remember of a cluster between commands, and how we recognise its processes.

A pid alone proves nothing: the system hands it out again. A process is ours only if its pid, its
creation time and its command line (which names our home and the node) all agree.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from labs.cluster.ports import HOST
from labs.cluster.protocol import CONTROLLER_ID, Role, State, label_of
from labs.errors import LabsError

#: What the system tells of the boot may differ a little between two looks.
CREATE_TIME_TOLERANCE_S = 2.0


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


def write_atomically(path: Path, text: str) -> None:
    """Write `text` beside `path` and move it into place."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, "utf-8")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def marks(home: Path, node_id: int) -> tuple[str, str]:
    """The two words in a JVM's command line that make it ours."""
    return f"-Dlabs.home={home}", f"-Dlabs.node={node_id}"


def birth(process: psutil.Process) -> float:
    """When a process was created, s, on a scale that does not move when the clock is set.

    Clocks are set: a laptop that slept, WSL 2 that catches up. Linux counts from the boot; macOS
    writes the time of day down once. `create_time` moves both with the present clock, so this asks
    for what psutil itself knows processes by.
    """
    return float(process._proc.create_time(monotonic=True))  # type: ignore[attr-defined]


def living(pid: object, create_time: object, words: Collection[str] = ()) -> psutil.Process | None:
    """The process that a file recorded, or None: it is over, or its pid is another program's now.

    What a file holds may make no sense at all.

    Args:
        pid: of the process.
        create_time: its `birth`, s.
        words: what its command line must hold to be ours.
    """
    if not isinstance(pid, int) or not isinstance(create_time, int | float):
        return None
    with contextlib.suppress(psutil.Error, ValueError, OverflowError):
        process = psutil.Process(pid)
        same_birth = abs(birth(process) - create_time) < CREATE_TIME_TOLERANCE_S
        words_found = not words or set(words) <= set(process.cmdline())
        if same_birth and not _is_over(process) and words_found:
            return process
    return None


def _is_over(process: psutil.Process) -> bool:
    """Whether a process has ended: what is left of it waits for its parent only (a zombie).

    Its first thread may end before the others (Linux tells of a zombie then, too). As long as one
    is left the process has its files and its ports, and its parent can't learn that it has ended.
    """
    return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1


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


def kill_all(processes: Iterable[psutil.Process], timeout_s: float = 5.0) -> None:
    """SIGKILL them and wait until they are over."""
    killed = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
            killed.append(process)
    wait_over(killed, timeout_s)


def wait_over(processes: Iterable[psutil.Process], timeout_s: float) -> bool:
    """Wait until none of them lives; whether that came true in time.

    Its parent, a notebook perhaps, need not have heard of it.
    """
    deadline = time.monotonic() + timeout_s
    while any(_lives(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and not _is_over(process)
    except psutil.Error:
        return False


def is_known(home: Path, cluster: ClusterState, pid: int) -> bool:
    """Whether a process is one that the state file knows."""
    return any(node.pid == pid and process_of(home, node) for node in cluster.nodes.values())
