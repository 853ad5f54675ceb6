"""Kafka Connect: one distributed worker, with Debezium's connectors and Kafka's for files.

It keeps nothing on disk: its connectors' settings, places and states are in three topics.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from labs.kafka.config import NODE_LOG, log_flags
from labs.kafka.security import current
from labs.services.in_kafka import has_topics, replicas
from labs.services.jvm import asked, jvm, write_properties
from labs.services.server import Server
from labs.supervise.children import Launch
from labs.supervise.ledger import Ledger, Record
from labs.supervise.locked import Locked
from labs.supervise.ports import HOST

HERE = Path(__file__).parent
WORKER = Locked(HERE / "connect.toml", "Kafka Connect", "connect-runtime", 100)
#: What is found by its class's name, each in a class loader of its own; by the name of its folder.
PLUGINS = {
    "debezium-postgres": Locked(
        HERE / "debezium_postgres.toml",
        "Debezium for PostgreSQL",
        "debezium-connector-postgres",
        50,
    ),
    "debezium-jdbc": Locked(
        HERE / "debezium_jdbc.toml", "Debezium JDBC sink", "debezium-connector-jdbc", 50
    ),
}

#: Its clients tell all their settings, and each try to read from a topic that is gone: 1000 a
#: second.
LOG = (
    *NODE_LOG,
    *log_flags(
        **{
            "log.org.apache.kafka.clients": "warn",
            "log.org.apache.kafka.clients.consumer.internals.FetchCollector": "error",
        }
    ),
)

MAIN = "org.apache.kafka.connect.cli.ConnectDistributed"
#: Which of its clients a setting is for; without: for the one that its workers find each other by.
CLIENTS = ("", "producer.", "consumer.", "admin.")
#: Its topics, by what they keep.
TOPICS = {
    "config": "connect-configs",
    "offset": "connect-offsets",
    "status": "connect-status",
}

#: How it differs from Connect's defaults, and why.
SETTINGS = {
    "plugin.path": "plugins",
    # As KIP-898 has it: what does not say which plugins it has is not looked through for them.
    "plugin.discovery": "service_load",
    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    # `${file:/path/of/it:name}` in a connector's settings: a password is not kept in a topic.
    "config.providers": "file",
    "config.providers.file.class": ("org.apache.kafka.common.config.provider.FileConfigProvider"),
    # How far a connector has come is noted each second, and not each minute: so one can see it.
    "offset.flush.interval.ms": "1000",
    "offset.storage.partitions": "1",
    "status.storage.partitions": "1",
    # A worker that was killed is put out of the group after 6 s instead of 10 s; until then the
    # next one waits. Nobody else will come for its tasks: they are given to that one at once.
    "session.timeout.ms": "6000",
    "heartbeat.interval.ms": "2000",
    "scheduled.rebalance.max.delay.ms": "0",
    # So it is with the consumers of its sinks, which would wait for 45 s.
    "consumer.session.timeout.ms": "6000",
    "consumer.heartbeat.interval.ms": "2000",
    "metric.reporters": "",
}


class Connect(Server):
    """One worker."""

    id = "connect"
    product = "Kafka Connect"
    licence = "Apache-2.0"
    download_mb = 70
    memory_mb = 110
    starts_within_s = 6
    needs_kafka = True
    #: One that refuses its topics takes 61 s to end, and says only then why.
    ready_timeout_s = 120.0
    parts = (WORKER, *PLUGINS.values())

    @property
    def version(self) -> str:
        """Kafka's."""
        return WORKER.version

    def topics(self) -> dict[str, str]:
        """Its topics' names, by what they keep."""
        cluster = self.cluster()
        return {kept: cluster.named(name) for kept, name in TOPICS.items()}

    def launch(
        self, server: Record, ledger: Ledger, folder: Path, settings: Mapping[str, str]
    ) -> Launch:
        """Write its settings, and lay its plugins where it looks for them."""
        del ledger
        _lay_plugins(folder / SETTINGS["plugin.path"])
        write_properties(folder / "worker.properties", {**self._settings(server.port), **settings})
        program = ("-cp", WORKER.class_path, MAIN, "worker.properties")
        return jvm(folder, 256, (*self.words(server.id), *LOG), program)

    def _settings(self, port: int) -> dict[str, str]:
        cluster = self.cluster()
        told = {
            **SETTINGS,
            "bootstrap.servers": ",".join(cluster.bootstrap),
            "group.id": cluster.named("connect"),
            "listeners": f"http://{HOST}:{port}",
        }
        for kept, name in self.topics().items():
            told[f"{kept}.storage.topic"] = name
            told[f"{kept}.storage.replication.factor"] = str(replicas(cluster))
            told |= {f"{kept}.storage.{limit}": cluster.limits[limit] for limit in cluster.limits}
        for client in CLIENTS:
            told |= {f"{client}{name}": value for name, value in current().java().items()}
        return told

    def lost(self) -> bool:
        """Whether its topics are gone: it would go on as if nothing were, and take no connector."""
        return not has_topics(self.cluster(), self.topics().values())

    def ready(self, server: Record, facts: Mapping[str, str]) -> bool:
        """Whether it would take a connector (KIP-1017); it lists them sooner than that."""
        del facts
        return asked(server.port, "/health") is not None

    def handle(self, servers: Mapping[int, Record], facts: Mapping[str, str]) -> str:
        """The address of its REST interface."""
        del facts
        return f"http://{HOST}:{servers[1].port}"


def _lay_plugins(place: Path) -> None:
    """A folder with a link to each plugin's jars: no sign in a path can come between them."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for name, locked in PLUGINS.items():
        (place / name).symlink_to(locked.folder)


SERVER = Connect

if __name__ == "__main__":
    for each in (WORKER, *PLUGINS.values()):
        each.renew()
