"""What is the same of every cluster of the learner's own, wherever its nodes run."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping

from labs.cluster import faultlog
from labs.cluster.config import SESSION_S
from labs.cluster.home import Home
from labs.cluster.protocol import CONTROLLER_ID, Fault, State, Status, label_of
from labs.cluster.rules import known, require_state
from labs.errors import LabsError
from labs.progress import Tell, silent

#: A JVM takes about that long until it asks the controller to be registered, s.
BOOT_S = 1.0


class OwnCluster(ABC):
    """All of it is the learner's: what may be broken, and what needs no prefix and no limits.

    Args:
        home: where its faults are written down.
        tell: hears what a start is doing.
    """

    def __init__(self, home: Home, tell: Tell = silent) -> None:
        self.home = home
        self._tell = tell

    @abstractmethod
    def status(self) -> Status:
        """The state of every node."""

    def hush(self) -> None:
        """Tell no more what a start is doing."""
        self._tell = silent

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

    def faults(self) -> list[Fault]:
        """Every fault since the cluster was made, oldest first."""
        return faultlog.read(self.home.faults_file)

    def _outlast_session(self, node_id: int) -> None:
        """Wait while the controller still takes a dead broker for a living one.

        It would refuse it (DUPLICATE_BROKER_REGISTRATION), and who is refused asks again after
        0.1, 0.2, 0.4 … 3.2 s: a broker that starts too early may register seconds too late.
        """
        ends = [f.time for f in self.faults() if f.node == node_id and f.action in ("kill", "stop")]
        if not ends or node_id == CONTROLLER_ID:
            return
        left = ends[-1] + SESSION_S - BOOT_S - time.time()
        if 0 < left <= SESSION_S:  # a clock that was set back must not keep anybody waiting
            self._tell(f"the controller still counts on {label_of(node_id)}: waiting", None)
            time.sleep(left)

    def set_broker_config(
        self, settings: Mapping[str, str | None], node_id: int | None = None
    ) -> None:
        """Change dynamic settings of one broker, or (None) of all; a value None takes it back."""
        from labs.cluster import housekeeping

        brokers = self._answering(node_id)
        bootstrap = list(brokers.values())
        if node_id is None:
            housekeeping.set_default_config(bootstrap, settings, asked=next(iter(brokers)))
        else:
            housekeeping.set_broker_config(bootstrap, settings, node_id)
        faultlog.record(self.home.faults_file, "configure", node_id, str(dict(settings)))

    def set_topic_config(self, topic: str, settings: Mapping[str, str]) -> None:
        """Change settings of a topic."""
        from labs.cluster import housekeeping

        housekeeping.set_topic_config(list(self._answering().values()), topic, settings)
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
