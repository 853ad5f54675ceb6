"""One client of each system for the load experiments, all three behind the same few calls.

Kafka's is librdkafka and Pulsar's is its C++ client, each with its Python interface. RabbitMQ has
no such client for Python, and pika needs more time for a message than RabbitMQ does. So the frames
that go with every message are made once, by pika, and are written as they are; what comes in is
read without pika's objects. It is the same protocol (AMQP 0-9-1), and the client is seldom the
limit.

What an acknowledgement promises is not the same in all three. Pulsar, and a quorum queue of
RabbitMQ, acknowledge what is forced to the disk (`fsync`) of as many nodes as asked for; Kafka
acknowledges what is in its brokers' memory, on the way to the disk. A classic queue of RabbitMQ 4
does as Kafka does, by RabbitMQ's own account (its blog, 17 January 2025: "How are the messages
stored?"); that of 3.10 forces, too. Kafka and Pulsar collect messages for a moment (`LINGER_MS`)
and send them in one batch; AMQP knows no batches.
"""

from __future__ import annotations

import select
import socket
import struct
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from labs.base.clock import now
from labs.kafka import security
from labs.services.kinds import pulsar as pulsar_server
from labs.services.kinds import rabbitmq as rabbitmq_server
from labs.supervise.ports import HOST

KAFKA, RABBITMQ, PULSAR = "kafka", "rabbitmq", "pulsar"
SYSTEMS = (KAFKA, RABBITMQ, PULSAR)

#: Of every message, bytes: its number, and the same filling.
RECORD_BYTES = 1024
_NUMBER = struct.Struct(">Q")
FILLING = bytes(n % 251 for n in range(RECORD_BYTES - _NUMBER.size))

#: How long Kafka's and Pulsar's producers collect a batch, ms.
LINGER_MS = 1
#: The subscription by which Pulsar remembers what was read.
SUBSCRIPTION = "load"
#: So long a client waits for what must come, s.
PATIENCE_S = 30.0
#: RabbitMQ sends so many messages ahead of the reader's acknowledgement.
PREFETCH = 1000

#: With idempotence, which is the Java client's default, five requests are on their way at most, and
#: what waits behind them makes larger batches. Without, librdkafka sends a request a message,
#: however many wait for an answer: brokers short of processor time then fall further behind.
KAFKA_PRODUCER: Mapping[str, Any] = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": LINGER_MS,
}
KAFKA_CONSUMER: Mapping[str, Any] = {
    "group.id": SUBSCRIPTION,  # it must have one, and never uses it
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
}


class Client(ABC):
    """A writer and a reader of one topic or queue; when each message was acknowledged and read.

    Attributes:
        acknowledged: when each was; 0: not yet.
        read: when each was read first; 0: not yet.
        order: the numbers in the order of reading, those read twice as well; -1: not as sent.
        refused: how many got an error instead of an acknowledgement.
        blocked: whether the server has told us to wait.
    """

    def __init__(self) -> None:
        self.acknowledged = array("d")
        self.read = array("d")
        self.order = array("q")
        self.answers = self.readings = self.refused = 0
        self.blocked = False

    def send(self) -> None:
        """Send the next message; returns at once."""
        number = len(self.acknowledged)
        self.acknowledged.append(0.0)
        self.read.append(0.0)
        self.hand_over(number, _NUMBER.pack(number) + FILLING)

    @property
    def unanswered(self) -> int:
        """How many were sent and have no answer yet."""
        return len(self.acknowledged) - self.answers

    @property
    def unread(self) -> int:
        """How many were sent and not read yet."""
        return len(self.read) - self.readings

    def answered(self, number: int, error: object = None) -> None:
        """A message was acknowledged, or refused."""
        self.answers += 1
        if error:
            self.refused += 1
        else:
            self.acknowledged[number] = now()

    def came(self, message: bytes) -> None:
        """A message was read."""
        number: int = _NUMBER.unpack_from(message)[0]
        if number >= len(self.read) or message[_NUMBER.size :] != FILLING:
            self.order.append(-1)
            return
        self.order.append(number)
        if not self.read[number]:
            self.read[number] = now()
            self.readings += 1

    @abstractmethod
    def hand_over(self, number: int, message: bytes) -> None:
        """Hand a message over."""

    @abstractmethod
    def serve(self, seconds: float) -> None:
        """Take what has come in, or wait for it, no longer than that."""

    @abstractmethod
    def begin_reading(self) -> None:
        """Have a reader connect; it goes on where the last one ended."""

    @abstractmethod
    def end_reading(self) -> None:
        """Have the reader leave."""


class Kafka(Client):
    """librdkafka."""

    def __init__(self, address: str, name: str) -> None:
        super().__init__()
        from confluent_kafka import Producer

        self._name = name
        let_in = security.current().librdkafka()
        self._where = {"bootstrap.servers": address, "log_level": 0, **let_in}
        self._producer = Producer({**self._where, **KAFKA_PRODUCER})
        self._consumer: Any = None

    def hand_over(self, number: int, message: bytes) -> None:
        """Hand a message over."""

        def delivered(error: object, _message: object) -> None:
            self.answered(number, error)

        self._producer.produce(self._name, message, partition=0, on_delivery=delivered)

    def serve(self, seconds: float) -> None:
        """Take what has come in."""
        self._producer.poll(seconds)
        if self._consumer is not None:
            for message in self._consumer.consume(500, 0):
                if message.error() is None:
                    self.came(message.value())

    def begin_reading(self) -> None:
        """Have a reader connect."""
        from confluent_kafka import Consumer, TopicPartition

        self._consumer = Consumer({**self._where, **KAFKA_CONSUMER})
        self._consumer.assign([TopicPartition(self._name, 0, len(self.order))])

    def end_reading(self) -> None:
        """Have it leave."""
        if self._consumer is not None:
            self._consumer.close()
        self._consumer = None


class Pulsar(Client):
    """Pulsar's C++ client. Its answers come in threads of its own."""

    def __init__(self, address: str, name: str) -> None:
        super().__init__()
        pulsar_server.PACKAGES.use()
        import pulsar

        quiet = pulsar.ConsoleLogger(pulsar.LoggerLevel.Error)
        self._client = pulsar.Client(
            address, operation_timeout_seconds=int(PATIENCE_S), logger=quiet
        )
        self._name = name
        self._ok = pulsar.Result.Ok
        self._producer = self._client.create_producer(
            name,
            batching_enabled=True,
            batching_max_publish_delay_ms=LINGER_MS,
            max_pending_messages=0,  # the load itself has a limit
            send_timeout_millis=0,
        )
        self._consumer: Any = None

    def hand_over(self, number: int, message: bytes) -> None:
        """Hand a message over."""

        def answered(result: object, _id: object) -> None:
            self.answered(number, result != self._ok)

        self._producer.send_async(message, answered)

    def serve(self, seconds: float) -> None:
        """Take what has come in."""
        select.select((), (), (), seconds)  # sleep(0) would not let the others work

    def begin_reading(self) -> None:
        """Have a reader connect."""

        def came(consumer: Any, message: Any) -> None:
            self.came(message.data())
            consumer.acknowledge(message)

        self._consumer = self._client.subscribe(
            self._name, SUBSCRIPTION, message_listener=came, receiver_queue_size=PREFETCH
        )

    def end_reading(self) -> None:
        """Have it leave."""
        if self._consumer is not None:
            self._consumer.close()
        self._consumer = None


# -- RabbitMQ --------------------------------------------------------------------------------------

_FRAME = struct.Struct(">BHI")
_ID = struct.Struct(">I")
_TAG = struct.Struct(">QB")
_METHOD, _BODY = 1, 3
_ACK, _NACK, _DELIVER = 60 << 16 | 80, 60 << 16 | 120, 60 << 16 | 60
_BLOCKED, _UNBLOCKED = 10 << 16 | 60, 10 << 16 | 61
_END = b"\xce"
_READ_AT_ONCE = 1 << 18


class _Connection:
    """A connection of AMQP 0-9-1 with one channel."""

    def __init__(self, address: str, password: str) -> None:
        rabbitmq_server.PACKAGES.use()
        import pika.frame
        import pika.spec

        self.frame, self.spec = pika.frame, pika.spec
        port = int(address.rpartition(":")[2])
        self.socket = socket.create_connection((HOST, port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in, self.out = bytearray(), bytearray()
        self.socket.sendall(self.frame.ProtocolHeader().marshal())
        known = {"capabilities": {"publisher_confirms": True, "connection.blocked": True}}
        let_in = f"\0{rabbitmq_server.USER}\0{password}"
        self.expect(self.spec.Connection.Start)
        self.say(self.spec.Connection.StartOk(known, "PLAIN", let_in, "en_US"), 0)
        told = self.expect(self.spec.Connection.Tune)
        self.say(self.spec.Connection.TuneOk(told.channel_max, told.frame_max, 0), 0)
        self.call(self.spec.Connection.Open(rabbitmq_server.VHOST), 0)
        self.call(self.spec.Channel.Open())

    def marshalled(self, method: Any, channel: int = 1) -> bytes:
        """A method as it goes over the wire."""
        return bytes(self.frame.Method(channel, method).marshal())

    def say(self, method: Any, channel: int = 1) -> None:
        """Send a method, and wait until it is on its way."""
        self.flush(PATIENCE_S)
        self.socket.settimeout(PATIENCE_S)
        self.socket.sendall(self.marshalled(method, channel))

    def call(self, method: Any, channel: int = 1) -> Any:
        """Send a method and wait for its answer."""
        self.say(method, channel)
        of, _, what = method.NAME.partition(".")
        return self.expect(getattr(getattr(self.spec, of), f"{what}Ok"))

    def expect(self, wanted: type) -> Any:
        """Wait for a method; what else comes in meanwhile is passed over.

        Raises:
            OSError: it did not come.
        """
        self.socket.settimeout(PATIENCE_S)
        while True:
            used, found = self.frame.decode_frame(bytes(self._in))
            if found is None:
                got = self.socket.recv(_READ_AT_ONCE)
                if not got:
                    raise ConnectionResetError
                self._in += got
                continue
            del self._in[:used]
            if isinstance(getattr(found, "method", None), wanted):
                return found.method

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """What has come in: the kind of each frame, and what is in it."""
        self.socket.settimeout(0)
        try:
            got = self.socket.recv(_READ_AT_ONCE)
        except BlockingIOError:
            return
        if not got:
            raise ConnectionResetError
        self._in += got
        data, at = bytes(self._in), 0
        while len(data) - at >= _FRAME.size:
            kind, _, size = _FRAME.unpack_from(data, at)
            end = at + _FRAME.size + size + len(_END)
            if end > len(data):
                break
            yield kind, data[at + _FRAME.size : end - len(_END)]
            at = end
        del self._in[:at]

    def flush(self, seconds: float = 0.0) -> None:
        """Write as much as the server takes."""
        self.socket.settimeout(seconds)
        while self.out:
            try:
                sent = self.socket.send(self.out[:_READ_AT_ONCE])
            except (BlockingIOError, TimeoutError):
                return
            del self.out[:sent]

    def close(self) -> None:
        """Say good-bye: what was acknowledged before counts."""
        self.call(self.spec.Connection.Close(200, "", 0, 0), 0)
        self.socket.close()


class RabbitMQ(Client):
    """Frames that pika has made. It publishes and reads by two connections, as RabbitMQ advises."""

    def __init__(self, address: str, name: str, password: str) -> None:
        super().__init__()
        self._where, self._name = (address, password), name
        self._writer = _Connection(*self._where)
        self._writer.call(self._writer.spec.Confirm.Select())
        spec, frame = self._writer.spec, self._writer.frame
        properties = spec.BasicProperties(delivery_mode=2)  # to be kept on disk
        method = self._writer.marshalled(spec.Basic.Publish(exchange="", routing_key=name))
        header = frame.Header(1, RECORD_BYTES, properties).marshal()
        self._before = method + header + _FRAME.pack(_BODY, 1, RECORD_BYTES)
        self._confirmed = 0
        self._reader: _Connection | None = None
        self._tag = self._taken = 0

    def hand_over(self, number: int, message: bytes) -> None:
        """Hand a message over."""
        del number  # the server counts them, too
        self._writer.out += self._before + message + _END

    def serve(self, seconds: float) -> None:
        """Take what has come in."""
        connections = [one for one in (self._writer, self._reader) if one]
        full = [one.socket for one in connections if one.out]
        self._flush(connections)
        select.select([one.socket for one in connections], full, (), seconds)
        self._flush(connections)
        for kind, frame in self._writer.frames():
            if kind == _METHOD:
                self._method(frame)
        if self._reader:
            self._take(self._reader)

    def _flush(self, connections: Sequence[_Connection]) -> None:
        for one in connections:
            one.flush()

    def _method(self, frame: bytes) -> None:
        id = _ID.unpack_from(frame)[0]
        if id in (_ACK, _NACK):
            tag, bits = _TAG.unpack_from(frame, _ID.size)
            for number in range(self._confirmed if bits & 1 else tag - 1, tag):
                if not self.acknowledged[number]:
                    self.answered(number, id == _NACK)
            if bits & 1:
                self._confirmed = max(self._confirmed, tag)
        elif id in (_BLOCKED, _UNBLOCKED):
            self.blocked = self.blocked or id == _BLOCKED

    def _take(self, reader: _Connection) -> None:
        came = False
        for kind, frame in reader.frames():
            if kind == _BODY:
                self.came(frame)
                came = True
                self._taken = self._tag
            elif kind == _METHOD and _ID.unpack_from(frame)[0] == _DELIVER:
                self._tag = _TAG.unpack_from(frame, _ID.size + 1 + frame[_ID.size])[0]
        if came:
            reader.out += reader.marshalled(reader.spec.Basic.Ack(self._taken, multiple=True))
            reader.flush()

    def begin_reading(self) -> None:
        """Have a reader connect."""
        reader = _Connection(*self._where)
        reader.call(reader.spec.Basic.Qos(prefetch_count=PREFETCH))
        reader.call(reader.spec.Basic.Consume(queue=self._name, consumer_tag="reader"))
        self._reader = reader

    def end_reading(self) -> None:
        """Have it leave."""
        if self._reader:
            self._reader.flush(PATIENCE_S)
            self._reader.close()
        self._reader = None


#: A client of a system: address, name of the topic or queue, what else was noted.
MADE: Mapping[str, Callable[[str, str, str], Client]] = {
    KAFKA: lambda address, name, _password: Kafka(address, name),
    RABBITMQ: RabbitMQ,
    PULSAR: lambda address, name, _password: Pulsar(address, name),
}
