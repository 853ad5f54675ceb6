"""The local backend: one controller and three brokers as ordinary processes on loopback.

Many notebooks and commands share one cluster. What they agree on lies in the home's state file;
whoever changes something holds the home's lock while doing so.

kafka-python takes longer to import than all the rest. So what speaks Kafka (`readiness`,
`reset`, `admin`) is imported where it is used, and `labs status` answers at once.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.progress import Tell, silent
from labs.kafka import faultlog
from labs.kafka.cluster import (
    ALIVE,
    ANSWERING,
    BROKER_IDS,
    CONTROLLER_ID,
    DEAD,
    Node,
    Role,
    State,
    Status,
)
from labs.kafka.installation import Installation, ensure_installation, library_folder, new_id
from labs.kafka.jars import kafka_version
from labs.kafka.kafka_cluster import LEAVE_S, STARTING, KafkaCluster
from labs.kafka.process import (
    ended_by,
    ended_from_outside,
    is_alive,
    last_error,
    send,
    spawn,
    wait_gone,
)
from labs.kafka.refusals import (
    READY_TIMEOUT_S,
    STOP_TIMEOUT_S,
    NotReady,
    Unfinished,
    known,
    require_room,
    require_state,
)
from labs.kafka.state import ClusterState, NodeState, living_state, observed, our_processes
from labs.kafka.watchdog import dismiss, ensure_watchdog
from labs.supervise import leases, machine
from labs.supervise.home import Home
from labs.supervise.identity import kill_all
from labs.supervise.ports import HOST, choose_ports, is_let_go

if TYPE_CHECKING:
    from labs.kafka.wire import BrokerConnection

PORT_ATTEMPTS = 4
#: How long SIGSTOP may take to show, s.
PAUSE_TIMEOUT_S = 5.0
#: How long a process may take to be gone after SIGKILL, s.
KILL_TIMEOUT_S = 5.0


class NodeDied(LabsError):  # noqa: N818 - it names what happened
    """A JVM ended while it was starting."""


class PortTaken(NodeDied):
    """It ended because somebody else had taken its port meanwhile."""


class LocalCluster(KafkaCluster):
    """The cluster of one home. Making the object starts nothing.

    Args:
        home: where it lives; None takes the one that `LABS_HOME` names.
        tell: hears what a start is doing.
        hold: whether a start takes a lease for this process.
        grace_s: how long it outlives its last lease, s; None: as long as any.
        installation: what to start from; None: the one that is made once for all starts.
    """

    def __init__(
        self,
        home: Home | None = None,
        tell: Tell = silent,
        hold: bool = True,
        grace_s: float | None = None,
        installation: Installation | None = None,
    ) -> None:
        super().__init__(home or Home.current(), tell)
        self._hold = hold
        self._grace_s = grace_s
        self._installation = installation
        self._promised: float | None = None
        #: The nodes that the start under way has started: where in its log each begins, bytes.
        self._begins: dict[int, int] = {}

    # -- looking ---------------------------------------------------------------------------

    def line(self, broker: int, timeout_s: float = 1.0) -> BrokerConnection:
        """A connection to this very broker."""
        from labs.kafka.wire import BrokerConnection

        return BrokerConnection(known(self._state().nodes, broker).port, timeout_s=timeout_s)

    def files(self, broker: int, pattern: str) -> dict[str, bytes]:
        """Path → content of the files in a broker's log directory."""
        disk = self.home.data / f"broker-{broker}" / "records"
        found = {}
        for file in sorted(disk.glob(pattern)):
            with contextlib.suppress(FileNotFoundError):  # a checkpoint is just being replaced
                found[file.relative_to(disk).as_posix()] = file.read_bytes()
        return found

    def keep(self, hours: float, if_unused: bool = False) -> float | None:
        """Keep it up that long though nobody uses it (`if_unused`: only if nobody does now)."""
        with self.home.lock(tell=self._tell):  # a stop under way will forget every lease
            self.home.prepare()
            if not (if_unused and leases.holders(self.home.leases)):
                self._promised = leases.promise(self.home.leases, hours * 3600)
        return self._promised

    def leave(self) -> None:
        """Give up this process's lease; stop the cluster unless others use it."""
        leases.release(self.home.leases)
        if not leases.holders(self.home.leases):
            self._tell("stopping the cluster", None)
            self.stop(if_idle=True)  # looks again: somebody may have come meanwhile

    def status(self) -> Status:
        """The state of every node, from the operating system; never talks to Kafka."""
        machine.require_seen_from_here(self.home.path)
        cluster = self._state()
        return Status(
            backend="local",
            kafka_version=cluster.kafka_version,
            cluster_id=cluster.cluster_id,
            home=str(self.home.path),
            bootstrap=[f"{HOST}:{node.port}" for node in cluster.brokers()],
            ready_s=cluster.ready_s,
            nodes=[self._node(node) for node in cluster.nodes.values()],
        )

    def _node(self, node: NodeState) -> Node:
        state, pid = observed(self.home.path, node)
        if pid is None and self._alive(node):  # a child of ours, in the moment it becomes Java
            state, pid = living_state(node), node.pid
        log = str(self.home.log_of(node.name))
        return Node(node.id, node.role, state, pid, node.port, log)

    def _state(self) -> ClusterState:
        loaded = ClusterState.load(self.home.state_file)
        return loaded or ClusterState(cluster_id="", kafka_version=kafka_version())

    # -- starting and stopping ---------------------------------------------------------------

    def start(self) -> Status:
        """Bring every node up, or adopt the cluster that runs; returns when it is really ready."""
        try:
            return super().start()
        except BaseException:
            if not any(map(self._alive, self._state().nodes.values())):
                leases.take_back(self.home.leases, self._promised)
            raise

    def stop(self, if_idle: bool = False) -> None:
        """Stop every node cleanly, and the watchdog; the records stay on disk.

        Args:
            if_idle: do so only if nobody holds a lease.
        """
        if not self.home.path.exists():
            return
        with self.home.lock(tell=self._tell):
            if if_idle and leases.holders(self.home.leases):
                return
            self._stop_all()
            leases.release_all(self.home.leases)
            dismiss(self.home)
            machine.give_up(self.home.path)

    def _keep(self) -> None:
        """Take our lease and start the watchdog: whatever becomes of us, nothing stays behind."""
        machine.claim(self.home.path)
        if self._hold:
            leases.hold(self.home.leases)
        ensure_watchdog(self.home, self._grace_s)

    def _adopt(self) -> bool:
        return self._state().ready_s is not None and super()._adopt()  # its start was finished

    def _bring_up(self) -> None:
        self._get_installation()
        started = time.monotonic()
        self._tell(STARTING, 0.0)
        for attempt in range(PORT_ATTEMPTS):
            try:
                self._boot(started, attempt)
                return
            except PortTaken:
                if attempt == PORT_ATTEMPTS - 1:
                    raise

    def _boot(self, started: float, attempt: int) -> None:
        before = self._ready_to_boot(attempt)
        with self._undone_on_failure(before), self._log_named():
            self._make_whole(READY_TIMEOUT_S)
            cluster = self._state()
            cluster.ready_s = round(time.monotonic() - started, 2)
            cluster.save(self.home.state_file)

    def _ready_to_boot(self, attempt: int) -> ClusterState:
        """The state to boot from: strays gone, every node running or dead, ports free."""
        cluster = ClusterState.load(self.home.state_file)
        if cluster is None or cluster.kafka_version != kafka_version():
            if any(self.home.data.iterdir()):
                of = f"of Kafka {cluster.kafka_version}" if cluster else "of a cluster unknown here"
                self._tell(f"wiping the disks: what is on them is {of}", None)
            self._wipe()
            cluster = self._new_state()
        self._reap_strays(cluster)
        cluster.save(self.home.state_file)
        self._settle()
        dead = [node for node in cluster.nodes.values() if not self._alive(node)]
        stuck = cluster.ready_s is None
        if stuck or attempt or not all(is_let_go(node.port) for node in dead):
            # A start that was cut short, or a port that is gone: begin anew with the old records.
            self._kill_all(cluster)
            self._assign_ports(cluster, attempt)
        cluster.save(self.home.state_file)
        return cluster

    def _new_state(self) -> ClusterState:
        """A cluster that was never started; it gets its ports when it is."""
        cluster = ClusterState(cluster_id=new_id(), kafka_version=kafka_version())
        for node_id in (*BROKER_IDS, CONTROLLER_ID):
            cluster.nodes[node_id] = NodeState(node_id, port=0)
        return cluster

    def _assign_ports(self, cluster: ClusterState, skip: int) -> None:
        # The controller comes first in the block: 19090, then brokers 19091, 19092, 19093.
        nodes = sorted(cluster.nodes.values(), key=lambda node: (node.role is Role.BROKER, node.id))
        wished = [node.port for node in nodes]
        for node, port in zip(nodes, choose_ports(len(nodes), wished, skip), strict=True):
            node.port = port

    def _settle(self) -> None:
        cluster = self._state()
        for node in cluster.nodes.values():
            send(self.home, node, signal.SIGCONT)
        leaving = [
            node
            for node in cluster.nodes.values()
            if node.wanted is State.STOPPED and self._alive(node)
        ]
        self._end(leaving, LEAVE_S if self._has_controller(cluster) else 0.0)
        dead = [node for node in cluster.nodes.values() if not self._alive(node)]
        wait_gone(self.home, dead, KILL_TIMEOUT_S)  # their ports are wanted

    def _end(self, leaving: list[NodeState], patience_s: float) -> None:
        """Wait for nodes that were told to stop; SIGKILL to those that do not end in time."""
        if leaving:
            names = ", ".join(node.label for node in leaving)
            self._tell(f"waiting for the end of {names}, which was to stop", None)
            self._kill(wait_gone(self.home, leaving, patience_s))

    def start_dead(self) -> None:
        """Start every dead node, the controller first."""
        cluster = self._state()
        dead = [node for node in cluster.nodes.values() if not self._alive(node)]
        if len(dead) == len(cluster.nodes):  # else those that run are whole without us
            cluster.ready_s = None
        for node in sorted(dead, key=lambda node: node.role is Role.BROKER):
            self._spawn(cluster, node)

    def _spawn(
        self, cluster: ClusterState, node: NodeState, static: Mapping[str, str] | None = None
    ) -> None:
        self._begins[node.id] = 0
        try:
            self._begins[node.id] = spawn(
                self.home, self._get_installation(), cluster, node, static
            )
        finally:
            # Saved one by one, come what may: whoever ends us between two, the first is known.
            cluster.save(self.home.state_file)

    def _death(self, dead: list[int]) -> NodeDied | None:
        """Why a start failed. One lost port brings the others down too: that reason goes first."""
        nodes = [node for i, node in self._state().nodes.items() if i in dead and i in self._begins]
        nodes = [node for node in nodes if not ended_from_outside(node)]
        if not nodes:
            return None
        reasons = {node.id: self._last_error(node) or ended_by(node) for node in nodes}
        bound = next((node for node in nodes if _is_bind_error(reasons[node.id])), None)
        node = bound or nodes[0]
        return (PortTaken if bound else NodeDied)(
            f"{node.label} died while it was starting",
            because=reasons[node.id],
            log=self.home.log_of(node.name),
            hint="mend that and run `labs up` again; `labs reset --hard` starts with empty disks",
        )

    def _how(self, node_id: int) -> str:
        return ended_by(self._state().nodes[node_id]) if node_id in self._begins else ""

    def _last_error(self, node: NodeState) -> str:
        return last_error(self.home.log_of(node.name), self._begins.get(node.id, 0))

    @contextmanager
    def _log_named(self) -> Iterator[None]:
        """A node that is not ready in time has a log, and perhaps said there what it waits for."""
        try:
            yield
        except NotReady as error:
            node = self._state().nodes[error.node.id]
            error.because, error.log = self._last_error(node), self.home.log_of(node.name)
            raise

    @contextmanager
    def _undone_on_failure(self, before: ClusterState) -> Iterator[None]:
        """Leave nothing half started behind, whatever ends the start (an interrupt too).

        Nodes that ran before go on as before.
        """
        self._begins.clear()
        try:
            yield
        except BaseException:
            cluster = self._state()
            begun = [node for i, node in cluster.nodes.items() if i in self._begins]
            self._kill(begun)
            for node in begun:
                node.wanted = before.nodes[node.id].wanted
            cluster.ready_s = before.ready_s if len(begun) < len(cluster.nodes) else None
            with contextlib.suppress(OSError):
                cluster.save(self.home.state_file)
            raise

    def _stop_all(self) -> None:
        """SIGTERM to the brokers together, then to the controller; SIGKILL to what is left.

        The order matters: a broker that shuts down asks the controller to move its leaderships,
        and waits for an answer. What we are about is written down first: should we be killed, the
        watchdog ends the rest.
        """
        cluster = self._state()
        for node in cluster.nodes.values():
            node.wanted = State.STOPPED
            send(self.home, node, signal.SIGCONT)
        if cluster.nodes:
            with contextlib.suppress(OSError):  # a full disk must not keep a cluster up
                cluster.save(self.home.state_file)
        controllers = [n for n in cluster.nodes.values() if n.role is Role.CONTROLLER]
        for group in (cluster.brokers(), controllers):
            for node in group:
                send(self.home, node, signal.SIGTERM)
            wait_gone(self.home, group, 8.0 if self._has_controller(cluster) else 0.5)
        self._kill_all(cluster)

    def _has_controller(self, cluster: ClusterState) -> bool:
        """A broker can't shut down in an orderly way without its controller."""
        controller = cluster.nodes.get(CONTROLLER_ID)
        return controller is not None and self._alive(controller)

    def _kill_all(self, cluster: ClusterState) -> None:
        nodes = list(cluster.nodes.values())
        self._kill(nodes)
        for node in nodes:
            node.wanted = State.STOPPED
        self._reap_strays(None)

    def _kill(self, nodes: list[NodeState]) -> list[NodeState]:
        """SIGKILL; returns those that live all the same."""
        for node in nodes:
            send(self.home, node, signal.SIGKILL)
        return wait_gone(self.home, nodes, KILL_TIMEOUT_S)

    def _reap_strays(self, cluster: ClusterState | None) -> None:
        """End processes that name our home but that no state file knows (its writer was killed)."""
        nodes = cluster.nodes.values() if cluster else ()
        known = {node.pid for node in nodes if self._alive(node)}
        kill_all(p for p in our_processes(self.home.path) if p.pid not in known)

    def _alive(self, node: NodeState) -> bool:
        return is_alive(self.home, node)

    def _wipe(self) -> None:
        self._kill_all(self._state())  # also those that a lost state file knew
        shutil.rmtree(self.home.data, ignore_errors=True)
        self.home.faults_file.unlink(missing_ok=True)
        self.home.data.mkdir(exist_ok=True)

    def _get_installation(self) -> Installation:
        if self._installation is None:
            library_folder(self.home.path)  # or it would be told only after all was downloaded
            self._installation = ensure_installation(train, self._tell)
        return self._installation

    # -- breaking and mending ------------------------------------------------------------------

    def kill(self, node_id: int) -> None:
        """SIGKILL."""
        with self._changing(node_id, "kill") as node:
            self._signal(node, signal.SIGKILL, ALIVE)
            node.wanted = State.KILLED
            wait_gone(self.home, [node], KILL_TIMEOUT_S)

    def pause(self, node_id: int) -> None:
        """SIGSTOP, and wait for its effect, which comes when each thread is next about to run."""
        with self._changing(node_id, "pause") as node:
            self._signal(node, signal.SIGSTOP, (State.RUNNING,))
            deadline = time.monotonic() + PAUSE_TIMEOUT_S
            while observed(self.home.path, node)[0] is State.RUNNING:
                if time.monotonic() > deadline:
                    raise LabsError(
                        f"{node.label} did not stop running within {PAUSE_TIMEOUT_S:g} s",
                        hint="`labs status` tells whether it has by now",
                    )
                time.sleep(0.002)

    def resume(self, node_id: int) -> None:
        """SIGCONT."""
        with self._changing(node_id, "resume") as node:
            self._signal(node, signal.SIGCONT, (State.PAUSED,))

    def stop_broker(self, node_id: int) -> None:
        """SIGTERM, and wait for the controlled shutdown; also for one that is under way."""
        with self._changing(node_id, "stop") as node:
            self._require(node, ANSWERING)
            self._tell(f"waiting until {node.label} has shut down", None)
            cluster = self._state()  # before the signal: should we be killed, that is known
            cluster.nodes[node_id].wanted = node.wanted = State.STOPPED
            with contextlib.suppress(OSError):  # a full disk must keep nobody from stopping it
                cluster.save(self.home.state_file)
            send(self.home, node, signal.SIGTERM)
            if wait_gone(self.home, [node], STOP_TIMEOUT_S):
                raise Unfinished(node, self.home.log_of(node.name))

    def start_broker(self, node_id: int, static: Mapping[str, str] | None = None) -> None:
        """Start a node that was stopped or killed, or is stopping, on its old port and data.

        Args:
            node_id: which.
            static: settings on top of the lab's, until the node is started again.
        """
        self._get_installation()
        self._running_state()
        self._require_controller(node_id)
        self.outlast_session(node_id)
        with self._changing(node_id, "start") as node:
            self._require(node, (*DEAD, State.STOPPING))
            if self._alive(node):
                self._end([node], LEAVE_S)
            if not is_let_go(node.port):
                raise LabsError(
                    f"port {node.port}, which {node.label} had, is taken by another program",
                    hint="close that program, or let `labs down` and `labs up` choose new ports",
                )
            self._serve(node, static)

    def add_broker(self) -> int:
        """One broker more."""
        self._get_installation()
        with self.home.lock(tell=self._tell):
            cluster = self._running_state()
            new = max(node.id for node in cluster.brokers()) + 1
            require_room(len(cluster.brokers()))
            self._require_controller(new)
            beside = max(node.port for node in cluster.nodes.values()) + 1
            when = now()
            for attempt in range(PORT_ATTEMPTS):
                try:
                    self._serve(NodeState(new, choose_ports(1, [beside], attempt)[0]))
                    break
                except BaseException as error:
                    if self._discard([new]):  # or every later start would try again
                        self._forget([new])
                    if not isinstance(error, PortTaken) or attempt == PORT_ATTEMPTS - 1:
                        raise
            faultlog.record(self.home.faults_file, "add", new, when=when)
        return new

    def _serve(self, node: NodeState, static: Mapping[str, str] | None = None) -> None:
        """Spawn a node of a running cluster and wait until it serves."""
        ensure_watchdog(self.home)  # the machine may have been started anew since
        cluster = self._running_state()
        cluster.nodes[node.id] = node
        self._begins.clear()
        self._tell(f"starting {node.label}", None)
        self._spawn(cluster, node, static)
        with self._log_named():
            self._wait_serving(node.id, READY_TIMEOUT_S)

    @contextmanager
    def _changing(self, node_id: int, action: str) -> Iterator[NodeState]:
        """Hold the lock, hand out the node, then record the fault and save the state."""
        self._running_state()  # before the lock, whose file would make a home
        with self.home.lock(tell=self._tell):
            cluster = self._running_state()
            node = known(cluster.nodes, node_id)
            with self._written_down(action, node_id, lambda: cluster.save(self.home.state_file)):
                yield node

    def _running_state(self) -> ClusterState:
        machine.require_seen_from_here(self.home.path)
        cluster = ClusterState.load(self.home.state_file)
        if cluster is None or not cluster.is_whole():
            raise LabsError("the cluster is not up", hint="start it with `labs up`")
        return cluster

    def _signal(self, node: NodeState, number: signal.Signals, allowed: tuple[State, ...]) -> None:
        self._require(node, allowed)
        send(self.home, node, number)

    def _require(self, node: NodeState, allowed: tuple[State, ...]) -> None:
        require_state(node, observed(self.home.path, node)[0], allowed)

    # -- cleaning up ---------------------------------------------------------------------------

    def _discard(self, brokers: list[int]) -> bool:
        cluster = self._state()
        nodes = [cluster.nodes[node_id] for node_id in brokers if node_id in cluster.nodes]
        if self._kill(nodes):
            return False
        for node in nodes:
            del cluster.nodes[node.id]
            shutil.rmtree(self.home.data / node.name, ignore_errors=True)
        cluster.save(self.home.state_file)
        return True

    def _start_empty(self) -> None:
        cluster = ClusterState.load(self.home.state_file)
        self._tell("wiping the disks", None)
        self._wipe()
        fresh = self._new_state()
        if cluster is not None:
            for node_id, node in fresh.nodes.items():
                node.port = cluster.nodes[node_id].port if node_id in cluster.nodes else node.port
        fresh.save(self.home.state_file)
        self.home.require_room()
        self._bring_up()


def _is_bind_error(reason: str) -> bool:
    return "Address already in use" in reason or "BindException" in reason


def train(installation: Installation, home: Home) -> None:
    """Boot and use a throwaway cluster, so that its JVMs write down which classes they load."""
    # It is nobody's if we are killed.
    cluster = LocalCluster(home, grace_s=0, installation=installation)
    try:
        cluster.start()
        from labs.kafka import admin

        admin.exercise(cluster.bootstrap)
    finally:
        cluster.stop()
