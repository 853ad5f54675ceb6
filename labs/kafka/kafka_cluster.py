"""The learner's own Kafka cluster, over a runner of processes (`local`) or containers (`compose`).

Many notebooks and commands share one cluster. Whoever changes something holds the home's lock while
doing so. kafka-python takes longer to import than all the rest. So what speaks Kafka (`readiness`,
`reset`, `admin`) is imported where it is used, and `labs status` answers at once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.kafka import faultlog
from labs.kafka.cluster import (
    ALIVE,
    ANSWERING,
    BROKER_IDS,
    CONTROLLER_ID,
    DEAD,
    NODE_IDS,
    Fault,
    Node,
    Role,
    State,
    Status,
    in_words,
    label_of,
)
from labs.kafka.config import SESSION_S
from labs.kafka.jars import kafka_version
from labs.kafka.letting_go import let_go
from labs.kafka.refusals import CUT_SHORT, Unfinished, known, require_room, require_state
from labs.kafka.registration import unregister
from labs.kafka.starting import PORT_ATTEMPTS, Starting, nodes_of
from labs.supervise.runner import PortTaken, Runner

if TYPE_CHECKING:
    from labs.kafka.wire import BrokerConnection

words = Words(__file__)

#: A JVM takes about that long until it asks the controller to be registered, s.
BOOT_S = 1.0
#: Without its controller a broker can't shut down in good order: it gets that long, s.
HASTY_S = 0.5


class KafkaCluster:
    """All of it is the learner's: what may be broken, and what needs no prefix and no limits.

    Args:
        runner: who runs its nodes.
        folder: where it is, for people.
        tell: hears what a start is doing.
    """

    backend: str

    def __init__(self, runner: Runner, folder: Path, tell: Tell = silent) -> None:
        self.runner = runner
        self.home = runner.home
        self._folder = folder
        self._tell = tell
        self.starting = Starting(runner, lambda text, part: self._tell(text, part))

    def __eq__(self, other: object) -> bool:
        """Two objects of one home are the same cluster: what looks at it is shared by both."""
        return isinstance(other, type(self)) and other.home == self.home

    def __hash__(self) -> int:
        return hash(self.home)

    def hush(self) -> None:
        """Tell no more what a start is doing."""
        self._tell = silent

    # -- what all of its kind are ----------------------------------------------------------

    @property
    def can_break(self) -> bool:
        """Processes of ours can be broken at will."""
        return True

    @property
    def prefix(self) -> str:
        """None: every topic here is the learner's."""
        return ""

    @property
    def limits(self) -> Mapping[str, str]:
        """None: the disk is the learner's own."""
        return {}

    def named(self, name: str) -> str:
        """The name itself."""
        return name

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
        """`host:port` of every broker."""
        return self.status().bootstrap

    def line(self, broker: int, timeout_s: float = 1.0) -> BrokerConnection:
        """A connection to this very broker."""
        from labs.kafka.wire import BrokerConnection

        host, port = self._place(broker)
        return BrokerConnection(port, host, timeout_s=timeout_s)

    def files(self, broker: int, pattern: str) -> dict[str, bytes]:
        """Path → content of the files in a broker's log directory."""
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
        """Keep it up that long though nobody uses it (`if_unused`: only if nobody does now)."""
        with self.home.lock(tell=self._tell):  # a stop under way will forget every lease
            self.home.prepare()
            return self.runner.keep(hours, if_unused)

    def leave(self) -> None:
        """This process needs it no longer; stop the cluster unless others use it."""
        if self.runner.leave():
            self._tell(words("stopping.cluster"), None)
            self.stop(if_idle=True)  # looks again: somebody may have come meanwhile

    # -- starting and stopping -------------------------------------------------------------

    def start(self) -> Status:
        """Bring every node up, or adopt the cluster that runs; returns when it is really ready."""
        try:
            with self.home.lock(tell=self._tell):
                self.home.prepare()
                adopted = self._adopt()
                if not adopted:
                    self.home.require_room()
                self.runner.hold()
                if not adopted:
                    self.starting.bring_up()
            return self.status()
        except BaseException:
            self.runner.give_back()
            raise

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
        """Stop every node in good order; the records stay. `if_idle`: only if nobody uses it."""
        if not (self.home.path.exists() or self.runner.look()):
            return
        with self.home.lock(tell=self._tell):
            if if_idle and self.runner.in_use:
                return
            self._stop_all()
            self.runner.let_go()

    def _stop_all(self) -> None:
        """SIGTERM to the brokers together, then to the controller; SIGKILL to what is left.

        The order matters: a broker that shuts down asks the controller to move its leaderships,
        and waits for an answer. What we are about is written down first: should we be killed, the
        watchdog ends the rest.
        """
        nodes = nodes_of(self.runner)
        self.runner.note(nodes, State.STOPPED)
        self.runner.thaw(nodes)
        orderly = CONTROLLER_ID in nodes and nodes[CONTROLLER_ID].state in ALIVE
        patience_s = self.runner.stop_timeout_s if orderly else HASTY_S
        for role in (Role.BROKER, Role.CONTROLLER):
            group = [node.id for node in nodes.values() if node.role is role]
            self.runner.terminate(group)
            self.starting.end(group, patience_s)
        self.runner.reap()

    # -- breaking and mending --------------------------------------------------------------

    def kill(self, node_id: int) -> None:
        """SIGKILL."""
        with self._changing(node_id, "kill", ALIVE):
            self.runner.kill([node_id])
            self.runner.note([node_id], State.KILLED)

    def pause(self, node_id: int) -> None:
        """SIGSTOP, and wait for its effect."""
        with self._changing(node_id, "pause", (State.RUNNING,)):
            self.runner.freeze(node_id)

    def resume(self, node_id: int) -> None:
        """SIGCONT."""
        with self._changing(node_id, "resume", (State.PAUSED,)):
            self.runner.thaw([node_id])

    def stop_broker(self, node_id: int) -> None:
        """SIGTERM, and wait for the controlled shutdown; also for one that is under way."""
        with self._changing(node_id, "stop", ANSWERING) as node:
            self._tell(words("stopping.node", label=node.label), None)
            self.runner.note([node_id], State.STOPPED)
            self.runner.terminate([node_id])
            if self.runner.wait_gone([node_id], self.runner.stop_timeout_s):
                raise Unfinished(node, self.runner.stop_timeout_s, self.runner.log_file(node_id))

    def start_broker(self, node_id: int, static: Mapping[str, str] | None = None) -> None:
        """Start a node that was stopped or killed, or is stopping, on its old port and data.

        Args:
            node_id: which.
            static: settings on top of the lab's, until the node is started again.
        """
        self.runner.provide(self._tell)
        self._require_up()
        self._require_controller(node_id)
        self.outlast_session(node_id)
        with self._changing(node_id, "start", (*DEAD, State.STOPPING)) as node:
            if node.state is State.STOPPING:
                self.starting.see_out([node])
            self.starting.serve(node_id, static)

    def add_broker(self) -> int:
        """One broker more."""
        self.runner.provide(self._tell)
        self._require_up()
        with self.home.lock(tell=self._tell):
            self._require_up()
            brokers = [node.id for node in self._brokers()]
            new = max(brokers) + 1
            require_room(len(brokers))
            self._require_controller(new)
            when = now()
            for attempt in range(PORT_ATTEMPTS):
                try:
                    self.runner.add(new, attempt)
                    self.starting.serve(new)
                    break
                except BaseException as error:
                    with contextlib.suppress(LabsError):
                        if self._discard([new]):  # or every later start would try again
                            self._forget([new])
                    if not isinstance(error, PortTaken) or attempt == PORT_ATTEMPTS - 1:
                        raise
            faultlog.record(self.home.faults_file, "add", new, when=when)
        return new

    @contextmanager
    def _changing(self, node_id: int, action: str, allowed: tuple[State, ...]) -> Iterator[Node]:
        """Hold the lock, hand out the node if its state allows it, then record the fault."""
        self._require_up()  # before the lock, whose file would make a home
        with self.home.lock(tell=self._tell):
            self._require_up()
            node = known(nodes_of(self.runner), node_id)
            require_state(node, node.state, allowed)
            with self._written_down(action, node_id):
                yield node

    def _require_up(self) -> None:
        if not self.runner.is_up:
            raise LabsError(words("not_up.what"), hint=words("not_up.hint"))

    @contextmanager
    def _written_down(self, action: str, node_id: int) -> Iterator[None]:
        """Record as a fault what the block does; also if it began and was cut short.

        Raises:
            LabsError: it was done, and can't be written down.
        """
        when, cut_short = now(), None
        try:
            yield
        except CUT_SHORT as error:
            cut_short = error
        try:
            faultlog.record(self.home.faults_file, action, node_id, when=when)
        except OSError as error:
            raise LabsError(
                words("unwritten.what", action=action, id=node_id, error=error.strerror),
                hint=words("unwritten.hint"),
            ) from None
        if cut_short:
            raise cut_short

    def _require_controller(self, node_id: int) -> None:
        """A broker that starts waits for the controller to let it in; none would say why.

        Raises:
            LabsError: the controller does not run.
        """
        controller = self._controller()
        if node_id == CONTROLLER_ID or controller is None or controller.state is State.RUNNING:
            return
        cure = "resume" if controller.state is State.PAUSED else "start"
        raise LabsError(
            words("no_controller.what", state=in_words(controller.state)),
            hint=words("no_controller.hint", cure=cure, id=CONTROLLER_ID),
        )

    def outlast_session(self, node_id: int) -> None:
        """Wait while the controller still takes a dead broker for a living one.

        It would refuse it (DUPLICATE_BROKER_REGISTRATION), and who is refused asks again after
        0.1, 0.2, 0.4 … 3.2 s: a broker that starts too early may register seconds too late.
        """
        ends = [f.time for f in self.faults() if f.node == node_id and f.action in ("kill", "stop")]
        if not ends or node_id == CONTROLLER_ID:
            return
        left = ends[-1] + SESSION_S - BOOT_S - now()
        if 0 < left <= SESSION_S:  # of another boot's faults only the time of day is known
            self._tell(words("starting.outlasting", node=label_of(node_id)), None)
            time.sleep(left)

    # -- cleaning ---------------------------------------------------------------------------

    def reset(self, hard: bool = False) -> None:
        """Back to a clean cluster of three brokers; `hard` wipes the disks too."""
        let_go(self._tell)
        with self.home.lock(tell=self._tell):
            self.home.prepare()
            self.runner.hold()
            if hard or not self._clean_softly():
                self._start_empty()
            faultlog.record(self.home.faults_file, "reset", None, "hard" if hard else "")

    def _clean_softly(self) -> bool:
        """Mend and empty the running cluster; False where only a fresh one will be clean."""
        if not self._adopt():
            self.home.require_room()
            self._forget([node.id for node in self._brokers() if node.state in DEAD])
            self.starting.bring_up()
        from labs.kafka import reset

        return reset.clean(self.bootstrap) and self._shrink()

    def _shrink(self) -> bool:
        """Take the added brokers away; False where one of them holds what the others lack."""
        added = [node.id for node in self._brokers() if node.id not in BROKER_IDS]
        if not added:
            return True
        from labs.kafka import reset

        held = reset.replicas(self.bootstrap) - set(BROKER_IDS)
        return not held and self._discard(added) and self._forget(added)

    def _start_empty(self) -> None:
        """Start a new cluster of three brokers on empty disks, at the old addresses."""
        self._tell(words("wiping"), None)
        self.runner.wipe()
        self.home.require_room()
        self.starting.bring_up()

    def _discard(self, brokers: Collection[int]) -> bool:
        """Kill added brokers and remove their disks; False where one of them lives on."""
        if self.runner.kill(brokers):
            return False
        for broker in brokers:
            self.runner.remove(broker)
        return True

    def _forget(self, dead: list[int]) -> bool:
        """Whether the controller has forgotten these brokers, so that none waits to register."""
        controller = self._controller()
        if controller is None or controller.state is not State.RUNNING:
            return False
        return all([unregister(controller.port, broker, controller.host) for broker in dead])

    def _controller(self) -> Node | None:
        return nodes_of(self.runner).get(CONTROLLER_ID)

    def _brokers(self) -> list[Node]:
        return [n for n in nodes_of(self.runner).values() if n.role is Role.BROKER]

    # -- faults and settings ----------------------------------------------------------------

    def faults(self) -> list[Fault]:
        """Every fault since the cluster was made, oldest first."""
        return faultlog.read(self.home.faults_file)

    def set_broker_config(
        self, settings: Mapping[str, str | None], node_id: int | None = None
    ) -> None:
        """Change dynamic settings of one broker, or (None) of all; a value None takes it back."""
        from labs.kafka import admin

        brokers = self._answering(node_id)
        bootstrap = list(brokers.values())
        if node_id is None:
            admin.set_default_config(bootstrap, settings, asked=next(iter(brokers)))
        else:
            admin.set_broker_config(bootstrap, settings, node_id)
        faultlog.record(self.home.faults_file, "configure", node_id, str(dict(settings)))

    def set_topic_config(self, topic: str, settings: Mapping[str, str]) -> None:
        """Change settings of a topic."""
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
            require_state(node, node.state, (State.RUNNING,))
        running = {node.id: node.address for node in status.serving}
        if not running:
            raise LabsError(words("not_up.none"), hint=words("shows_them"))
        return running
