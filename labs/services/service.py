"""A server beside Kafka, over the runner of processes: start, adopt, break, look at, stop."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from labs.base.errors import BadInput, LabsError, NotUp
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.kafka.last_error import error_in
from labs.services.server import Server
from labs.services.status import NodeStatus, ServiceStatus, memory_bytes, worst
from labs.supervise import lifecycle
from labs.supervise.home import Home
from labs.supervise.ledger import Ledger, Record
from labs.supervise.processes import ProcessRunner
from labs.supervise.readiness import StillHopeful, wait_ready
from labs.supervise.runner import ALIVE, DEAD, PortTaken, Seen, State

words = Words(__file__)

#: Between two questions whether it is ready, s: the server needs the processor itself.
ASK_EVERY_S = 0.1
#: What a server says that finds its port taken; RabbitMQ and Quarkus say it in their own way.
_TAKEN = re.compile(
    rb"address already in use|eaddrinuse|seems to be in use by another process", re.IGNORECASE
)


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
            state=worst(seen),
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
                words("no_log.what", product=self.server.product),
                hint=words("no_log.hint", id=self.server.id),
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
        chosen = settings or {}
        try:
            lifecycle.adopt_or_start(
                self.runner,
                lambda: not chosen and self._adopt(),
                lambda: self._bring_up(chosen),
                self._tell,
            )
        except BaseException:
            if not self._alive():  # nothing is to be watched
                with contextlib.suppress(LabsError):
                    self.stop()
            raise
        return self.status()

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
                words("in_kafka.needs", product=self.server.product),
                hint=words("in_kafka.needs_hint"),
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
        self.home.path.chmod(0o755)  # a server that runs as another user passes through
        self.runner.provide(self._tell)
        what = words("starting", product=self.server.product, version=self.server.version)
        self._tell(what, None)
        lifecycle.bring_up(self.runner, lambda: self._make_whole(settings), self._tell)

    def _make_whole(self, settings: Mapping[str, str]) -> None:
        """Have every node run, and wait until all of them answer."""
        seen = self.runner.look()
        self.runner.thaw(seen)
        leaving = [one.id for one in seen.values() if one.state is State.STOPPING]
        lifecycle.end(self.runner, leaving, self.runner.stop_timeout_s)
        alive = [one.id for one in self.runner.look().values() if one.state in ALIVE]
        if alive and self.server.lost():
            self.runner.kill(alive)  # there is nothing that it could still write down
        for one in self.runner.look().values():
            if one.state in DEAD:
                self.runner.start(one.id, settings)
        timeout_s = self.server.ready_timeout_s
        if not wait_ready(self._is_ready, self._while_alive(), timeout_s, ASK_EVERY_S):
            raise LabsError(
                words("not_ready.what", product=self.server.product, timeout_s=timeout_s),
                log=self.runner.log_file(self.server.ids[0]),
                hint=words("not_ready.hint"),
            )

    def _while_alive(self) -> StillHopeful:
        """Hope, for as long as each node lives."""

        def hopeful() -> None:
            for one in self.runner.look().values():
                if one.state in DEAD:
                    self._require_ports(one)
                    ending = self.runner.ending(one.id)
                    told = {"label": self.server.label(one.id), "how": ending.how if ending else ""}
                    raise LabsError(
                        words(f"died.{'how' if ending else 'what'}", **told),
                        because=error_in(self.runner.said(one.id)),
                        log=self.runner.log_file(one.id),
                        hint=words("died.hint", id=self.server.id),
                    )

        return hopeful

    def _require_ports(self, dead: Seen) -> None:
        """A JVM opens its ports seconds after we have looked whether they are free.

        Raises:
            PortTaken: by then another program had opened one of them.
        """
        if _TAKEN.search(self.runner.said(dead.id)):
            raise PortTaken(
                words("ports.taken", label=self.server.label(dead.id)),
                log=self.runner.log_file(dead.id),
                hint=words("ports.taken_hint", id=self.server.id),
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
            lifecycle.stop(self.runner, [list(self.runner.look())], self.runner.stop_timeout_s)
            return was_up

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
                raise BadInput(
                    words("no_node.what", product=self.server.product, node=node),
                    hint=words("no_node.hint", names=known),
                )
            meant = [one for one in seen.values() if node in (None, one.id)]
            fitting = [one.id for one in meant if one.state in allowed]
            if not fitting:
                state = worst(meant) or State.STOPPED
                raise LabsError(
                    words(f"nothing_to.{action}", product=self.server.product, state=state),
                    hint=words("shows"),
                )
            yield fitting
