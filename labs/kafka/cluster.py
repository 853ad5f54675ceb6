"""What every backend offers: the `Cluster` protocol and the values it speaks in.

Node ids: brokers are 1, 2, 3 (and 4, 5 … when added); the KRaft controller is 100.
Times are seconds since the epoch unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from labs.base.words import Words
from labs.supervise.runner import ALIVE as ALIVE
from labs.supervise.runner import ANSWERING as ANSWERING
from labs.supervise.runner import DEAD as DEAD
from labs.supervise.runner import State as State

if TYPE_CHECKING:
    from labs.kafka.wire import BrokerConnection

words = Words(__file__)

CONTROLLER_ID = 100
BROKER_IDS = (1, 2, 3)
NODE_IDS = (CONTROLLER_ID, *BROKER_IDS)


class Role(StrEnum):
    """What a node does (KIP-500: controllers keep the metadata, brokers the records)."""

    BROKER = "broker"
    CONTROLLER = "controller"


def role_of(node_id: int) -> Role:
    """What a node does, told by its id."""
    return Role.CONTROLLER if node_id == CONTROLLER_ID else Role.BROKER


def name_of(node_id: int) -> str:
    """A node's name where names have no spaces: its folder's, its log's, its container's."""
    return "controller" if node_id == CONTROLLER_ID else f"broker-{node_id}"


def in_words(state: State) -> str:
    """A state in a sentence."""
    return words(f"state.{state}")


def label_of(node_id: int) -> str:
    """A node's name in a sentence."""
    return (
        words("label.controller") if node_id == CONTROLLER_ID else words("label.broker", id=node_id)
    )


@dataclass(frozen=True)
class Node:
    """One process of the cluster. `log` is its log file, or the command that shows its log."""

    id: int
    role: Role
    state: State
    pid: int | None
    port: int
    log: str
    host: str = "127.0.0.1"

    @property
    def label(self) -> str:
        """Its name in a sentence."""
        return label_of(self.id)

    @property
    def address(self) -> str:
        """`host:port`, as `bootstrap_servers` has it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Status:
    """What the cluster looks like from outside.

    `ready_s`: how long the last start took, s (None: no start was finished).
    `remarks`: what whoever connects must know, a sentence each (external: nothing is encrypted …).
    """

    backend: str
    kafka_version: str
    cluster_id: str
    home: str
    bootstrap: list[str]
    ready_s: float | None
    nodes: list[Node]
    remarks: tuple[str, ...] = ()

    @property
    def up(self) -> bool:
        """True while at least one broker process is alive."""
        return any(n.role is Role.BROKER and n.state in ALIVE for n in self.nodes)

    @property
    def serving(self) -> list[Node]:
        """The brokers that answer: neither dead nor paused."""
        return [n for n in self.nodes if n.role is Role.BROKER and n.state in ANSWERING]

    def __str__(self) -> str:
        """One line for people: `Apache Kafka 4.3.1 is up: broker 1 running, …`."""
        nodes = ", ".join(
            words(f"status.{node.role}", id=node.id, state=in_words(node.state))
            for node in self.nodes
        )
        return words(f"status.{'up' if self.up else 'down'}", kafka=self.kafka_version, nodes=nodes)

    def as_dict(self) -> dict[str, Any]:
        """The object that `labs status --json` prints."""
        told = asdict(self)
        for node in told["nodes"]:
            del node["host"]  # `bootstrap` tells it
        return told


@dataclass(frozen=True)
class Fault:
    """One thing done to the cluster: when (by `base.clock`), what, to which node (None: to all)."""

    time: float
    action: str
    node: int | None
    detail: str = ""


@runtime_checkable
class Cluster(Protocol):
    """A Kafka cluster that can be started, broken and mended; each kind does as it is said here.

    Every method raises `labs.base.errors.LabsError` with a readable sentence when it can't do its
    work, and `labs.base.errors.BadInput` for an id that is not a node of this cluster.
    """

    @property
    def bootstrap(self) -> list[str]:
        """`host:port` of every broker, for `bootstrap_servers=`."""

    @property
    def can_break(self) -> bool:
        """Whether processes can be killed and disks read here (not on somebody else's Kafka)."""

    @property
    def prefix(self) -> str:
        """What the names of the learner's topics and groups begin with; empty if all is theirs."""

    @property
    def limits(self) -> Mapping[str, str]:
        """Settings for every topic that the learner makes, so that it stays small; often none."""

    def named(self, name: str) -> str:
        """The learner's own topic or group of that name: the prefix, then the name."""
        return self.prefix + name

    def line(self, broker: int, timeout_s: float = 1.0) -> BrokerConnection:
        """A connection to this very broker, that waits `timeout_s` for each answer.

        Raises:
            OSError: it does not listen, or refused us.
        """

    def files(self, broker: int, pattern: str) -> dict[str, bytes]:
        """Path → content of the files in a broker's log directory, whatever its process does.

        `pattern` may hold `*` in its last part (`flights-0/*.log`). Sorted by path.
        """

    def keep(self, hours: float, if_unused: bool = False) -> float | None:
        """Keep it up that long though nobody uses it (`if_unused`: only if nobody does now).

        Returns until when, by `base.clock`; None where nothing ends an unused cluster by itself.
        """

    def leave(self) -> None:
        """This process needs it no longer; a local one that nobody else uses is stopped."""

    def start(self) -> Status:
        """Start the cluster, or adopt the one that runs; returns when it is really ready."""

    def hush(self) -> None:
        """Tell no more what a start is doing."""

    def stop(self, if_idle: bool = False) -> None:
        """Stop every node; the records stay on disk. `if_idle`: only if nobody uses it."""

    def status(self) -> Status:
        """The state of every node, from whoever runs it (external: from Kafka itself)."""

    def kill(self, node_id: int) -> None:
        """SIGKILL: the process is gone without a word."""

    def pause(self, node_id: int) -> None:
        """SIGSTOP: the process keeps its connections and answers nobody."""

    def resume(self, node_id: int) -> None:
        """SIGCONT after `pause`."""

    def stop_broker(self, node_id: int) -> None:
        """SIGTERM and wait: a controlled shutdown hands leaderships over (KIP-500, docs §4.7).

        It also waits for one that is under way.
        """

    def start_broker(self, node_id: int, static: Mapping[str, str] | None = None) -> None:
        """Start a node that was stopped or killed, or is stopping; returns when it serves.

        It keeps its port and its data.
        `static`: settings that can't be changed while it runs, for this start only.
        """

    def add_broker(self) -> int:
        """Start one broker more; returns its id."""

    def reset(self, hard: bool = False) -> None:
        """Back to a clean cluster: no topics, no groups, every broker up, dynamic settings gone.

        `hard` wipes the data directories and starts a new cluster.
        """

    def set_broker_config(
        self, settings: Mapping[str, str | None], node_id: int | None = None
    ) -> None:
        """Change dynamic settings of one broker, or of all (KIP-226); None takes one back."""

    def set_topic_config(self, topic: str, settings: Mapping[str, str]) -> None:
        """Change settings of a topic."""

    def faults(self) -> list[Fault]:
        """Every fault injected since the cluster was made, oldest first."""
