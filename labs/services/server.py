"""What must be known of a kind of server, beyond what any runner of processes needs to know."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from labs.base.errors import LabsError
from labs.base.progress import Tell
from labs.base.words import Words
from labs.kafka.cluster import Cluster
from labs.services.parts import Part
from labs.supervise.ledger import Record
from labs.supervise.program import Program

words = Words(__file__)


class Server(Program):
    """One kind of server. A file of `kinds` describes one, and calls it `SERVER`.

    Args:
        home: its own folder, `services/ID` below `LABS_HOME`.
        cluster: gives the Kafka that is chosen, running or not.
    """

    #: As commands and notebooks name it: `postgres`.
    id: ClassVar[str]
    #: As its makers write it: `PostgreSQL`.
    product: ClassVar[str]
    #: Its licence, as SPDX names it.
    licence: ClassVar[str]
    #: How much is downloaded before its first start, MB.
    download_mb: ClassVar[int]
    #: About what all of its processes take at rest (PSS), MB.
    memory_mb: ClassVar[int]
    #: From empty disks until it answers, s: what it must keep on two idle cores (`make bench`).
    starts_within_s: ClassVar[float]
    #: Whether the version is ours to choose; else it is the system's.
    pinned: ClassVar[bool] = True
    #: Whether it keeps something in Kafka, which must be up then.
    needs_kafka: ClassVar[bool] = False
    #: How long it may take to be ready, s, on a busy machine.
    ready_timeout_s: ClassVar[float] = 60.0

    #: All that it is started from, and what its users need.
    parts: ClassVar[Sequence[Part]] = ()

    ids: Sequence[int] = (1,)
    disk = "data"

    def __init__(self, home: Path, cluster: Callable[[], Cluster]) -> None:
        self.home = home
        self.cluster = cluster
        self.word = f"-Dlabs.service={home}"
        self.mark = re.escape(self.word)

    @property
    @abstractmethod
    def version(self) -> str:
        """Its version, such as `18.6`."""

    def provided(self) -> bool:
        """Whether all that it is started from is on this machine: nothing would be downloaded."""
        return all(part.provided() for part in self.parts)

    @property
    def to_download_mb(self) -> int:
        """How much is still to be downloaded before it can start, MB."""
        return 0 if self.provided() else self.download_mb

    def check(self) -> str:
        """Where its programs are, in a few words; `labs doctor` asks.

        Raises:
            LabsError: they are here and can't be used; the hint says how to mend that.
        """
        if self.provided():
            return words("fetching.done", mb=self.download_mb)
        return words("fetching.not_yet", mb=self.download_mb)

    @abstractmethod
    def ready(self, server: Record, facts: Mapping[str, str]) -> bool:
        """Whether it answers a real request; an open port proves nothing."""

    def lost(self) -> bool:
        """Whether what it keeps in Kafka is gone, as after a reset: then it must start anew."""
        return False

    @abstractmethod
    def handle(self, servers: Mapping[int, Record], facts: Mapping[str, str]) -> Any:
        """What a program speaks to it with: an address, or a client that is connected."""

    def provide(self, tell: Tell) -> None:
        """Fetch what it is started from, by hash, where it is not here yet.

        How much that is, is told before anything is fetched, and all the while.

        Raises:
            LabsError: a part can't be had; the sentence names the server, too.
        """
        size_mb = self.to_download_mb

        def heard(text: str, fraction: float | None = None) -> None:
            tell(
                words("fetching.of", product=self.product, mb=size_mb, text=text)
                if size_mb
                else text,
                fraction,
            )

        if size_mb:
            tell(words("fetching.first", product=self.product, mb=size_mb), None)
        for part in self.parts:
            try:
                part.ensure(heard)
            except LabsError as error:
                error.what = words("fetching.failed", product=self.product, why=error.what)
                raise

    def name(self, server: int) -> str:
        """Its folder's and its log's name."""
        return self.id if len(self.ids) == 1 else f"{self.id}-{server}"

    def label(self, server: int) -> str:
        """Its name in a sentence."""
        return (
            self.product
            if len(self.ids) == 1
            else words("label", product=self.product, node=server)
        )

    def words(self, server: int) -> tuple[str, ...]:
        """A JVM's: a system property that nobody reads."""
        return self.word, f"-Dlabs.node={server}"

    def new_facts(self) -> dict[str, str]:
        """Its version, which its files on disk are of. Others may add a password."""
        return {"version": self.version}

    def misfit(self, facts: Mapping[str, str]) -> str:
        """Another version's files can't be used."""
        version = facts.get("version")
        return "" if version == self.version else f"{self.product} {version}"
