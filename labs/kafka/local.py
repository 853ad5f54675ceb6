"""The local cluster: one controller and three brokers as processes on loopback."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.kafka.cluster import BROKER_IDS, CONTROLLER_ID, label_of, name_of
from labs.kafka.config import properties
from labs.kafka.installation import (
    Installation,
    ensure_installation,
    format_storage,
    jvm_environment,
    library_folder,
    new_id,
    own_tmp,
)
from labs.kafka.jars import kafka_version
from labs.kafka.kafka_cluster import KafkaCluster
from labs.supervise.children import Launch
from labs.supervise.home import Home
from labs.supervise.ledger import Ledger, Record
from labs.supervise.processes import ProcessRunner
from labs.supervise.program import Program
from labs.supervise.watchdog import watchdog_pid

words = Words(__file__)


class Nodes(Program):
    """Kafka's nodes, for a runner of processes.

    Args:
        home: whose nodes they are; their command lines name it.
        installation: what to start from; None: the one that is made once for all starts.
    """

    ids = (*BROKER_IDS, CONTROLLER_ID)
    disk = "records"
    unknown = words("local.unknown")
    port_hint = words("local.port_hint")
    freeze_hint = words("local.freeze_hint")

    def __init__(self, home: Path, installation: Installation | None = None) -> None:
        self._home = home
        self._installation = installation
        self._word = f"-Dlabs.home={home}"
        self.mark = re.escape(self._word)

    def name(self, server: int) -> str:
        """As Kafka's people call it."""
        return name_of(server)

    def label(self, server: int) -> str:
        """The same, in a sentence."""
        return label_of(server)

    def words(self, server: int) -> tuple[str, ...]:
        """The words in a JVM's command line that make it this node."""
        return self._word, f"-Dlabs.node={server}"

    def rank(self, server: int) -> int:
        """The controller comes first in the block: 19090, then brokers 19091, 19092, 19093."""
        return 0 if server == CONTROLLER_ID else server

    def provide(self, tell: Tell) -> None:
        """Kafka's jars, a Java, and what is made of them once."""
        if self._installation is None:
            library_folder(self._home)  # or it would be told only after all was downloaded
            self._installation = ensure_installation(train, tell)

    def new_facts(self) -> dict[str, str]:
        """Which Kafka made the cluster, and the cluster's id."""
        return {"cluster_id": new_id(), "kafka_version": kafka_version()}

    def misfit(self, facts: Mapping[str, str]) -> str:
        """Another Kafka's disks can't be used."""
        version = facts.get("kafka_version")
        return "" if version == kafka_version() else f"Kafka {version}"

    def launch(
        self, server: Record, ledger: Ledger, folder: Path, settings: Mapping[str, str]
    ) -> Launch:
        """Format the node's storage, write its settings, and start its JVM on them."""
        self.provide(silent)
        assert self._installation is not None
        records = folder / self.disk
        format_storage(self._installation, records, ledger.facts["cluster_id"], server.id)
        extra = "".join(f"{name}={value}\n" for name, value in settings.items())
        lab = properties(server.id, server.port, ledger.servers[CONTROLLER_ID].port)
        (folder / "server.properties").write_text(lab + extra, "utf-8")
        shutil.rmtree(folder / "tmp", ignore_errors=True)  # libraries that a killed JVM unpacked
        flags = (*self.words(server.id), own_tmp(folder))
        command = self._installation.command(flags, name_of(server.id))
        return Launch(command, folder, jvm_environment())


class LocalCluster(KafkaCluster):
    """The cluster of one home. Making the object starts nothing.

    Args:
        home: where it lives; None takes the one that `LABS_HOME` names.
        tell: hears what a start is doing.
        hold: whether a start takes a lease for this process.
        grace_s: how long it outlives its last lease, s; None: as long as any.
        installation: what to start from; None: the one that is made once for all starts.
    """

    backend = "local"

    def __init__(
        self,
        home: Home | None = None,
        tell: Tell = silent,
        hold: bool = True,
        grace_s: float | None = None,
        installation: Installation | None = None,
    ) -> None:
        home = home or Home.current()
        super().__init__(runner_of(home, hold, grace_s, installation), home.path, tell)


def runner_of(
    home: Home,
    hold: bool = True,
    grace_s: float | None = None,
    installation: Installation | None = None,
) -> ProcessRunner:
    """The processes of a home's cluster, without the cluster."""
    stop = ("labs", "down", "--if-idle")
    return ProcessRunner(home, Nodes(home.path, installation), hold, grace_s, stop)


def have_watchdog(home: Home) -> None:
    """Have the home's watchdog run for its wards, also where no cluster of ours does."""
    if watchdog_pid(home) is None:
        with home.lock():
            home.prepare()
            runner_of(home).watch()


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
