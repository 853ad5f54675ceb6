"""A real Java producer: Kafka's own console producer, from the jars the brokers run on."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.kafka.config import log_flags
from labs.kafka.installation import ensure_installation, jvm_environment, own_tmp
from labs.supervise.home import Home

words = Words(__file__)

TIMEOUT_S = 60.0

#: Warnings and errors to stderr, as an application's log would have them; with the time since the
#: first of them, ms.
_LOG = log_flags(
    defaultLogLevel="warn", showDateTime="true", showThreadName="false", showLogName="false"
)
#: The console producer has values of its own for these, which only its options can change.
_OPTIONS = {
    "retries": "--message-send-max-retries",
    "request.timeout.ms": "--request-timeout-ms",
    "linger.ms": "--timeout",
    "acks": "--request-required-acks",
}
#: And these it sets whatever one asks for (`ConsoleProducerOptions`; a test reads what the client
#: in it logs).
ITS_OWN = {"send.buffer.bytes": 102_400}
_LINE = re.compile(r"^(\d+) (WARN|ERROR) (.*)$", re.MULTILINE)
_EXCEPTION = re.compile(r"org\.apache\.kafka\.common\.errors\.(\w+): (.*)")


@dataclass(frozen=True)
class Printed:
    """What a Java producer printed.

    `exceptions`: what the application gets, one for each record without an acknowledgement, as
    (class, text).
    `warnings`: what the client's own log says beside it. `retried_ms`: from the first refusal in
    that log to the first exception.
    """

    exceptions: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    retried_ms: int | None


def _option(name: str, value: object) -> tuple[str, str]:
    if name in _OPTIONS:
        return _OPTIONS[name], str(value)
    return "--command-property", f"{name}={value}"


def console_producer(
    bootstrap: Sequence[str],
    topic: str,
    values: Sequence[bytes],
    settings: Mapping[str, object],
) -> Printed:
    """Send values by `kafka-console-producer`, with the Java client's own names of settings.

    Raises:
        LabsError: it could not be run, or did not end in time.
    """
    command = ensure_installation().command_of(
        "org.apache.kafka.tools.ConsoleProducer",
        (own_tmp(Home.current().path), *_LOG),
        [
            *("--bootstrap-server", ",".join(bootstrap), "--topic", topic),
            *(word for setting in settings.items() for word in _option(*setting)),
        ],
    )
    try:
        done = subprocess.run(
            command,
            env=jvm_environment(),
            input=b"\n".join(values) + b"\n",
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabsError(words("java_error.failed.not_run"), because=str(error)) from None
    text = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        raise LabsError(words("java_error.failed.ended"), because=text.strip()[-300:])
    return printed(text)


def printed(text: str) -> Printed:
    """What the console producer has printed, parsed."""
    lines = [(int(at), level, said) for at, level, said in _LINE.findall(text)]
    refused = [at for at, level, said in lines if level == "WARN" and "produce response" in said]
    raised = [at for at, level, _ in lines if level == "ERROR"]
    return Printed(
        exceptions=tuple(_EXCEPTION.findall(text)),
        warnings=tuple(said for _, level, said in lines if level == "WARN"),
        retried_ms=raised[0] - refused[0] if refused and raised else None,
    )
