"""A small cluster in memory, for tests of what looks at a cluster and presses its buttons.

It has one partition; a silent leader is replaced `election_s` after its fault. `status` and the
actions are the cluster's own; `seen` is what an `Observer` would see of it.
"""

from __future__ import annotations

import time
from typing import Any

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.kafka.actions import ACTIONS
from labs.kafka.cluster import CONTROLLER_ID, Fault, Node, Role, State, Status
from labs.kafka.wire import BrokerConnection
from labs.observe.snapshot import ClusterSnapshot, Partition
from labs.supervise.ports import HOST

R, P, S, K = State.RUNNING, State.PAUSED, State.STOPPED, State.KILLED


class ModelCluster:
    """Only a part of the `Cluster` protocol, so whoever passes it on calls it `Any`.

    Args:
        states: of the brokers 1, 2, 3 …; the controller runs.
        ports: where they listen.
    """

    prefix = ""
    can_break = True
    home = "/nowhere"

    def __init__(self, *states: State, ports: list[int] | None = None) -> None:
        brokers = dict(enumerate(states or (R, R, R), 1))
        self.ports = dict(zip(brokers, ports or range(19091, 19999), strict=False))
        self.states = {**brokers, CONTROLLER_ID: R}
        self.recorded: list[Fault] = []
        self.leader, self.isr, self.epoch = 1, sorted(brokers), 0
        self.election_s, self.action_s = 0.3, 0.0
        self.silent_since: dict[int, float] = {}
        self.trouble: Exception | None = None
        self.looks = 0
        self.begun: list[tuple[str, int]] = []
        self.connect: Any = BrokerConnection  # how a line is opened

    @property
    def bootstrap(self) -> list[str]:
        return [f"{HOST}:{port}" for port in self.ports.values()]

    def line(self, broker: int, timeout_s: float) -> Any:
        return self.connect(self.ports[broker], HOST, timeout_s)

    def status(self) -> Status:
        if self.trouble:
            raise self.trouble
        nodes = [
            Node(i, Role.CONTROLLER, state, 1, 19099, "")
            if i == CONTROLLER_ID
            else Node(i, Role.BROKER, state, 1, self.ports.get(i, 19000 + i), "")
            for i, state in reversed(self.states.items())  # in no order that anybody may rely on
        ]
        return Status("local", "4.3.1", "id", self.home, self.bootstrap, 0.0, nodes)

    def faults(self) -> list[Fault]:
        return list(self.recorded)

    def kill(self, node: int) -> None:
        self._do("kill", node, K)

    def pause(self, node: int) -> None:
        self._do("pause", node, P)

    def resume(self, node: int) -> None:
        self._do("resume", node, R)

    def stop_broker(self, node: int) -> None:
        self._do("stop", node, S)

    def start_broker(self, node: int) -> None:
        self._do("start", node, R)

    def start(self) -> Status:
        for node, state in self.states.items():
            if state is not R:
                self._do("resume" if state is P else "start", node, R)
        return self.status()

    def _do(self, action: str, node: int, state: State) -> None:
        if self.states.get(node) not in ACTIONS[action].allowed:
            raise LabsError(f"broker {node} can't {action}", hint="look first")
        began = now()
        self.begun.append((action, node))
        time.sleep(self.action_s)
        self.states[node] = state
        if state is R:
            self.silent_since.pop(node, None)
            self.isr = sorted({*self.isr, node})
        else:
            self.silent_since[node] = began
        self.recorded.append(Fault(began, action, node))

    def seen(self) -> ClusterSnapshot:
        nodes = tuple(sorted(self.status().nodes, key=lambda node: node.id))
        self.looks += 1
        at = now()
        for node, since in self.silent_since.items():
            if at - since >= self.election_s and node in self.isr:
                self.isr.remove(node)
        if self.leader not in self.isr and self.isr:
            self.leader, self.epoch = self.isr[0], self.epoch + 1
        running = [n for n in (1, 2, 3) if self.states[n] is R]
        partition = Partition("flights", 0, self.leader, self.epoch, (1, 2, 3), tuple(self.isr))
        if not running:
            return ClusterSnapshot(at, nodes)
        return ClusterSnapshot(at, nodes, (partition,), answered_by=running[0])
