"""Ways to share tasks between two workers: groups of Kafka, a queue, subscriptions of Pulsar."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from confluent_kafka import Consumer, ShareConsumer

from labs.base.clock import now
from labs.base.words import Words
from labs.chapters.systems.beside import fresh_queue, pulsar_client, rabbit_connection
from labs.experiment.run import Run
from labs.experiment.views import Span
from labs.kafka import security
from labs.kafka.admin import set_group_config
from labs.services.service import Service
from labs.workload import number_of, set_here
from labs.workload.topic import fresh_name, make_topic, serving

words = Words(__file__)

GROUP, SHARE, QUEUE, SHARED = "kafka_group", "share_group", "rabbitmq_queue", "pulsar_shared"
WORKERS = "AB"
NAME = "labs.shares"
#: How long all may take, and how long a worker waits for its next task, s.
DONE_S, POLL_S = 60.0, 0.2
#: A client that does not let go is left behind after that, s: seen once, on a busy machine.
STOP_S = 5.0
#: How many tasks a worker may be given ahead, if not one.
MANY = 20

#: A task's number, and a function that acknowledges it.
Task = tuple[int, Callable[[], object]]
#: How long a task takes, s, and which kind of span it is.
Takes = Callable[[int], tuple[float, str]]


class Way:
    """One way to share tasks: two workers, and who did what when.

    Args:
        run: whose it is.
        takes: how long each task takes.
        name: by which it is known.

    Attributes:
        done: how each task was done.
        by: the same by worker.
        ready: whether each worker has joined, a bit each.
    """

    def __init__(self, run: Run, takes: Takes, name: str) -> None:
        self.run, self.name, self._takes = run, name, takes
        self.done: dict[int, Span] = {}
        self.by: dict[str, list[Span]] = {worker: [] for worker in WORKERS}
        self.over = threading.Event()
        self.ready = 0
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(worker,), daemon=True) for worker in WORKERS
        ]

    def start(self) -> None:
        """Have both workers join."""
        for thread in self._threads:
            thread.start()

    @property
    def joined(self) -> bool:
        """Whether both workers have."""
        return self.ready == (1 << len(WORKERS)) - 1

    def stop(self) -> None:
        """Have both leave."""
        self.over.set()
        for thread in self._threads:
            thread.join(STOP_S)

    def tasks(self, worker: str) -> Iterator[Task | None]:
        """The tasks that a worker gets, one after another; None: there is none for a moment."""
        raise NotImplementedError

    def _work(self, worker: str) -> None:
        for task in self.tasks(worker):
            if self.over.is_set():
                return
            if task is None:
                continue
            number, acknowledge = task
            seconds, kind = self._takes(number)
            began = now()
            self.over.wait(seconds)
            acknowledge()
            span = Span(began - self.run.began, now() - self.run.began, kind, str(number))
            with self._lock:
                self.done[number] = span
                self.by[worker].append(span)


def join(run: Run, ways: Sequence[Way], experiment: str) -> None:
    """Have the workers of all ways join, and begin; `experiment`: under which its words stand."""
    for way in ways:
        run.closing(way.over.set)
    run.say(words(f"{experiment}.says.joining"))
    for way in ways:
        way.start()
    run.wait(lambda: all(w.joined for w in ways), words(f"{experiment}.awaited.joined"), DONE_S)
    run.say(words(f"{experiment}.says.working"))
    run.began = now()


def finish(run: Run, ways: Sequence[Way], count: int, experiment: str) -> None:
    """Wait until each way has done so many tasks; then all leave."""
    done = words(f"{experiment}.awaited.done")
    run.wait(lambda: all(len(w.done) == count for w in ways), done, DONE_S)
    for way in ways:
        way.stop()


class Group(Way):
    """A consumer group on the run's topic."""

    def __init__(self, run: Run, takes: Takes) -> None:
        super().__init__(run, takes, GROUP)

    def tasks(self, worker: str) -> Iterator[Task | None]:
        """See `Way`."""
        options = {
            **_servers(self.run),
            "group.id": f"{self.run.topic}-group",
            "group.protocol": "consumer",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
        self.run.note(set_here.librdkafka("consumer", options, words("shares.group_members")))
        consumer = Consumer(options)
        consumer.subscribe([self.run.topic])
        try:
            while True:
                record = consumer.poll(POLL_S)
                self.ready |= (len(consumer.assignment()) == 1) << WORKERS.index(worker)
                if record is None or record.error():
                    yield None
                else:
                    yield _number(record), partial(_commit, consumer, record)
        finally:
            consumer.close()


class Share(Way):
    """A share group, on a topic of its own with one partition.

    Of two partitions each member would get one.
    """

    def __init__(self, run: Run, takes: Takes, singly: bool) -> None:
        super().__init__(run, takes, SHARE)
        limits = {"retention.ms": "-1", **run.cluster.limits}
        self._topic = fresh_name(run.cluster, "systems-tasks-")
        make_topic(run.cluster, self._topic, settings=limits, sleep=run.sleep)
        settings = {"share.auto.offset.reset": "earliest"}
        set_group_config(serving(run.cluster), self._topic, settings)
        run.note(set_here.group(settings))
        # A share group hands out whole batches: a batch is one task, or all of them.
        self._singly = singly
        alone: dict[str, Any] = {"batch_size": 0, "linger_ms": 0}
        together: dict[str, Any] = {"batch_size": 100_000, "linger_ms": 500}
        self._producer = run.producer(**(alone if singly else together))

    def put(self, value: bytes, key: bytes | None = None) -> None:
        """Send a task."""
        self._producer.send(self._topic, value, key)

    def tasks(self, worker: str) -> Iterator[Task | None]:
        """See `Way`."""
        options = {
            **_servers(self.run),
            "group.id": self._topic,
            "share.acknowledgement.mode": "explicit",
            "max.poll.records": 1 if self._singly else MANY,
            "log_level": 0,
        }
        self.run.note(set_here.librdkafka("consumer", options, words("shares.share_members")))
        consumer = ShareConsumer(options)
        consumer.subscribe([self._topic])
        try:
            while True:
                records = [r for r in consumer.poll(timeout=POLL_S) if not r.error()]
                self.ready |= 1 << WORKERS.index(worker)
                if not records:
                    yield None
                for record in records:
                    yield _number(record), partial(consumer.acknowledge, record)
                if records:
                    consumer.commit_sync(timeout=10)
        finally:
            consumer.close()


class Queue(Way):
    """A quorum queue."""

    def __init__(self, run: Run, takes: Takes, singly: bool, one: Service) -> None:
        super().__init__(run, takes, QUEUE)
        self._one, self._singly = one, singly
        fresh_queue(one, NAME)
        self._channel = rabbit_connection(one, heartbeat_s=0).channel()
        run.closing(lambda: _close(self._channel.connection))
        self._channel.confirm_delivery()

    def put(self, value: bytes) -> None:
        """Send a task."""
        self._channel.basic_publish("", NAME, value)

    def tasks(self, worker: str) -> Iterator[Task | None]:
        """See `Way`."""
        channel = rabbit_connection(self._one, heartbeat_s=0).channel()
        if self._singly:
            channel.basic_qos(prefetch_count=1)  # its default is 0: no limit
        try:
            for method, _, body in channel.consume(NAME, inactivity_timeout=POLL_S):
                self.ready |= 1 << WORKERS.index(worker)
                if method is None:
                    yield None
                else:
                    tag = method.delivery_tag
                    yield number_of(body) or 0, partial(channel.basic_ack, tag)
        finally:
            _close(channel.connection)


class Subscription(Way):
    """A subscription of Pulsar. `kind`: the name of its type, as `pulsar.ConsumerType` has it."""

    def __init__(
        self,
        run: Run,
        takes: Takes,
        singly: bool,
        topic: str,
        name: str = SHARED,
        kind: str = "Shared",
    ) -> None:
        super().__init__(run, takes, name)
        self._topic, self._kind, self._singly = topic, kind, singly
        self._client = pulsar_client(run)
        self._producer = self._client.create_producer(topic)

    def put(self, value: bytes, key: bytes | None = None) -> None:
        """Send a task."""
        self._producer.send(value, partition_key=key.decode() if key else None)

    def tasks(self, worker: str) -> Iterator[Task | None]:
        """See `Way`. A worker that may not join has none."""
        import pulsar

        try:
            consumer = self._client.subscribe(
                self._topic,
                NAME,
                getattr(pulsar.ConsumerType, self._kind),
                receiver_queue_size=0 if self._singly else 1000,
            )
        except pulsar.ConsumerBusy:
            return
        finally:
            self.ready |= 1 << WORKERS.index(worker)
        # Without a queue it can't be told to wait for a while only: closing the client ends it.
        with suppress(pulsar.PulsarException):
            while True:
                message = consumer.receive()
                number = number_of(message.data()) or 0
                yield number, partial(consumer.acknowledge, message)

    def stop(self) -> None:
        """Have both leave."""
        self.over.set()
        self._client.close()
        super().stop()


def _servers(run: Run) -> dict[str, Any]:
    servers = {"bootstrap.servers": ",".join(run.cluster.bootstrap)}
    return {**servers, **security.current().librdkafka()}


def _number(record: Any) -> int:
    return number_of(record.value()) or 0


def _commit(consumer: Consumer, record: Any) -> None:
    consumer.commit(message=record, asynchronous=False)


def _close(connection: Any) -> None:
    with suppress(Exception):
        connection.close()
