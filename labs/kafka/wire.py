"""One question to one broker, over a plain blocking socket.

An ordinary client asks whichever broker it likes and hides the ones that don't answer. Readiness
and the live picture need the opposite: what does *this* broker say, and does it answer at all?
The bytes are made and read by kafka-python's protocol classes.

Where the cluster asks who we are, it is told as any client would: TLS first, then SASL (KIP-43 and
KIP-152).
"""

from __future__ import annotations

import socket
import struct
from functools import cached_property
from typing import Any, Self

from kafka.errors import KafkaError
from kafka.net.sasl import get_sasl_mechanism
from kafka.protocol.metadata import ApiVersionsRequest, MetadataRequest
from kafka.protocol.parser import KafkaProtocol
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

from labs.base.words import Words
from labs.kafka.security import Security
from labs.supervise.ports import HOST

words = Words(__file__)

#: What asking raises where no answer comes, or one that makes no sense: another program's.
NO_ANSWER = (OSError, KafkaError, ValueError, struct.error)


class Denied(ConnectionError):  # noqa: N818 - it names what happened
    """The broker does not let us in: it doubts who we are.

    Args:
        offers: the mechanisms that it would take, where ours is none of them; else None.
    """

    def __init__(self, why: str, offers: tuple[str, ...] | None = None) -> None:
        super().__init__(why)
        self.offers = offers


class BrokerConnection:
    """A connection to one broker that waits at most `timeout_s` for each answer.

    Args:
        port: where it listens.
        host: the same.
        timeout_s: how long to wait for each answer, s.
        security: how to be let in; None: anybody is.
    """

    def __init__(
        self,
        port: int,
        host: str = HOST,
        timeout_s: float = 1.0,
        security: Security | None = None,
    ) -> None:
        self._socket = socket.create_connection((host, port), timeout=timeout_s)
        self._protocol = KafkaProtocol(client_id="labs")
        if security is not None:
            try:
                self._be_let_in(security, host)
            except BaseException:
                self.close()
                raise

    def _be_let_in(self, security: Security, host: str) -> None:
        if security.context is not None:
            self._socket = security.context.wrap_socket(self._socket, server_hostname=host)
        if security.asks_who:
            self._say_who(security)

    def _say_who(self, security: Security) -> None:
        answer = self.ask(SaslHandshakeRequest[1](mechanism=security.mechanism))
        if answer.error_code:
            raise Denied(
                words("denied.mechanism", mechanism=security.mechanism), tuple(answer.mechanisms)
            )
        talk = get_sasl_mechanism(security.mechanism)(**security.kafka_python())
        while not talk.is_done():
            answer = self.ask(SaslAuthenticateRequest[1](auth_bytes=talk.auth_bytes()))
            if answer.error_code:
                raise Denied(words("denied.password"))
            try:
                talk.receive(answer.auth_bytes)
            except ValueError:  # SCRAM: it does not know the password either
                raise Denied(words("denied.proof")) from None

    @cached_property
    def versions(self) -> Any:
        """The ApiVersionsResponse: what it understands, and the features of the cluster."""
        request = ApiVersionsRequest[3]
        return self.ask(request(client_software_name="labs", client_software_version="1"))

    def understands(self, request: Any) -> bool:
        """Whether it knows this request in its very version (`DescribeClusterRequest[2]()`).

        One that does not would hang up without a word.
        """
        key, version = request.API_KEY, request.API_VERSION
        return any(
            known.api_key == key and known.min_version <= version <= known.max_version
            for known in self.versions.api_keys
        )

    def ask(self, request: Any) -> Any:
        """Send `request` (made with a version, such as `MetadataRequest[12](…)`).

        Raises:
            OSError: the broker is gone, or did not answer in time (a paused one never does).
            KafkaError, ValueError, struct.error: what answers there is no Kafka.
        """
        self._protocol.send_request(request)
        self._socket.sendall(self._protocol.send_bytes())
        while True:
            received = self._socket.recv(65536)
            if not received:
                raise ConnectionResetError(words("hung_up"))
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

    def __exit__(self, *_: object) -> None:
        self.close()


def _topic(name: str) -> Any:
    return MetadataRequest.MetadataRequestTopic(name=name)
