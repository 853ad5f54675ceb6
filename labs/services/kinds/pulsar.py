"""Apache Pulsar standalone: a broker, three bookies and their metadata in one JVM.

The bookies are three as far as BookKeeper is concerned: each has a journal and a disk folder of its
own, and a namespace may ask for three copies of what is written. But they live in one process: a
kill ends the broker and all three.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from labs.services.jvm import answered, jvm, write_properties
from labs.services.packages import Packages
from labs.services.server import Server
from labs.supervise.children import Launch
from labs.supervise.ledger import Ledger, Record
from labs.supervise.locked import Locked
from labs.supervise.ports import HOST, is_open

#: The room that its jars take in the cache, MB.
NEEDED_MB = 250
JARS = Locked(Path(__file__).with_name("pulsar.toml"), "Pulsar", "pulsar-broker", NEEDED_MB)
PACKAGES = Packages("pulsar")
BOOKIES = 3
#: How long an answer is waited for, s.
PATIENCE_S = 5

#: What Java hides, and Netty, BookKeeper and Pulsar's metrics look at.
OPENED = (
    "java.base/java.nio",
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.platform",
    "java.base/sun.net",
    "java.management/sun.management",
)
HEAP_MB = 256
JVM_FLAGS = (
    # What it holds at rest is 60 MB: so the heap stays small until a load makes it grow.
    *("-Xms64m", "-Xmn32m", "-XX:MinHeapFreeRatio=10", "-XX:MaxHeapFreeRatio=30"),
    "-XX:MaxDirectMemorySize=128m",
    "-Djava.net.preferIPv4Stack=true",
    *(word for opened in OPENED for word in ("--add-opens", f"{opened}=ALL-UNNAMED")),
)
LOG = (
    "-Dorg.slf4j.simpleLogger.logFile=System.out",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=[yyyy-MM-dd HH:mm:ss,SSS]",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
    "-Dorg.slf4j.simpleLogger.log.org.eclipse.jetty=warn",  # it would log each request
)

#: In Pulsar's words: the broker's, and the bookies', which read the same file.
SETTINGS = {
    "clusterName": "standalone",
    "bindAddress": HOST,
    "advertisedAddress": HOST,
    "metadataStoreUrl": "",
    # One copy, unless a namespace's policy says otherwise.
    "managedLedgerDefaultEnsembleSize": "1",
    "managedLedgerDefaultWriteQuorum": "1",
    "managedLedgerDefaultAckQuorum": "1",
    # Its default deletes a topic that nobody has subscribed to after a minute.
    "brokerDeleteInactiveTopicsEnabled": "false",
    "loadBalancerEnabled": "false",
    "webSocketServiceEnabled": "false",
    "numIOThreads": "2",
    "numHttpServerThreads": "4",
    # Broker and bookies speak within the JVM: no bookie has a port.
    "enableLocalTransport": "true",
    "disableServerSocketBind": "true",
    # With the older protocol a batch of more than 16 KB could be written that way, and never read.
    "bookkeeperUseV2WireProtocol": "false",
    "allowLoopback": "true",
    "httpServerEnabled": "false",
    # A bookie acknowledges what is on its disk.
    "journalSyncData": "true",
    "journalPreAllocSizeMB": "1",
    "journalMaxSizeMB": "64",
    "ledgerStorageClass": "org.apache.bookkeeper.bookie.storage.ldb.DbLedgerStorage",
    "dbStorage_writeCacheMaxSizeMb": "4",
    "dbStorage_readAheadCacheMaxSizeMb": "4",
    "dbStorage_rocksDB_blockCacheSize": "1048576",
    "dbStorage_rocksDB_writeBufferSizeMB": "4",
    "diskUsageThreshold": "0.99",
    "diskUsageWarnThreshold": "0.98",
}


class Pulsar(Server):
    """One Pulsar. Its second port speaks HTTP: administration, and metrics."""

    id = "pulsar"
    product = "Pulsar"
    licence = "Apache-2.0"
    download_mb = 142
    memory_mb = 300
    starts_within_s = 10
    ports_for = ("clients", "http")
    ready_timeout_s = 120.0
    parts = (JARS, PACKAGES)

    @property
    def version(self) -> str:
        """Pulsar's version."""
        return JARS.version

    def launch(
        self, server: Record, ledger: Ledger, folder: Path, settings: Mapping[str, str]
    ) -> Launch:
        """Write its configuration, and say how it is started on its files."""
        del ledger
        chosen = {
            **SETTINGS,
            "brokerServicePort": str(server.port),
            "webServicePort": str(_web_port(server)),
            **settings,
        }
        write_properties(folder / "standalone.conf", chosen)
        shutil.rmtree(folder / "tmp", ignore_errors=True)  # a killed one left RocksDB's library
        words = (*self.words(server.id), *JVM_FLAGS, *LOG)
        program = ("-cp", JARS.class_path, "org.apache.pulsar.PulsarStandaloneStarter")
        return jvm(folder, HEAP_MB, words, (*program, *self._arguments()))

    def _arguments(self) -> tuple[str, ...]:
        return (
            *("--config", "standalone.conf", "--num-bookies", str(BOOKIES)),
            *("--metadata-dir", f"{self.disk}/metadata"),
            *("--bookkeeper-dir", f"{self.disk}/bookkeeper"),
            *("--zookeeper-dir", f"{self.disk}/zookeeper"),  # there is none: so it takes RocksDB
            *("--no-functions-worker", "--no-stream-storage"),
        )

    def ready(self, server: Record, facts: Mapping[str, str]) -> bool:
        """Whether it has its default namespace, and takes a message and gives it back.

        Its own health check does the latter.
        """
        del facts
        port = _web_port(server)
        return (
            is_open(port)
            and _agrees(port, "/admin/v2/persistent/public/default")
            and _agrees(port, "/admin/v2/brokers/health?topicVersion=V2")
        )

    def handle(self, servers: Mapping[int, Record], facts: Mapping[str, str]) -> str:
        """Its address, for `pulsar.Client`; the package `pulsar` can be imported from now on."""
        del facts
        PACKAGES.use()
        return f"pulsar://{HOST}:{servers[1].port}"


def admin_url(address: str) -> str:
    """Where the Pulsar of such an address answers Pulsar's admin REST API."""
    return f"http://{HOST}:{int(address.rpartition(':')[2]) + 1}/admin/v2"


def _web_port(server: Record) -> int:
    return server.port + 1


def _agrees(port: int, path: str) -> bool:
    """Whether it answers a GET with `200 OK`."""
    return answered(port, path, PATIENCE_S) is not None


SERVER = Pulsar

if __name__ == "__main__":
    from labs.supervise.maven import renew

    renew(JARS)
