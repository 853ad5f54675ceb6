"""One question to one broker, over a plain blocking socket.

An ordinary client asks whichever broker it likes and hides the ones that don't answer. Readiness
and the live picture need the opposite: what does *this* broker say, and does it answer at all?
The bytes are made and read by kafka-python's protocol classes.
"""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Any, Self

from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.parser import KafkaProtocol

from labs.cluster.ports import HOST


class BrokerConnection:
    """A connection to one broker that waits at most `timeout_s` for each answer."""

    def __init__(self, port: int, host: str = HOST, timeout_s: float = 1.0) -> None:
        self._socket = socket.create_connection((host, port), timeout=timeout_s)
        self._protocol = KafkaProtocol(client_id="labs")

    def ask(self, request: Any) -> Any:
        """Send `request` (made with a version, such as `MetadataRequest[12](…)`).

        Raises:
            OSError: the broker is gone, or did not answer in time (a paused one never does).
        """
        self._protocol.send_request(request)
        self._socket.sendall(self._protocol.send_bytes())
        while True:
            received = self._socket.recv(65536)
            if not received:
                raise ConnectionResetError("the broker closed the connection")
            for _, response in self._protocol.receive_bytes(received):
                return response

    def metadata(self, topics: list[str] | None = None) -> Any:
        """The MetadataResponse for `topics`; None asks for all, an empty list for none."""
        names = None if topics is None else [_topic(name) for name in topics]
        return self.ask(MetadataRequest[10](topics=names, allow_auto_topic_creation=False))

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _topic(name: str) -> Any:
    return MetadataRequest.MetadataRequestTopic(name=name)
