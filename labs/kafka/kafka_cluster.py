"""What is the same of every cluster of the learner's own, wherever its nodes run."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.progress import Tell, silent
from labs.kafka import faultlog
from labs.kafka.cluster import (
    BROKER_IDS,
    CONTROLLER_ID,
    DEAD,
    NODE_IDS,
    Fault,
    Node,
    Role,
    State,
    Status,
    label_of,
)
from labs.kafka.config import SESSION_S
from labs.kafka.refusals import CUT_SHORT, Disturbed, known, require_state
from labs.kafka.registration import unregister
from labs.supervise.home import Home

if TYPE_CHECKING:
    from labs.kafka.readiness import StillHopeful

#: A JVM takes about that long until it asks the controller to be registered, s.
BOOT_S = 1.0
#: A node that was told to stop gets that long to end well before it is started again, s. Without a
#: controller a broker can't, so it gets none.
LEAVE_S = 3.0
#: How often a start begins again because of what is done to the nodes meanwhile.
ROUNDS, AGAIN_S = 6, 0.2
STARTING = "starting one controller and three brokers"


class KafkaCluster(ABC):
    """All of it is the learner's: what may be broken, and what needs no prefix and no limits.

    Args:
        home: where its faults are written down.
        tell: hears what a start is doing.
    """

    def __init__(self, home: Home, tell: Tell = silent) -> None:
        self.home = home
        self._tell = tell

    def __eq__(self, other: object) -> bool:
        """Two objects of one home are the same cluster: what looks at it is shared by both."""
        return isinstance(other, type(self)) and other.home == self.home

    def __hash__(self) -> int:
        return hash(self.home)

    # -- what differs ----------------------------------------------------------------------

    @abstractmethod
    def status(self) -> Status:
        """The state of every node."""

    @abstractmethod
    def _keep(self) -> None:
        """Take care that the cluster is up for as long as this process needs it, and no longer."""

    @abstractmethod
    def _bring_up(self) -> None:
        """Start what does not run, and wait until all of it is really ready."""

    @abstractmethod
    def _settle(self) -> None:
        """Let paused nodes go on, and end those that were told to stop (see `LEAVE_S`)."""

    @abstractmethod
    def start_dead(self) -> None:
        """Start every dead node, the controller first: the others look for it."""

    @abstractmethod
    def _death(self, dead: list[int]) -> LabsError | None:
        """Why a node that this start has started is dead; None if somebody's signal ended it."""

    @abstractmethod
    def _how(self, node_id: int) -> str:
        """How a node ended, in words; '' where that is not known, or it lives."""

    @abstractmethod
    def _start_empty(self) -> None:
        """Start a new cluster of three brokers on empty disks, at the old addresses."""

    @abstractmethod
    def _discard(self, brokers: list[int]) -> bool:
        """Kill added brokers and remove their disks; False where one of them lives on."""

    # -- what does not ---------------------------------------------------------------------

    def hush(self) -> None:
        """Tell no more what a start is doing."""
        self._tell = silent

    @property
    def bootstrap(self) -> list[str]:
        """`host:port` of every broker."""
        return self.status().bootstrap

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

    def start(self) -> Status:
        """Bring every node up, or adopt the cluster that runs; returns when it is really ready."""
        with self.home.lock(tell=self._tell):
            self.home.prepare()
            adopted = self._adopt()
            if not adopted:
                self.home.require_room()
            self._keep()
            if not adopted:
                self._bring_up()
        return self.status()

    def _make_whole(self, timeout_s: float) -> None:
        """Have every node run, and wait until all of it is really ready.

        A node may leave, die or be frozen meanwhile: by somebody's command, or because a stop was
        pending. It will not come back by itself; so it is not waited for, but started again.

        Raises:
            Disturbed: that happened time and again.
            LabsError: a node can't start, or was not ready after `timeout_s`.
        """
        for left in reversed(range(ROUNDS)):
            self._settle()
            self.start_dead()
            try:
                self._wait_ready(timeout_s)
                return
            except Disturbed as error:
                if not left:
                    raise
                self._tell(f"{error.what}; it is started again", None)
                time.sleep(AGAIN_S)

    def _wait_ready(self, timeout_s: float) -> None:
        from labs.kafka import readiness  # while the JVMs are starting

        status = self.status()
        brokers = [node for node in status.nodes if node.role is Role.BROKER]
        hopeful = self._while_running({node.id for node in status.nodes})

        def arrived(part: float) -> None:
            self._tell(STARTING, part * 0.9)

        readiness.wait_seen(brokers, status.cluster_id, hopeful, timeout_s, arrived)
        self._tell("checking that records are replicated", 0.9)
        readiness.prove_replication(brokers, hopeful, timeout_s)

    def _wait_serving(self, node_id: int, timeout_s: float) -> None:
        """Wait until a node that was started alone serves; the controller must let a broker in.

        Raises:
            LabsError: one of the two does not run any more, or `timeout_s` has passed.
        """
        from labs.kafka import readiness

        status = self.status()
        node = next(node for node in status.nodes if node.id == node_id)
        hopeful = self._while_running({node_id, CONTROLLER_ID})
        if node.role is Role.BROKER:
            readiness.wait_registered(node, status.cluster_id, hopeful, timeout_s)
        else:
            readiness.wait_answering(node, hopeful, timeout_s)

    def _while_running(self, ids: set[int]) -> StillHopeful:
        """The check that tells at once when one of these nodes runs no more."""

        def hopeful() -> None:
            seen = [node for node in self.status().nodes if node.id in ids]
            lost = [node for node in seen if node.state is not State.RUNNING]
            if lost:
                died = self._death([node.id for node in lost if node.state in DEAD])
                raise died or Disturbed(lost[0], lost[0].state, self._how(lost[0].id))

        return hopeful

    def reset(self, hard: bool = False) -> None:
        """Back to a clean cluster of three brokers; `hard` wipes the disks too."""
        with self.home.lock(tell=self._tell):
            self.home.prepare()
            self._keep()
            if hard or not self._clean_softly():
                self._start_empty()
            faultlog.record(self.home.faults_file, "reset", None, "hard" if hard else "")

    def _adopt(self) -> bool:
        """Whether the cluster runs whole: every process, the right id, every broker seen."""
        status = self.status()
        ids, states = ({n.id for n in status.nodes}, {n.state for n in status.nodes})
        if not set(NODE_IDS) <= ids or states != {State.RUNNING}:
            return False
        from labs.kafka import readiness  # only now: a start must not wait for kafka-python

        brokers = status.serving
        expected = {node.id for node in brokers}
        return all(readiness.sees(node, status.cluster_id, expected) for node in brokers)

    def _clean_softly(self) -> bool:
        """Mend and empty the running cluster; False where only a fresh one will be clean."""
        if not self._adopt():
            self.home.require_room()
            self._forget([node.id for node in self._brokers() if node.state in DEAD])
            self._bring_up()
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

    def _forget(self, dead: list[int]) -> bool:
        """Whether the controller has forgotten these brokers, so that none waits to register."""
        controller = self._controller()
        if controller is None or controller.state is not State.RUNNING:
            return False
        return all([unregister(controller.port, broker, controller.host) for broker in dead])

    def _controller(self) -> Node | None:
        return next((n for n in self.status().nodes if n.id == CONTROLLER_ID), None)

    def _brokers(self) -> list[Node]:
        return [node for node in self.status().nodes if node.role is Role.BROKER]

    def faults(self) -> list[Fault]:
        """Every fault since the cluster was made, oldest first."""
        return faultlog.read(self.home.faults_file)

    @contextmanager
    def _written_down(
        self, action: str, node_id: int, save: Callable[[], None] = lambda: None
    ) -> Iterator[None]:
        """Record as a fault, and `save`, what the block does; also if it began and was cut short.

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
            save()
        except OSError as error:
            raise LabsError(
                f"{action} {node_id} was done, but can't be written down ({error.strerror})",
                hint="free some space, or let `labs reset --hard` wipe the cluster's disks",
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
            f"no broker can start while the controller is {controller.state}",
            hint=f"`labs {cure} {CONTROLLER_ID}` comes first",
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
            self._tell(f"the controller still counts on {label_of(node_id)}: waiting", None)
            time.sleep(left)

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
            raise LabsError("the cluster is not up", hint="start it with `labs up`")
        if wanted is not None:
            node = known(nodes, wanted)
            require_state(node, node.state, (State.RUNNING,))
        running = {node.id: node.address for node in status.serving}
        if not running:
            raise LabsError("no broker is running", hint="`labs status` shows them")
        return running
