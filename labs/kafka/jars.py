"""Kafka's jars: `jars.toml` says what is wanted, `jars.lock.toml` names each by its sha256."""

from __future__ import annotations

from pathlib import Path

from labs.supervise.locked import Locked

#: With the class archive and the storage template.
NEEDED_MB = 200

KAFKA = Locked(Path(__file__).with_name("jars.toml"), "Kafka", "kafka_", NEEDED_MB)


def kafka_version() -> str:
    """The version of Apache Kafka that the lock names, such as `4.3.1`."""
    return KAFKA.version


if __name__ == "__main__":
    KAFKA.renew()
