"""A server beside Kafka, over the runner of processes: start, adopt, break, look at, stop."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from labs.base.errors import BadInput, LabsError, NotUp
from labs.base.progress import Tell, silent
from labs.kafka.last_error import error_in
from labs.services.server import Server
from labs.supervise.home import Home
from labs.supervise.ledger import Ledger, Record
from labs.supervise.processes import ProcessRunner
from labs.supervise.readiness import StillHopeful, wait_ready
from labs.supervise.runner import ALIVE, DEAD, PortTaken, Seen, State

#: How often other ports are tried.
PORT_ATTEMPTS = 4
#: Between two questions whether it is ready, s: the server needs the processor itself.
ASK_EVERY_S = 0.1
#: What a server says that finds its port taken; RabbitMQ and Quarkus say it in their own way.
_TAKEN = re.compile(
    rb"address already in use|eaddrinuse|seems to be in use by another process", re.IGNORECASE
)


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
            return ", ".join(f"node {one.node} {one.state}" for one in self.nodes)
        return self.state or "never started"


class Service:
    """One server of one home. Making the object starts nothing.

    Args:
        server: what it is.
        home: where it lives.
        tell: hears what a start is doing.
        hold: whether a start takes a lease for this process.
        grace_s: how long it outlives its last lease, s; None: as long as the cluster.
    """

    def __init__(
        self,
        server: Server,
        home: Home,
        tell: Tell = silent,
        hold: bool = True,
        grace_s: float | None = None,
    ) -> None:
        self.server = server
        self.home = home
        self.runner = ProcessRunner(home, server, hold, grace_s)
        self.runner.ready_timeout_s = server.ready_timeout_s
        self._tell = tell

    # -- looking ---------------------------------------------------------------------------

    def status(self) -> ServiceStatus:
        """How it stands now; never speaks to it."""
        seen = list(self.runner.look().values())
        alive = [one for one in seen if one.state in ALIVE]
        server = self.server
        return ServiceStatus(
            name=server.id,
            product=server.product,
            version=server.version,
            licence=server.licence,
            state=_worst(seen),
            ports=[one.port for one in alive],
            memory_mb=sum(map(memory_bytes, self.runner.processes())) // 1_000_000 if alive else 0,
            download_mb=server.to_download_mb,
            ready_s=self.runner.ready_s if alive else None,
            size_mb=server.download_mb,
            nodes=[self._node(one) for one in seen],
        )

    def _node(self, one: Seen) -> NodeStatus:
        ports = enumerate(self.server.ports_for if one.state in ALIVE else ())
        return NodeStatus(one.id, one.state, one.pid, {use: one.port + n for n, use in ports})

    def records(self) -> dict[int, Record]:
        """What is remembered of each node: its port, its process."""
        ledger = Ledger.load(self.home.state_file)
        return ledger.servers if ledger else {}

    @property
    def facts(self) -> Mapping[str, str]:
        """What was noted when it was made: its version, its password."""
        return self.runner.facts()

    def logs(self, lines: int, follow: bool) -> dict[str, Iterator[bytes]]:
        """The last lines of each node's log, and (`follow`) what it goes on to write, by its name.

        Raises:
            LabsError: it was never started.
        """
        if not self.records():
            raise LabsError(
                f"{self.server.product} was never started, so it has no log",
                hint=f"`labs services start {self.server.id}` starts it",
            )
        return {
            self.server.name(node): self.runner.log_lines(node, lines, follow)
            for node in self.records()
        }

    # -- starting and stopping -------------------------------------------------------------

    def handle(self) -> Any:
        """Start or adopt it; returns what a program speaks to it with.

        Raises:
            LabsError: it could not be started.
        """
        self.start()
        return self.server.handle(self.records(), self.facts)

    def start(self, settings: Mapping[str, str] | None = None) -> ServiceStatus:
        """Have each of its nodes run, or adopt those that do; returns when it is really ready.

        Args:
            settings: configuration of its own, in its own words, for this start only.

        Raises:
            LabsError: it could not be started; the sentence says why, and where its log is.
        """
        self._require_kafka()
        try:
            with self.home.lock(tell=self._tell):
                self.home.prepare()
                self.home.path.chmod(0o755)  # a server that runs as another user passes through
                adopted = not settings and self._adopt()
                if not adopted:
                    self.home.require_room()
                self.runner.hold()
                if not adopted:
                    self._bring_up(settings or {})
            return self.status()
        except BaseException:
            self.runner.give_back()
            if not self._alive():  # nothing is to be watched
                with contextlib.suppress(LabsError):
                    self.stop()
            raise

    def keep(self, hours: float) -> float | None:
        """Keep it up that long though nobody uses it; until when, by `base.clock`."""
        with self.home.lock(tell=self._tell):
            self.home.prepare()
            return self.runner.keep(hours)

    def _require_kafka(self) -> None:
        if not self.server.needs_kafka:
            return
        cluster = self.server.cluster()
        if not cluster.status().up:
            raise NotUp(
                f"{self.server.product} keeps what it knows in Kafka, and the cluster is not up",
                hint="`labs up` starts the cluster",
            )
        if not cluster.can_break:
            cluster.start()  # somebody else's: it looks whether we may make topics there

    def _adopt(self) -> bool:
        """Whether all of it runs and answers."""
        seen = self.runner.look()
        if self.runner.ready_s is None or self.server.misfit(self.facts):
            return False
        if {one.state for one in seen.values()} != {State.RUNNING}:
            return False
        return not self.server.lost() and self._is_ready()

    def _is_ready(self) -> bool:
        return all(self.server.ready(record, self.facts) for record in self.records().values())

    def _alive(self) -> bool:
        return any(one.state in ALIVE for one in self.runner.look().values())

    def _bring_up(self, settings: Mapping[str, str]) -> None:
        product = self.server.product
        self.runner.provide(self._tell)
        began = time.monotonic()
        self._tell(f"starting {product} {self.server.version}", None)
        for attempt in range(PORT_ATTEMPTS):
            try:
                with self.runner.starting(attempt, self._tell):
                    self._make_whole(settings)
                    self.runner.note_ready(time.monotonic() - began)
                return
            except PortTaken:
                if attempt == PORT_ATTEMPTS - 1:
                    raise

    def _make_whole(self, settings: Mapping[str, str]) -> None:
        """Have every node run, and wait until all of them answer."""
        seen = self.runner.look()
        self.runner.thaw(seen)
        leaving = [one.id for one in seen.values() if one.state is State.STOPPING]
        self._see_out(leaving)
        alive = [one.id for one in self.runner.look().values() if one.state in ALIVE]
        if alive and self.server.lost():
            self.runner.kill(alive)  # there is nothing that it could still write down
        for one in self.runner.look().values():
            if one.state in DEAD:
                self.runner.start(one.id, settings)
        timeout_s = self.server.ready_timeout_s
        if not wait_ready(self._is_ready, self._while_alive(), timeout_s, ASK_EVERY_S):
            raise LabsError(
                f"{self.server.product} runs, but was not ready after {timeout_s:g} s",
                log=self.runner.log_file(self.server.ids[0]),
                hint="the machine may be very busy: try again",
            )

    def _while_alive(self) -> StillHopeful:
        """Hope, for as long as each node lives."""

        def hopeful() -> None:
            for one in self.runner.look().values():
                if one.state in DEAD:
                    self._require_ports(one)
                    ending = self.runner.ending(one.id)
                    how = f" ({ending.how})" if ending else ""
                    raise LabsError(
                        f"{self.server.label(one.id)} died while it was starting{how}",
                        because=error_in(self.runner.said(one.id)),
                        log=self.runner.log_file(one.id),
                        hint=f"look there, then `labs services start {self.server.id}`",
                    )

        return hopeful

    def _require_ports(self, dead: Seen) -> None:
        """A JVM opens its ports seconds after we have looked whether they are free.

        Raises:
            PortTaken: by then another program had opened one of them.
        """
        if _TAKEN.search(self.runner.said(dead.id)):
            raise PortTaken(
                f"another program opened a port of {self.server.label(dead.id)} while that was"
                " starting",
                log=self.runner.log_file(dead.id),
                hint=f"`labs services start {self.server.id}` chooses other ports",
            )

    def stop(self, if_idle: bool = False) -> bool:
        """Stop it in good order; what it holds stays on disk. `if_idle`: only if nobody uses it.

        Returns whether it was up.
        """
        if not self.home.path.exists():
            return False
        with self.home.lock(tell=self._tell):
            if if_idle and self.runner.in_use:
                return False
            was_up = self._alive()
            nodes = [one.id for one in self.runner.look().values()]
            self.runner.note(nodes, State.STOPPED)
            self.runner.thaw(nodes)
            self.runner.terminate(nodes)
            self._see_out(nodes)
            self.runner.reap()
            self.runner.let_go()
            return was_up

    def _see_out(self, nodes: list[int]) -> None:
        """Wait for nodes that were told to stop; SIGKILL to those that do not end in time."""
        left = self.runner.wait_gone(nodes, self.runner.stop_timeout_s)
        if left:
            self.runner.kill(left)

    def wipe(self) -> None:
        """Stop it, and forget all that it holds."""
        self.stop()
        if self.home.path.exists():
            with self.home.lock(tell=self._tell):
                self.home.prepare()
                self.runner.wipe()

    # -- breaking and mending --------------------------------------------------------------

    def kill(self, node: int | None = None) -> None:
        """SIGKILL to a node, or to all of them."""
        with self._changing("kill", node, ALIVE) as nodes:
            self.runner.note(nodes, State.KILLED)
            self.runner.kill(nodes)

    def pause(self, node: int | None = None) -> None:
        """SIGSTOP: it keeps its connections, and answers nobody."""
        with self._changing("pause", node, (State.RUNNING,)) as nodes:
            for each in nodes:
                self.runner.freeze(each)

    def resume(self, node: int | None = None) -> None:
        """SIGCONT."""
        with self._changing("resume", node, (State.PAUSED,)) as nodes:
            self.runner.thaw(nodes)

    @contextmanager
    def _changing(
        self, action: str, node: int | None, allowed: tuple[State, ...]
    ) -> Iterator[list[int]]:
        """The nodes that are meant, while we hold the home.

        Raises:
            BadInput: there is no such node.
            LabsError: none is in a state in which that can be done.
        """
        with self.home.lock(tell=self._tell):
            seen = self.runner.look()
            if node is not None and node not in self.server.ids:
                known = ", ".join(map(str, self.server.ids))
                raise BadInput(f"{self.server.product} has no node {node}", hint=f"it has {known}")
            meant = [one for one in seen.values() if node in (None, one.id)]
            fitting = [one.id for one in meant if one.state in allowed]
            if not fitting:
                state = _worst(meant) or State.STOPPED
                raise LabsError(
                    f"{self.server.product} is {state}, so there is nothing to {action}",
                    hint="`labs services` shows how things stand",
                )
            yield fitting


#: The state of several nodes is the one of them that comes first here.
_WORST = (State.KILLED, State.PAUSED, State.STOPPING, State.STOPPED, State.RUNNING)


def _worst(seen: list[Seen]) -> State | None:
    states = {one.state for one in seen}
    return next((state for state in _WORST if state in states), None)


def memory_bytes(pid: int) -> int:
    """What a process takes (PSS where the system tells, else RSS), bytes; 0 once it is gone."""
    with contextlib.suppress(psutil.Error):
        told = psutil.Process(pid).memory_full_info()
        return int(getattr(told, "pss", told.rss))
    return 0
