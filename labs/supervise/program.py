"""What must be known of servers to run them as processes; whoever knows it hands it to a runner."""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from labs.base.progress import Tell
from labs.supervise.children import Launch
from labs.supervise.ledger import Ledger, Record


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
