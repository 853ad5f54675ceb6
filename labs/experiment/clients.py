"""The clients of a run: the result names what they set, and they are closed at its end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from labs.experiment.telling import Telling
from labs.kafka.admin import ask
from labs.workload import Load, set_here
from labs.workload.history import History
from labs.workload.set_here import Departure
from labs.workload.topic import serving

T = TypeVar("T")

FLUSH_S = 5.0


@dataclass
class Clients(Telling):
    """What a run makes clients with. All are closed when it ends."""

    history: History = field(default_factory=History)
    topic: str = ""
    _loads: list[Load] = field(default_factory=list)
    _producers: list[KafkaProducer] = field(default_factory=list)
    _closers: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _set_here: dict[Departure, None] = field(default_factory=dict)  # in the order of noting

    def producer(self, who: str = "producer", **options: Any) -> KafkaProducer:
        """A kafka-python producer on this cluster, closed when the run ends; `who` names it."""
        given = {"metadata_max_age_ms": 5000, "reconnect_backoff_max_ms": 500, **options}
        self.note(set_here.kafka_python("producer", given, who))
        producer = KafkaProducer(bootstrap_servers=self.cluster.bootstrap, **given)
        self._producers.append(producer)
        return producer

    def consumer(self, **options: Any) -> KafkaConsumer:
        """A kafka-python consumer on this cluster, in no group; closed when the run ends."""
        self.note(set_here.kafka_python("consumer", options))
        consumer = KafkaConsumer(bootstrap_servers=self.cluster.bootstrap, **options)
        self.closing(consumer.close)
        return consumer

    def admin(self, **options: Any) -> KafkaAdminClient:
        """A kafka-python admin client on this cluster, closed when the run ends.

        For requests that the run is about; use `ask` for what it only needs to know.
        """
        self.note(set_here.kafka_python("admin client", options))
        client = KafkaAdminClient(bootstrap_servers=self.cluster.bootstrap, **options)
        self.closing(client.close)
        return client

    def note(self, departures: Iterable[Departure]) -> None:
        """Have the result list these settings, which are not at their defaults."""
        self._set_here |= dict.fromkeys(departures)

    @property
    def noted(self) -> tuple[Departure, ...]:
        """The settings that were noted, in that order."""
        return tuple(self._set_here)

    def load(
        self, producer: KafkaProducer, rate: float, count: int | None = None, **options: Any
    ) -> Load:
        """Send numbered records to the run's topic, from now on."""
        load = Load(self.history, producer, self.topic, rate, count, **options).start()
        self._loads.append(load)
        return load

    def closing(self, close: Callable[[], object]) -> None:
        """Call `close` when the run ends, however it ends."""
        self._closers.callback(close)

    def ask(self, question: Callable[[KafkaAdminClient], T]) -> T:
        """Ask a question that may be asked twice, of brokers that run only.

        Raises:
            LabsError: no answer in time, or a refusal.
        """
        return ask(self.serving, question)

    @property
    def serving(self) -> list[str]:
        """`host:port` of the brokers that run, else of all: see `labs.workload.topic.serving`."""
        return serving(self.cluster)

    def close_senders(self) -> None:
        """End the producers: what they still hold back must not be written after the final read."""
        while self._loads:
            self._loads.pop().stop(flush_s=0)
        while self._producers:
            _close(self._producers.pop())

    def close_clients(self) -> None:
        """Close all clients, and call all that `closing` was given."""
        self.close_senders()
        self._closers.close()


def _close(producer: KafkaProducer) -> None:
    """Close a producer, and make sure that it writes no more.

    If kafka-python 3.0's `close` gets no answers in time, it raises, and its sender goes on.
    """
    with contextlib.suppress(KafkaError, AssertionError):
        producer.close(timeout=FLUSH_S)
    sender = producer._sender  # noqa: SLF001 - nothing public ends it
    if sender is not None and sender.is_alive():
        sender.force_close()
        sender.join(FLUSH_S)
