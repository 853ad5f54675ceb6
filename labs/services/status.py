"""How a server beside Kafka stands, for people and for `--json`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psutil

from labs.base.words import Words
from labs.kafka.cluster import in_words
from labs.supervise.runner import Seen, State

words = Words(__file__)


@dataclass(frozen=True)
class NodeStatus:
    """How one node of a server stands; a server of one node is that node.

    Attributes:
        ports: the port for clients, and its others, by what each is for; none where it is dead.
    """

    node: int
    state: State
    pid: int | None
    ports: Mapping[str, int]


@dataclass(frozen=True)
class ServiceStatus:
    """How a server stands.

    Attributes:
        state: the worst of its nodes'; None: it was never started.
        ports: the port of each node that lives.
        memory_mb: what its processes take now (PSS where the system tells, else RSS), MB.
        download_mb: what is still to be downloaded, MB; 0: nothing.
        size_mb: all that was or will be downloaded for it, MB.
        nodes: each of them.
    """

    name: str
    product: str
    version: str
    licence: str
    state: State | None
    ports: list[int]
    memory_mb: int
    download_mb: int
    ready_s: float | None
    size_mb: int
    nodes: list[NodeStatus]

    @property
    def told(self) -> str:
        """The state in words: of each node, where they differ."""
        states = {one.state for one in self.nodes}
        if len(states) > 1:
            return ", ".join(
                words("state.node", node=one.node, state=in_words(one.state)) for one in self.nodes
            )
        return in_words(self.state) if self.state else words("state.never")


#: The state of several nodes is the one of them that comes first here.
_WORST = (State.KILLED, State.PAUSED, State.STOPPING, State.STOPPED, State.RUNNING)


def worst(seen: Iterable[Seen]) -> State | None:
    """The state of several nodes; None where there are none."""
    states = {one.state for one in seen}
    return next((state for state in _WORST if state in states), None)


def memory_bytes(pid: int) -> int:
    """What a process takes (PSS where the system tells, else RSS), bytes; 0 once it is gone."""
    with contextlib.suppress(psutil.Error):
        told = psutil.Process(pid).memory_full_info()
        return int(getattr(told, "pss", told.rss))
    return 0
