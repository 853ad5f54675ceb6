"""The one request that kafka-python does not know, and every way in which it may fail."""

from __future__ import annotations

import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest

from labs.kafka.registration import unregister
from tests.helpers import listen

#: What Kafka 4.3.1 sent: correlation id, tags, throttle time, code, no message, tags.
SAID_YES = struct.pack(">ibihbb", 1, 0, 0, 0, 0, 0)
NOT_KNOWN = struct.pack(">ibihbb", 1, 0, 0, 102, 0, 0)
REFUSED = struct.pack(">ibihbb", 1, 0, 0, 31, 0, 0)


def answer_once(listener: socket.socket, answer: bytes) -> bytes:
    client, _ = listener.accept()
    with client:
        asked = client.recv(1024)
        client.sendall(answer)
    return asked


@pytest.mark.parametrize(
    ("answer", "forgotten"),
    [
        (struct.pack(">i", len(SAID_YES)) + SAID_YES, True),
        (struct.pack(">i", len(NOT_KNOWN)) + NOT_KNOWN, True),
        (struct.pack(">i", len(REFUSED)) + REFUSED, False),
        (struct.pack(">i", len(SAID_YES)) + SAID_YES[:7], False),
        (b"", False),
    ],
)
def test_answers(answer: bytes, forgotten: bool) -> None:
    with listen(0) as listener, ThreadPoolExecutor() as pool:
        asked = pool.submit(answer_once, listener, answer)
        assert unregister(listener.getsockname()[1], 4) == forgotten
        # Length, key 64 (UnregisterBroker), version 0, correlation id, client id, tags, id, tags.
        assert asked.result() == struct.pack(">ihhih4sbib", 20, 64, 0, 1, 4, b"labs", 0, 4, 0)


def test_nobody_listens() -> None:
    with listen(0) as listener:
        port = listener.getsockname()[1]
    assert not unregister(port, 4)


def test_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labs.kafka.registration.TIMEOUT_S", 0.05)
    with listen(0) as silent:  # as a paused controller: it takes the connection and says nothing
        assert not unregister(silent.getsockname()[1], 4)
