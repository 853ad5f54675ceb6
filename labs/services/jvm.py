"""How a server that is a JVM is started, and what is written and asked of it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import javaproperties

from labs.kafka.installation import SMALL_FLAGS, jvm_environment, own_tmp
from labs.supervise.children import Launch
from labs.supervise.java import find_java
from labs.supervise.ports import HOST


def jvm(folder: Path, heap_mb: int, words: Sequence[str], program: Sequence[str]) -> Launch:
    """How a JVM is started in its folder.

    Args:
        folder: where it runs.
        heap_mb: how much its objects may take, MB.
        words: its marks and further flags.
        program: the class path and the class, or the jar; what follows.
    """
    flags = (*SMALL_FLAGS, f"-Xmx{heap_mb}m", own_tmp(folder), *words)
    return Launch([str(find_java().path), *flags, *program], folder, jvm_environment())


def write_properties(file: Path, settings: Mapping[str, str]) -> None:
    """Write a properties file that we alone may read: a password of Kafka's may be in it."""
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(javaproperties.dumps(settings, timestamp=None), "latin-1")


def asked(port: int, path: str) -> Any:
    """The JSON with which a server answers a GET; None where it does not."""
    body = answered(port, path, timeout_s=2.0)
    try:
        return None if body is None else json.loads(body)
    except ValueError:
        return None


def answered(port: int, path: str, timeout_s: float) -> bytes | None:
    """What a server answers a GET with, if that is `200 OK`; else None.

    No proxy comes between, whatever the environment says.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read() if answer.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
