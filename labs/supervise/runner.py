"""A runner keeps servers that somebody else wrote: it lists, starts, signals, freezes, wipes them.

There are two forms, `processes` of this machine and `containers`. Neither knows what its servers
are for: whoever does hands it a description of them, and says himself when a server is ready.
A server is known by its number. Whoever changes something holds the home's lock meanwhile.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from labs.base.errors import LabsError
from labs.base.progress import Tell
from labs.supervise.home import Home


class State(StrEnum):
    """What a server is doing."""

    RUNNING = "running"
    PAUSED = "paused"  # SIGSTOP: alive, holding its connections, answering nobody
    STOPPING = "stopping"  # told to stop (SIGTERM) and not gone yet
    STOPPED = "stopped"  # it ended because it was told to
    KILLED = "killed"  # SIGKILL, or it died by itself


#: One that is stopping may go on serving for a while.
ANSWERING = (State.RUNNING, State.STOPPING)
ALIVE = (*ANSWERING, State.PAUSED)
DEAD = (State.STOPPED, State.KILLED)


@dataclass(frozen=True)
class Seen:
    """One server as it is now. `log`: its log file, or the command that shows its log."""

    id: int
    state: State
    pid: int | None
    host: str
    port: int
    log: str


@dataclass(frozen=True)
class Ending:
    """How a server ended. `signalled`: somebody's signal ended it; it did not end by itself."""

    how: str
    signalled: bool
    out_of_memory: bool = False


class PortTaken(LabsError):  # noqa: N818 - it names what happened
    """Another program has taken a server's port."""


class Runner(ABC):
    """Some servers of one home; the forms say here, and nowhere again, what each method does.

    Attributes:
        home: where what belongs to them is kept.
        ready_timeout_s: how long one may take to be ready, s.
        stop_timeout_s: how long one that is told to stop may take to end, s.
    """

    home: Home
    ready_timeout_s: float
    stop_timeout_s = 15.0

    # -- looking ---------------------------------------------------------------------------

    @abstractmethod
    def look(self) -> Mapping[int, Seen]:
        """Every server, as it is now."""

    @abstractmethod
    def facts(self) -> Mapping[str, str]:
        """What was noted of these servers when they were made; nothing where there are none."""

    @abstractmethod
    def place(self, server: int) -> tuple[str, int] | None:
        """Host and port of a server, without a look at what it does; None if there is none."""

    @abstractmethod
    def files(self, server: int, pattern: str) -> dict[str, bytes]:
        """Path → content of files on a server's disk, whatever the server does; sorted.

        `pattern` may hold `*` in its last part.
        """

    def log_file(self, server: int) -> Path | None:  # noqa: ARG002
        """A server's log file; None where it writes none here."""
        return None

    @abstractmethod
    def said(self, server: int) -> bytes:
        """What a server has written to its log since this runner started it."""

    @abstractmethod
    def log_lines(self, server: int, lines: int, follow: bool) -> Iterator[bytes]:
        """The last lines of a server's log, and (`follow`) all that it goes on to write."""

    @abstractmethod
    def ending(self, server: int) -> Ending | None:
        """How a server that this runner has started ended; None if it lives, or nobody knows."""

    @property
    @abstractmethod
    def ready_s(self) -> float | None:
        """How long the last start took, s; None: none was finished."""

    @property
    @abstractmethod
    def is_up(self) -> bool:
        """Whether the servers were started, and not stopped since; one may be dead all the same."""

    # -- who needs them: nobody knows, unless a form does ----------------------------------

    def hold(self) -> None:
        """Have them stay up for as long as this process lives, and no longer."""

    def keep(self, hours: float, if_unused: bool = False) -> float | None:  # noqa: ARG002
        """Keep them up that long though nobody needs them (`if_unused`: only if nobody does now).

        Returns until when, by `base.clock`; None where nothing ends unused ones by itself.
        """
        return None

    def give_back(self) -> None:
        """A start failed: what was promised for it keeps nothing up."""

    def leave(self) -> bool:
        """This process needs them no longer. Whether nobody else does either."""
        return False

    @property
    def in_use(self) -> bool:
        """Whether somebody needs them."""
        return True

    def let_go(self) -> None:
        """They were stopped on purpose: nobody needs them, and nobody watches them."""

    # -- starting --------------------------------------------------------------------------

    def provide(self, tell: Tell) -> None:
        """Have what the servers are started from; fetched or made when first needed."""

    @abstractmethod
    def starting(self, attempt: int, tell: Tell) -> AbstractContextManager[None]:
        """Have all servers there, dead or alive; what the block starts is undone if it fails.

        Those that ran before go on. `attempt` counts up from 0; a further one takes other ports.
        """

    @abstractmethod
    def start(self, server: int, settings: Mapping[str, str] | None = None) -> None:
        """Start a dead server, with these settings on top of its own for this start only.

        Raises:
            PortTaken: another program has its port.
        """

    @abstractmethod
    def note_ready(self, seconds: float) -> None:
        """A start has finished, after so many seconds."""

    @abstractmethod
    def add(self, server: int, attempt: int) -> None:
        """One server more, which is not started yet."""

    # -- breaking and stopping -------------------------------------------------------------

    @abstractmethod
    def freeze(self, server: int) -> None:
        """SIGSTOP, and wait for its effect, which comes when each thread is next about to run."""

    @abstractmethod
    def thaw(self, servers: Collection[int]) -> None:
        """SIGCONT to those that are frozen."""

    @abstractmethod
    def note(self, servers: Collection[int], wanted: State) -> None:
        """Write down what becomes of them: that they are told to stop, or were killed.

        A stop is noted before the signal goes out: should we be killed, it is known.
        """

    @abstractmethod
    def terminate(self, servers: Collection[int]) -> None:
        """Tell them to stop, once that is noted. Each sees its own children out."""

    @abstractmethod
    def kill(self, servers: Collection[int]) -> list[int]:
        """SIGKILL, and wait until they are gone; returns those that live all the same."""

    @abstractmethod
    def wait_gone(self, servers: Collection[int], timeout_s: float) -> list[int]:
        """Wait until they have ended; returns those that still live."""

    def reap(self) -> None:
        """End processes of these servers that nobody knows of (who wrote them down was killed)."""

    @abstractmethod
    def remove(self, server: int) -> None:
        """Forget a dead server, and wipe its disk."""

    @abstractmethod
    def wipe(self) -> None:
        """Kill all, remove those that were added, empty the disks of the rest; ports stay."""
