"""A runner of processes on this machine, listening on loopback.

Many programs share one home's servers. What they agree on lies in its state file (`ledger`). A
server may be several processes: the one that was started, and its children.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from labs.base.errors import LabsError
from labs.base.progress import Tell
from labs.base.words import Words
from labs.supervise import leases, machine
from labs.supervise.children import Child, Launch, ending_of, living_child, spawn
from labs.supervise.home import Home
from labs.supervise.identity import birth, kill_all, living, marked, tree, wait_over
from labs.supervise.ledger import Ledger, Record
from labs.supervise.ports import HOST, choose_ports, is_let_go
from labs.supervise.runner import Ending, PortTaken, Runner, Seen, State
from labs.supervise.watchdog import dismiss, ensure_watchdog

words = Words(__file__)

#: How long a signal may take to show its effect, s: SIGSTOP, SIGKILL.
FREEZE_TIMEOUT_S = 5.0
KILL_TIMEOUT_S = 5.0
LOOK_EVERY_S = 0.2


class Program(ABC):
    """What must be known of servers to run them as processes."""

    #: The servers that there are at first, as they are listed.
    ids: Sequence[int]
    #: A pattern that one word of each of their command lines matches, and of no other's.
    mark: str
    #: What tells one of them to stop.
    stop_signal = signal.SIGTERM
    #: Where in its folder a server keeps its files.
    disk: str
    #: What each of a server's ports, which are in a row, is for; by the first it is known.
    ports_for: Sequence[str] = ("clients",)
    #: Whose disks are taken for, of which nothing is written down.
    unknown = "servers unknown here"
    #: What to do where another program has a server's port, and where it does not obey a signal.
    port_hint = "close that program, or stop the server and start it: then it looks for other ports"
    freeze_hint = "the machine may be very busy: try again"

    @abstractmethod
    def name(self, server: int) -> str:
        """Its folder's and its log's name."""

    @abstractmethod
    def label(self, server: int) -> str:
        """Its name in a sentence."""

    @abstractmethod
    def words(self, server: int) -> tuple[str, ...]:
        """What the command line of its first process holds."""

    def rank(self, server: int) -> int:
        """Who has the lowest gets the first of the ports."""
        return server

    @abstractmethod
    def provide(self, tell: Tell) -> None:
        """Have what they are started from."""

    @abstractmethod
    def new_facts(self) -> dict[str, str]:
        """What is to be remembered of servers that are made now."""

    @abstractmethod
    def misfit(self, facts: Mapping[str, str]) -> str:
        """Whose the disks are if servers of these facts can't be started any more, else ''."""

    @abstractmethod
    def launch(
        self, server: Record, ledger: Ledger, folder: Path, settings: Mapping[str, str]
    ) -> Launch:
        """Prepare a server's folder, and say how it is started."""


class ProcessRunner(Runner):
    """The servers of one home. Making the object starts nothing.

    Args:
        home: where they live.
        program: what they are.
        hold: whether `hold` takes a lease for this process.
        grace_s: how long they outlive their last lease, s; None: as long as any.
        stop: the module and its words that stop them in good order when nobody needs them any more;
            without, the watchdog tells each of them to stop.
    """

    ready_timeout_s = 120.0

    def __init__(
        self,
        home: Home,
        program: Program,
        hold: bool = True,
        grace_s: float | None = None,
        stop: Sequence[str] = (),
    ) -> None:
        self.home = home
        self.program = program
        self._hold = hold
        self._grace_s = grace_s
        self._stop = stop
        self._promised: float | None = None
        #: What this runner has started: where in its log each server's words begin, bytes.
        self._begins: dict[int, int] = {}

    # -- looking ---------------------------------------------------------------------------

    def look(self) -> dict[int, Seen]:
        machine.require_seen_from_here(self.home.path)
        return {server.id: self._seen(server) for server in self._ledger().servers.values()}

    def _seen(self, server: Record) -> Seen:
        state = self.state_of(server)
        pid = server.pid if state not in (State.STOPPED, State.KILLED) else None
        return Seen(server.id, state, pid, HOST, server.port, str(self.log_file(server.id)))

    def state_of(self, server: Record) -> State:
        """What a server is doing right now."""
        process = self.process_of(server)
        if process is None:
            # It is gone. Only a clean stop was wished for; anything else is a death.
            return State.STOPPED if server.wanted is State.STOPPED else State.KILLED
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_STOPPED:
                return State.PAUSED
        return State.STOPPING if server.wanted is State.STOPPED else State.RUNNING

    def process_of(self, server: Record) -> psutil.Process | None:
        """A server's first process, or None; one whose pid another program got is not ours."""
        words = self.program.words(server.id)
        child = living_child(server.pid, words)  # a dead one is reaped in passing
        if child is not None:
            with contextlib.suppress(psutil.Error):
                return psutil.Process(child.pid)
        return living(server.pid, server.create_time, words)

    def _ledger(self) -> Ledger:
        return Ledger.load(self.home.state_file) or Ledger({})

    def _known(self, servers: Collection[int]) -> list[Record]:
        known = self._ledger().servers
        return [known[server] for server in servers if server in known]

    def _folder(self, server: int) -> Path:
        return self.home.data / self.program.name(server)

    def processes(self) -> list[int]:
        """The pids of all processes of these servers, also of those we lost track of."""
        return [process.pid for process in marked(self.program.mark)]

    def strays(self) -> list[int]:
        """The pids of those that no server of ours has (who wrote them down was killed)."""
        heads = [self.process_of(server) for server in self._ledger().servers.values()]
        known = {process.pid for head in heads if head for process in tree(head)}
        return [pid for pid in self.processes() if pid not in known]

    def facts(self) -> Mapping[str, str]:
        return self._ledger().facts

    def place(self, server: int) -> tuple[str, int] | None:
        known = self._known([server])
        return (HOST, known[0].port) if known else None

    def files(self, server: int, pattern: str) -> dict[str, bytes]:
        disk = self._folder(server) / self.program.disk
        found = {}
        for file in sorted(disk.glob(pattern)):
            with contextlib.suppress(FileNotFoundError):  # it is just being replaced
                found[file.relative_to(disk).as_posix()] = file.read_bytes()
        return found

    def log_file(self, server: int) -> Path:
        return self.home.log_of(self.program.name(server))

    def said(self, server: int) -> bytes:
        with contextlib.suppress(FileNotFoundError), self.log_file(server).open("rb") as file:
            file.seek(self._begins.get(server, 0))
            return file.read()
        return b""

    def log_lines(self, server: int, lines: int, follow: bool) -> Iterator[bytes]:
        log, offset = self.log_file(server), 0
        if log.exists():
            with log.open("rb") as file:
                yield from deque(file, lines)
                offset = file.tell()
        while follow:
            time.sleep(LOOK_EVERY_S)
            if not log.exists():
                continue
            if log.stat().st_size < offset:
                offset = 0  # the log was rotated
            with log.open("rb") as file:
                file.seek(offset)
                for line in file:
                    if not line.endswith(b"\n"):  # still being written
                        break
                    yield line
                    offset += len(line)

    def ending(self, server: int) -> Ending | None:
        known = self._known([server]) if server in self._begins else []
        return ending_of(known[0].pid) if known else None

    @property
    def ready_s(self) -> float | None:
        return self._ledger().ready_s

    @property
    def is_up(self) -> bool:
        machine.require_seen_from_here(self.home.path)
        return self._ledger().is_whole()

    # -- who needs them --------------------------------------------------------------------

    def hold(self) -> None:
        machine.claim(self.home.path)
        if self._hold:
            leases.hold(self.home.leases)
        self.watch()

    def watch(self) -> None:
        """Have the home's watchdog run (call with the home's lock held)."""
        ensure_watchdog(self.home, self.program.mark, self._grace_s, self._stop)

    def keep(self, hours: float, if_unused: bool = False) -> float | None:
        if not (if_unused and self.in_use):
            self._promised = leases.promise(self.home.leases, hours * 3600)
        return self._promised

    def give_back(self) -> None:
        if not any(map(self.process_of, self._ledger().servers.values())):
            leases.take_back(self.home.leases, self._promised)

    def leave(self) -> bool:
        leases.release(self.home.leases)
        return not self.in_use

    @property
    def in_use(self) -> bool:
        return bool(leases.holders(self.home.leases))

    def let_go(self) -> None:
        leases.release_all(self.home.leases)
        dismiss(self.home)
        machine.give_up(self.home.path)

    # -- starting --------------------------------------------------------------------------

    def provide(self, tell: Tell) -> None:
        self.program.provide(tell)

    @contextmanager
    def starting(self, attempt: int, tell: Tell) -> Iterator[None]:
        self._begins.clear()
        before = self._ready_to_start(attempt, tell)
        if not any(map(self.process_of, before.servers.values())):
            # Else those that run are whole without us.
            Ledger(before.facts, None, before.servers).save(self.home.state_file)
        try:
            yield
        except BaseException:
            self.kill(self._begins)
            ledger = self._ledger()
            for server in self._begins:
                ledger.servers[server].wanted = before.servers[server].wanted
            whole = len(self._begins) < len(ledger.servers)
            ledger.ready_s = before.ready_s if whole else None
            with contextlib.suppress(OSError):
                ledger.save(self.home.state_file)
            raise

    def _ready_to_start(self, attempt: int, tell: Tell) -> Ledger:
        """The state to start from: strays gone, every server running or dead, ports free."""
        ledger = Ledger.load(self.home.state_file)
        misfit = self.program.misfit(ledger.facts) if ledger else self.program.unknown
        if misfit:
            if any(self.home.data.iterdir()):
                tell(words("wiping", of=misfit), None)
            self.wipe()
            ledger = self._ledger()
        assert ledger is not None
        self.reap()
        dead = [server for server in ledger.servers.values() if not self.process_of(server)]
        self._wait_gone(dead, KILL_TIMEOUT_S)
        stuck = ledger.ready_s is None
        if stuck or attempt or not all(map(self._has_ports, dead)):
            # A start that was cut short, or a port that is gone: begin anew with the old records.
            self._end_all(ledger)
            self._assign_ports(ledger, attempt)
        ledger.save(self.home.state_file)
        return ledger

    def _assign_ports(self, ledger: Ledger, skip: int) -> None:
        servers = sorted(ledger.servers.values(), key=lambda server: self.program.rank(server.id))
        wished = [port for server in servers for port in self._ports_of(server)]
        ports = choose_ports(len(wished), wished, skip)
        for server, port in zip(servers, ports[:: len(self.program.ports_for)], strict=True):
            server.port = port

    def _ports_of(self, server: Record) -> list[int]:
        """Its ports; zeros where it has none yet."""
        beside = range(len(self.program.ports_for))
        return [server.port + place if server.port else 0 for place in beside]

    def _has_ports(self, server: Record) -> bool:
        """Whether nobody has taken a dead server's ports."""
        return all(map(is_let_go, self._ports_of(server)))

    def start(self, server: int, settings: Mapping[str, str] | None = None) -> None:
        self.watch()  # the machine may have been started anew since
        ledger = self._ledger()
        record = ledger.servers[server]
        self._wait_gone([record], KILL_TIMEOUT_S)  # its port is wanted
        if not self._has_ports(record):
            raise PortTaken(
                f"port {record.port}, which {self.program.label(server)} had, is taken by another"
                " program",
                hint=self.program.port_hint,
            )
        folder = self._folder(server)
        folder.mkdir(parents=True, exist_ok=True)
        launch = self.program.launch(record, ledger, folder, settings or {})

        def note(child: Child) -> None:
            record.pid = child.pid
            record.create_time = birth(psutil.Process(child.pid))
            record.wanted = State.RUNNING

        self._begins[server] = 0
        try:
            self._begins[server] = spawn(launch, self.log_file(server), note)
        finally:
            # Saved one by one, come what may: whoever ends us between two, the first is known.
            ledger.save(self.home.state_file)

    def note_ready(self, seconds: float) -> None:
        ledger = self._ledger()
        ledger.ready_s = round(seconds, 2)
        ledger.save(self.home.state_file)

    def add(self, server: int, attempt: int) -> None:
        ledger = self._ledger()
        beside = max(other.port for other in ledger.servers.values()) + 1
        ledger.servers[server] = Record(server, choose_ports(1, [beside], attempt)[0])
        ledger.save(self.home.state_file)

    # -- breaking and stopping -------------------------------------------------------------

    def freeze(self, server: int) -> None:
        (record,) = self._known([server])
        processes = self._send(record, signal.SIGSTOP)
        deadline = time.monotonic() + FREEZE_TIMEOUT_S
        while not all(map(_is_frozen, processes)):
            if time.monotonic() > deadline:
                raise LabsError(
                    f"{self.program.label(server)} did not stop running within"
                    f" {FREEZE_TIMEOUT_S:g} s",
                    hint=self.program.freeze_hint,
                )
            time.sleep(0.002)

    def thaw(self, servers: Collection[int]) -> None:
        for record in self._known(servers):
            self._send(record, signal.SIGCONT)

    def note(self, servers: Collection[int], wanted: State) -> None:
        ledger = self._ledger()
        known = ledger.servers.keys() & set(servers)
        for server in known:
            ledger.servers[server].wanted = wanted
        with contextlib.suppress(OSError):  # a full disk must keep nobody from ending it
            if known:
                ledger.save(self.home.state_file)

    def terminate(self, servers: Collection[int]) -> None:
        for record in self._known(servers):
            self._send(record, self.program.stop_signal)

    def kill(self, servers: Collection[int]) -> list[int]:
        records = self._known(servers)
        killed = [process for record in records for process in self._send(record, signal.SIGKILL)]
        left = self._wait_gone(records, KILL_TIMEOUT_S)
        wait_over(killed, KILL_TIMEOUT_S)
        return left

    def _send(self, server: Record, number: signal.Signals) -> list[psutil.Process]:
        """Signal a server: all its processes, or (who is told to stop) the first alone."""
        head = self.process_of(server)
        if head is None:
            return []
        if number == signal.SIGKILL:
            _hold_still(head)
        processes = [head] if number == self.program.stop_signal else tree(head)
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return processes

    def wait_gone(self, servers: Collection[int], timeout_s: float) -> list[int]:
        return self._wait_gone(self._known(servers), timeout_s)

    def _wait_gone(self, servers: Iterable[Record], timeout_s: float) -> list[int]:
        """Also for those about to end: Linux takes the command line first, then the ports."""
        deadline = time.monotonic() + timeout_s
        left = list(servers)
        while left and time.monotonic() < deadline:
            left = [s for s in left if self.process_of(s) or living(s.pid, s.create_time)]
            if left:
                time.sleep(0.02)
        return [server.id for server in left]

    def reap(self) -> None:
        kill_all(psutil.Process(pid) for pid in self.strays() if psutil.pid_exists(pid))

    def _end_all(self, ledger: Ledger) -> None:
        self.kill(ledger.servers)
        for server in ledger.servers.values():
            server.wanted = State.STOPPED
        kill_all(marked(self.program.mark))

    def remove(self, server: int) -> None:
        ledger = self._ledger()
        ledger.servers.pop(server, None)
        shutil.rmtree(self._folder(server), ignore_errors=True)
        ledger.save(self.home.state_file)

    def wipe(self) -> None:
        old = self._ledger()
        self._end_all(old)
        shutil.rmtree(self.home.data, ignore_errors=True)
        self.home.faults_file.unlink(missing_ok=True)
        self.home.data.mkdir(exist_ok=True)
        ports = {server.id: server.port for server in old.servers.values()}
        servers = {i: Record(i, ports.get(i, 0)) for i in self.program.ids}
        fresh = Ledger(self.program.new_facts(), None, servers)
        self._assign_ports(fresh, skip=0)
        fresh.save(self.home.state_file)


def _is_frozen(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):  # it is gone: then it does nothing either
        return bool(process.status() == psutil.STATUS_STOPPED)
    return True


def _hold_still(head: psutil.Process) -> None:
    """Stop a server's group at once: a child that is born while we look for all would be missed."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(head.pid) == head.pid:
            os.killpg(head.pid, signal.SIGSTOP)
