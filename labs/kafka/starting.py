"""Have the nodes of a cluster run, and wait until they are really ready.

kafka-python takes longer to import than all the rest. So what speaks Kafka (`readiness`) is
imported while the JVMs are starting.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from labs.base.errors import LabsError
from labs.base.progress import Tell
from labs.base.words import Words
from labs.kafka.cluster import ALIVE, CONTROLLER_ID, DEAD, Node, Role, State, label_of, role_of
from labs.kafka.last_error import error_in
from labs.kafka.refusals import Disturbed, NotReady
from labs.supervise import lifecycle
from labs.supervise.runner import PortTaken, Runner

if TYPE_CHECKING:
    from labs.supervise.readiness import StillHopeful

words = Words(__file__)

#: A node that was told to stop gets that long to end well before it is started again, s. Without a
#: controller a broker can't, so it gets none.
LEAVE_S = 3.0
#: How often a start begins again because of what is done to the nodes meanwhile.
ROUNDS, AGAIN_S = 6, 0.2


def nodes_of(runner: Runner) -> dict[int, Node]:
    """Every node, as its runner sees it now."""
    return {
        seen.id: Node(
            seen.id, role_of(seen.id), seen.state, seen.pid, seen.port, seen.log, seen.host
        )
        for seen in runner.look().values()
    }


def brokers_of(runner: Runner) -> list[Node]:
    """Its brokers, as above."""
    return [node for node in nodes_of(runner).values() if node.role is Role.BROKER]


def controller_of(runner: Runner) -> Node | None:
    """Its controller, as above; None where there is none."""
    return nodes_of(runner).get(CONTROLLER_ID)


class Starting:
    """Starts of the nodes of one runner. Hold the home's lock.

    Args:
        tell: hears what a start is doing.
    """

    def __init__(self, runner: Runner, tell: Tell) -> None:
        self._runner = runner
        self._tell = tell

    def bring_up(self) -> None:
        """Start what does not run, and wait until all of it is really ready."""
        self._runner.provide(self._tell)
        self._tell(words("starting.all"), 0.0)
        lifecycle.bring_up(self._runner, self._make_whole, self._tell)

    def _make_whole(self) -> None:
        """Have every node run, and wait until all of it is really ready.

        A node may leave, die or be frozen meanwhile: by somebody's command, or because a stop was
        pending. It will not come back by itself; so it is not waited for, but started again.

        Raises:
            Disturbed: that happened time and again.
            LabsError: a node can't start, or was not ready in time.
        """
        for left in reversed(range(ROUNDS)):
            self.settle()
            self.start_dead()
            try:
                with self._log_named():
                    self._wait_ready()
                return
            except Disturbed as error:
                if not left:
                    raise
                self._tell(words("starting.again", what=error.what), None)
                time.sleep(AGAIN_S)

    def settle(self) -> None:
        """Let paused nodes go on, and end those that were told to stop."""
        self._runner.thaw(nodes_of(self._runner))
        nodes = nodes_of(self._runner)
        leaving = [node for node in nodes.values() if node.state is State.STOPPING]
        if leaving:
            self.see_out(leaving, CONTROLLER_ID in nodes and nodes[CONTROLLER_ID].state in ALIVE)

    def see_out(self, leaving: list[Node], orderly: bool = True) -> None:
        """Wait for nodes that were told to stop; SIGKILL to those that do not end in time."""
        names = ", ".join(node.label for node in leaving)
        self._tell(words("starting.seeing_out", names=names), None)
        patience_s = LEAVE_S if orderly else 0.0
        lifecycle.end(self._runner, [node.id for node in leaving], patience_s)

    def start_dead(self) -> None:
        """Start every dead node, the controller first: the others look for it."""
        dead = [node for node in nodes_of(self._runner).values() if node.state in DEAD]
        for node in sorted(dead, key=lambda node: node.role is Role.BROKER):
            self._runner.start(node.id)

    def serve(self, node_id: int, settings: Mapping[str, str] | None = None) -> None:
        """Start a dead node of a running cluster, and wait until it serves.

        Raises:
            LabsError: it or the controller does not run any more, or was not ready in time.
        """
        self._tell(words("starting.one", node=label_of(node_id)), None)
        self._runner.start(node_id, settings)
        with self._log_named():
            self._wait_serving(node_id)

    def _wait_ready(self) -> None:
        from labs.kafka import readiness

        nodes = nodes_of(self._runner)
        brokers = [node for node in nodes.values() if node.role is Role.BROKER]
        hopeful, timeout_s = self._while_running(set(nodes)), self._runner.ready_timeout_s

        def arrived(part: float) -> None:
            self._tell(words("starting.all"), part * 0.9)

        readiness.wait_seen(brokers, self._cluster_id, hopeful, timeout_s, arrived)
        self._tell(words("starting.checking"), 0.9)
        readiness.prove_replication(brokers, hopeful, timeout_s)

    def _wait_serving(self, node_id: int) -> None:
        """The controller must let a broker in."""
        from labs.kafka import readiness

        node = nodes_of(self._runner)[node_id]
        hopeful = self._while_running({node_id, CONTROLLER_ID})
        timeout_s = self._runner.ready_timeout_s
        if node.role is Role.BROKER:
            readiness.wait_registered(node, self._cluster_id, hopeful, timeout_s)
        else:
            readiness.wait_answering(node, hopeful, timeout_s)

    @property
    def _cluster_id(self) -> str:
        return self._runner.facts()["cluster_id"]

    def _while_running(self, ids: set[int]) -> StillHopeful:
        """The check that tells at once when one of these nodes runs no more."""

        def hopeful() -> None:
            seen = [node for node in nodes_of(self._runner).values() if node.id in ids]
            lost = [node for node in seen if node.state is not State.RUNNING]
            if lost:
                died = self._death([node.id for node in lost if node.state in DEAD])
                ending = self._runner.ending(lost[0].id)
                raise died or Disturbed(lost[0], ending.how if ending else "")

        return hopeful

    def _death(self, dead: list[int]) -> LabsError | None:
        """Why nodes of this start died; None if somebody's signal ended them.

        One lost port brings the others down too: that reason goes first.
        """
        reasons = {}
        for node_id in dead:
            ending = self._runner.ending(node_id)
            if ending and not ending.signalled:
                own = "" if ending.out_of_memory else self._last_error(node_id)
                reasons[node_id] = own or ending.how
        if not reasons:
            return None
        bound = next((i for i in reasons if _is_bind_error(reasons[i])), None)
        node_id = bound or next(iter(reasons))
        return (PortTaken if bound else LabsError)(
            words("starting.died", node=label_of(node_id)),
            because=reasons[node_id],
            log=self._runner.log_file(node_id),
            hint=words("starting.died_hint", id=node_id),
        )

    def _last_error(self, node_id: int) -> str:
        return error_in(self._runner.said(node_id))

    @contextmanager
    def _log_named(self) -> Iterator[None]:
        """A node that is not ready in time has a log, and perhaps said there what it waits for."""
        try:
            yield
        except NotReady as error:
            node_id = error.node.id
            error.because, error.log = self._last_error(node_id), self._runner.log_file(node_id)
            raise


def _is_bind_error(reason: str) -> bool:
    return "Address already in use" in reason or "BindException" in reason
