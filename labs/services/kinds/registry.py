"""A schema registry: Apicurio, which speaks Confluent's API as well.

It keeps schemas in a topic, as Confluent's own does, and reads them all when it starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from labs.kafka.security import current
from labs.services.archive import Archive
from labs.services.in_kafka import has_topics
from labs.services.jvm import asked, jvm, write_properties
from labs.services.packages import Packages
from labs.services.server import Server
from labs.supervise.children import Launch
from labs.supervise.ledger import Ledger, Record
from labs.supervise.ports import HOST

#: The archive, what is in it, and the moment in which there are both.
NEEDED_MB = 500
ARCHIVE = Archive(
    Path(__file__).with_name("registry.toml"), "Apicurio Registry", "apicurio", NEEDED_MB
)

#: What confluent-kafka's client of a registry and its serializers need beside it.
PACKAGES = Packages("registry")

#: Confluent's API, as its clients are told.
API = "/apis/ccompat/v7"

#: Its topics, by the setting that names each.
TOPICS = {
    "apicurio.kafkasql.topic": "kafkasql-journal",
    "apicurio.kafkasql.snapshots.topic": "kafkasql-snapshots",
    "apicurio.events.kafka.topic": "registry-events",
}

#: How it differs from Apicurio's defaults, and why.
SETTINGS = {
    "apicurio.storage.kind": "kafkasql",
    # As many as the cluster's default else. It is ready when it has read a record that it has just
    # written, which is the last one of its own partition alone.
    "apicurio.kafkasql.topic.partitions": "1",
    # In /tmp else, where another registry may have put its own.
    "apicurio.storage.snapshot.location": "snapshots",
    "apicurio.import.work-dir": "import",
    # As the brokers' logs have it.
    "quarkus.log.console.format": "[%d{yyyy-MM-dd HH:mm:ss,SSS}] %p %c - %s%e%n",
    # It looks for a snapshot until it has seen none for so long, twice: 5 s else.
    "apicurio.kafkasql.consumer.poll.timeout": "500",
    # Connections to the database in its memory: 20 of them else, all made when it starts.
    "apicurio.datasource.jdbc.initial-size": "1",
    "apicurio.datasource.jdbc.min-size": "1",
    "apicurio.datasource.jdbc.max-size": "10",
}


class Registry(Server):
    """One registry. Its second port is its management's."""

    id = "registry"
    product = "Apicurio Registry"
    licence = "Apache-2.0"
    download_mb = 172
    memory_mb = 215
    starts_within_s = 15
    ports_for = ("clients", "management")
    needs_kafka = True
    parts = (PACKAGES, ARCHIVE)
    ready_timeout_s = 120.0

    @property
    def version(self) -> str:
        """Apicurio's."""
        return ARCHIVE.version

    def launch(
        self, server: Record, ledger: Ledger, folder: Path, settings: Mapping[str, str]
    ) -> Launch:
        """Write its settings where it looks for them, and say how it is started."""
        del ledger
        for name in ("snapshots", "import"):
            (folder / name).mkdir(exist_ok=True)
        told = {**self._settings(server.port), **settings}
        write_properties(folder / "config" / "application.properties", told)
        program = ("-jar", str(ARCHIVE.unpacked / "quarkus-run.jar"))
        return jvm(folder, 256, self.words(server.id), program)

    def _settings(self, port: int) -> dict[str, str]:
        cluster = self.cluster()
        told = {
            **SETTINGS,
            "quarkus.http.host": HOST,
            "quarkus.http.port": str(port),
            "quarkus.management.host": HOST,
            "quarkus.management.port": str(port + 1),
            "apicurio.kafkasql.bootstrap.servers": ",".join(cluster.bootstrap),
            "apicurio.kafkasql.consumer.group-prefix": cluster.named("apicurio-"),
        }
        # It sees to the copies of its topics itself. The cluster's limits are not for them: it
        # refuses topics of which Kafka deletes what is old. They take little room.
        told |= {setting: cluster.named(name) for setting, name in TOPICS.items()}
        told |= {f"apicurio.kafka.common.{name}": v for name, v in current().java().items()}
        return told

    def lost(self) -> bool:
        """Whether its topics are gone: it would read from its memory, and write nowhere."""
        cluster = self.cluster()
        return not has_topics(cluster, map(cluster.named, TOPICS.values()))

    def ready(self, server: Record, facts: Mapping[str, str]) -> bool:
        """Whether it has read its topics to the end, and lists what it has schemas of."""
        del facts
        has_read = asked(server.port + 1, "/health/ready") is not None
        return has_read and asked(server.port, f"{API}/subjects") is not None

    def handle(self, servers: Mapping[int, Record], facts: Mapping[str, str]) -> str:
        """The address of Confluent's API; its clients can be imported from now on."""
        del facts
        PACKAGES.use()
        return f"http://{HOST}:{servers[1].port}{API}"


SERVER = Registry
