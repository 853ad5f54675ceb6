"""The reason for a node's death, read from what it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from labs.kafka.last_error import error_in
from labs.kafka.local import runner_of
from labs.supervise.home import Home

START = "[2026-11-22 20:58:58,492] INFO kafka.server.KafkaServer - Starting\n"
PORT_TAKEN = (
    "[2026-11-22 20:58:59,000] ERROR kafka.Kafka$ - Exiting Kafka due to fatal exception during"
    " startup.\n"
    "org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:19091:"
    " Address already in use.\n"
    "\tat kafka.network.Acceptor.openServerSocket(SocketServer.scala:713)\n"
    "Caused by: java.net.BindException: Address already in use\n"
    "\tat java.base/sun.nio.ch.Net.bind0(Native Method)\n"
    "\t... 5 more\n"
)
SHUTDOWN = "[2026-11-22 20:58:59,100] INFO kafka.server.KafkaServer - Shutting down\n"


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (START, ""),
        (
            START + PORT_TAKEN + SHUTDOWN,
            "Exiting Kafka due to fatal exception during startup."
            " (java.net.BindException: Address already in use)",
        ),
        # in the official image the speaker's name comes last
        (
            "[2026-11-22 20:58:59,000] ERROR Error while binding to port (kafka.Kafka$)\n"
            "java.net.BindException: Address already in use\n",
            "Error while binding to port (java.net.BindException: Address already in use)",
        ),
        # a bare name at the end tells less than the message before it
        (
            "[2026-11-22 20:58:59,000] ERROR Exiting. (kafka.Kafka$)\n"
            "java.lang.RuntimeException: Stored node id 7 doesn't match\n"
            "Caused by: java.util.concurrent.CancellationException\n",
            "Exiting. (java.lang.RuntimeException: Stored node id 7 doesn't match)",
        ),
        # the last error counts, not the first
        (
            "[2026-11-22 20:58:59,000] ERROR first (a.B)\n"
            "[2026-11-22 20:58:59,000] FATAL second (a.B)\n",
            "second",
        ),
        # a JVM that never came to logging
        (
            "Error: Could not create the Java Virtual Machine.\n",
            "Error: Could not create the Java Virtual Machine",
        ),
        ("", ""),
    ],
)
def test_last_error(log: str, reason: str) -> None:
    assert error_in(log.encode()) == reason


def test_bytes_that_are_no_text() -> None:
    log = b"\xff\xfe\n[2026-11-22 20:58:59,000] ERROR h\xe9 (a.B)\n"
    assert error_in(log) == "h\N{REPLACEMENT CHARACTER}"


def test_no_log(tmp_path: Path) -> None:
    assert error_in(runner_of(Home(tmp_path)).said(1)) == ""
