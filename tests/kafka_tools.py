"""Kafka's own command line tools, from the very jars that the brokers run on."""

from __future__ import annotations

import subprocess

from labs.kafka.installation import ensure_installation, jvm_environment
from labs.workload import number_of


def kafka_tool(name: str, *arguments: str, given: str | None = None) -> str:
    """What a tool prints; `given` is typed into it."""
    installation = ensure_installation()
    done = subprocess.run(
        [str(installation.java.path), "-cp", installation.class_path, name, *arguments],
        env=jvm_environment(),
        input=given,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def end_offsets(bootstrap: list[str], topic: str) -> dict[int, int]:
    """The readable end of each partition, by `kafka-get-offsets`."""
    said = kafka_tool(
        "org.apache.kafka.tools.GetOffsetShell",
        *("--bootstrap-server", ",".join(bootstrap), "--topic", topic),
    )
    rows = [line.split(":") for line in said.splitlines() if line.startswith(f"{topic}:")]
    return {int(partition): int(offset) for _, partition, offset in rows}


def consume(bootstrap: list[str], topic: str) -> list[str]:
    """Every numbered value from the beginning on, by `kafka-console-consumer`."""
    said = kafka_tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *("--bootstrap-server", ",".join(bootstrap), "--topic", topic),
        *("--from-beginning", "--timeout-ms", "8000"),
    )
    # It says on the same channel that nothing more has come in time; a record of ours has a number.
    return [line for line in said.splitlines() if number_of(line.encode()) is not None]
