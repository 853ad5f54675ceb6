"""The learner's own Kafka cluster, over a runner of processes (`local`) or containers (`compose`).

Many notebooks and commands share one cluster. Whoever changes something holds the home's lock while
doing so. kafka-python takes longer to import than all the rest. So what speaks Kafka (`readiness`,
`reset`, `admin`) is imported where it is used, and `labs status` answers at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from labs.base.errors import LabsError
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.kafka import faultlog
from labs.kafka.breaking import Breakable
from labs.kafka.cluster import (
    ALIVE,
    BROKER_IDS,
    CONTROLLER_ID,
    DEAD,
    NODE_IDS,
    Role,
    State,
    Status,
)
from labs.kafka.jars import kafka_version
from labs.kafka.letting_go import let_go
from labs.kafka.refusals import known, require_state
from labs.kafka.registration import forget, take_away
from labs.kafka.starting import brokers_of, nodes_of
from labs.supervise import lifecycle
from labs.supervise.runner import Runner

if TYPE_CHECKING:
    from labs.kafka.wire import BrokerConnection

words = Words(__file__)

#: Without its controller a broker can't shut down in good order: it gets that long, s.
HASTY_S = 0.5


class KafkaCluster(Breakable):
    """All of it is the learner's: what may be broken, and what needs no prefix and no limits.

    Args:
        runner: who runs its nodes.
        folder: where it is, for people.
        tell: hears what a start is doing.
    """

    backend: str

    def __init__(self, runner: Runner, folder: Path, tell: Tell = silent) -> None:
        super().__init__(runner, tell)
        self._folder = folder

    def __eq__(self, other: object) -> bool:
        """Two objects of one home are the same cluster: what looks at it is shared by both."""
        return isinstance(other, type(self)) and other.home == self.home

    def __hash__(self) -> int:
        return hash(self.home)

    # -- what all of its kind are ----------------------------------------------------------

    @property
    def prefix(self) -> str:
        """None: every topic here is the learner's."""
        return ""

    @property
    def limits(self) -> Mapping[str, str]:
        """None: the disk is the learner's own."""
        return {}

    # -- looking ---------------------------------------------------------------------------

    def status(self) -> Status:
        """The state of every node, from whoever runs it; never talks to Kafka."""
        nodes = list(nodes_of(self.runner).values())
        facts = self.runner.facts()
        return Status(
            backend=self.backend,
            kafka_version=facts.get("kafka_version", kafka_version()),
            cluster_id=facts.get("cluster_id", ""),
            home=str(self._folder),
            bootstrap=[node.address for node in nodes if node.role is Role.BROKER],
            ready_s=self.runner.ready_s,
            nodes=nodes,
        )

    @property
    def bootstrap(self) -> list[str]:
        return self.status().bootstrap

    def line(self, broker: int, timeout_s: float = 1.0) -> BrokerConnection:
        from labs.kafka.wire import BrokerConnection

        host, port = self._place(broker)
        return BrokerConnection(port, host, timeout_s=timeout_s)

    def files(self, broker: int, pattern: str) -> dict[str, bytes]:
        self._place(broker)
        return self.runner.files(broker, pattern)

    def log_lines(self, node_id: int, lines: int, follow: bool) -> Iterator[bytes]:
        """The last lines of what a node has said, and (`follow`) all that it goes on to say."""
        self._place(node_id)
        return self.runner.log_lines(node_id, lines, follow)

    def _place(self, node_id: int) -> tuple[str, int]:
        """Where a node listens. Raises BadInput if there is no such node."""
        place = self.runner.place(node_id)
        if place is None:
            node = known(nodes_of(self.runner), node_id)
            return node.host, node.port
        return place

    # -- who needs it ----------------------------------------------------------------------

    def keep(self, hours: float, if_unused: bool = False) -> float | None:
        with self.home.lock(tell=self.tell):  # a stop under way will forget every lease
            self.home.prepare()
            return self.runner.keep(hours, if_unused)

    def leave(self) -> None:
        if self.runner.leave():
            self.tell(words("stopping.cluster"), None)
            self.stop(if_idle=True)  # looks again: somebody may have come meanwhile

    # -- starting and stopping -------------------------------------------------------------

    def start(self) -> Status:
        lifecycle.adopt_or_start(self.runner, self._adopt, self.starting.bring_up, self.tell)
        return self.status()

    def _adopt(self) -> bool:
        """Whether the cluster runs whole: every process, the right id, every broker seen."""
        if self.runner.ready_s is None:
            return False  # its start was not finished
        status = self.status()
        ids, states = ({n.id for n in status.nodes}, {n.state for n in status.nodes})
        if not set(NODE_IDS) <= ids or states != {State.RUNNING}:
            return False
        from labs.kafka import readiness  # only now: a start must not wait for kafka-python

        brokers = status.serving
        expected = {node.id for node in brokers}
        return all(readiness.sees(node, status.cluster_id, expected) for node in brokers)

    def stop(self, if_idle: bool = False) -> None:
        if not (self.home.path.exists() or self.runner.look()):
            return
        with self.home.lock(tell=self.tell):
            if if_idle and self.runner.in_use:
                return
            nodes = nodes_of(self.runner)
            orderly = CONTROLLER_ID in nodes and nodes[CONTROLLER_ID].state in ALIVE
            patience_s = self.runner.stop_timeout_s if orderly else HASTY_S
            # A broker that shuts down asks the controller to move its leaderships, and waits for an
            # answer: so the controller comes last.
            brokers, controllers = (
                [node.id for node in nodes.values() if node.role is role]
                for role in (Role.BROKER, Role.CONTROLLER)
            )
            lifecycle.stop(self.runner, (brokers, controllers), patience_s)

    # -- cleaning ---------------------------------------------------------------------------

    def reset(self, hard: bool = False) -> None:
        let_go(self.tell)
        with self.home.lock(tell=self.tell):
            self.home.prepare()
            self.runner.hold()
            if hard or not self._clean_softly():
                self._start_empty()
            faultlog.record(self.home.faults_file, "reset", None, "hard" if hard else "")

    def _clean_softly(self) -> bool:
        """Mend and empty the running cluster; False where only a fresh one will be clean."""
        if not self._adopt():
            self.home.require_room()
            dead = [node.id for node in brokers_of(self.runner) if node.state in DEAD]
            forget(self.runner, dead)
            self.starting.bring_up()
        from labs.kafka import reset

        return reset.clean(self.bootstrap) and self._shrink()

    def _shrink(self) -> bool:
        """Take the added brokers away; False where one of them holds what the others lack."""
        added = [node.id for node in brokers_of(self.runner) if node.id not in BROKER_IDS]
        if not added:
            return True
        from labs.kafka import reset

        held = reset.replicas(self.bootstrap) - set(BROKER_IDS)
        return not held and take_away(self.runner, added)

    def _start_empty(self) -> None:
        """Start a new cluster of three brokers on empty disks, at the old addresses."""
        self.tell(words("wiping"), None)
        self.runner.wipe()
        self.home.require_room()
        self.starting.bring_up()

    # -- settings --------------------------------------------------------------------------

    def set_broker_config(
        self, settings: Mapping[str, str | None], node_id: int | None = None
    ) -> None:
        from labs.kafka import admin

        brokers = self._answering(node_id)
        bootstrap = list(brokers.values())
        if node_id is None:
            admin.set_default_config(bootstrap, settings, asked=next(iter(brokers)))
        else:
            admin.set_broker_config(bootstrap, settings, node_id)
        faultlog.record(self.home.faults_file, "configure", node_id, str(dict(settings)))

    def set_topic_config(self, topic: str, settings: Mapping[str, str]) -> None:
        from labs.kafka import admin

        admin.set_topic_config(list(self._answering().values()), topic, settings)
        faultlog.record(self.home.faults_file, "configure", None, f"{topic}: {dict(settings)}")

    def _answering(self, wanted: int | None = None) -> dict[int, str]:
        """`host:port` of each broker that is neither dead nor paused; `wanted` must be of them."""
        status = self.status()
        nodes = {node.id: node for node in status.nodes}
        if not nodes:
            raise LabsError(words("not_up.what"), hint=words("not_up.hint"))
        if wanted is not None:
            node = known(nodes, wanted)
            require_state(node, (State.RUNNING,))
        running = {node.id: node.address for node in status.serving}
        if not running:
            raise LabsError(words("not_up.none"), hint=words("shows_them"))
        return running
