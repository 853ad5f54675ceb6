"""A runner of processes on this machine, listening on loopback.

Many programs share one home's servers. What they agree on lies in its state file (`ledger`). A
server may be several processes: the one that was started, and its children.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from labs.base.progress import Tell
from labs.base.words import Words
from labs.supervise import leases, machine
from labs.supervise.children import Child, ending_of, spawn
from labs.supervise.home import Home
from labs.supervise.identity import birth, kill_all, marked, tree
from labs.supervise.ledger import Ledger, Record
from labs.supervise.ports import HOST, choose_ports, is_let_go
from labs.supervise.program import Program
from labs.supervise.runner import Ending, PortTaken, Runner, Seen, State
from labs.supervise.server_processes import ServerProcesses
from labs.supervise.tail import tail
from labs.supervise.watchdog import dismiss, ensure_watchdog

words = Words(__file__)


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
        self.servers = ServerProcesses(program)

    # -- looking ---------------------------------------------------------------------------

    def look(self) -> dict[int, Seen]:
        machine.require_seen_from_here(self.home.path)
        return {server.id: self._seen(server) for server in self._ledger().servers.values()}

    def _seen(self, server: Record) -> Seen:
        state = self.servers.state(server)
        pid = server.pid if state not in (State.STOPPED, State.KILLED) else None
        return Seen(server.id, state, pid, HOST, server.port, str(self.log_file(server.id)))

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
        heads = [self.servers.first(server) for server in self._ledger().servers.values()]
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
        return tail(self.log_file(server), lines, follow)

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
        if not any(map(self.servers.first, self._ledger().servers.values())):
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
        if not any(map(self.servers.first, before.servers.values())):
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
        dead = [server for server in ledger.servers.values() if not self.servers.first(server)]
        self.servers.wait_gone(dead)
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
        self.servers.wait_gone([record])  # its port is wanted
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
        self.servers.freeze(record)

    def thaw(self, servers: Collection[int]) -> None:
        for record in self._known(servers):
            self.servers.send(record, signal.SIGCONT)

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
            self.servers.send(record, self.program.stop_signal)

    def kill(self, servers: Collection[int]) -> list[int]:
        return self.servers.kill(self._known(servers))

    def wait_gone(self, servers: Collection[int], timeout_s: float) -> list[int]:
        return self.servers.wait_gone(self._known(servers), timeout_s)

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
