"""Two workers share twenty tasks, and one task is slow: who waits behind it?

The same twenty records, four ways: a consumer group and a share group of Kafka, a queue of
RabbitMQ, a shared subscription of Pulsar. In each, two workers acknowledge task by task.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from confluent_kafka import Consumer, ShareConsumer

from labs.base.clock import now
from labs.base.words import Words, listed
from labs.chapters.systems.beside import (
    fresh_queue,
    pulsar_client,
    pulsar_namespace,
    rabbit_connection,
    rabbitmq,
)
from labs.experiment.experiment import Experiment
from labs.experiment.filling import evenly
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lanes, Span
from labs.kafka import security
from labs.kafka.admin import set_group_config
from labs.kafka.features import SHARE_GROUPS
from labs.services.service import Service
from labs.workload import number_of, set_here
from labs.workload.topic import fresh_name, make_topic, serving

words = Words(__file__)

TASKS, SLOW_TASK, QUICK_S = 20, 4, 0.05
GROUP, SHARE, QUEUE, SHARED = "kafka_group", "share_group", "rabbitmq_queue", "pulsar_shared"
WAYS = (GROUP, SHARE, QUEUE, SHARED)
ONE, MANY = "one", "many"
WORKERS = "AB"
NAME = "labs.shares"
#: How long all may take, and how long a worker waits for its next task, s.
DONE_S, POLL_S = 60.0, 0.2
#: More tasks than that behind the slow one did not come late by chance.
BY_CHANCE = 2

#: A task's number, and a function that acknowledges it.
Task = tuple[int, Callable[[], object]]


class _Way:
    """One way to share tasks: two workers, and who did what when."""

    name = ""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.done: dict[int, Span] = {}
        self.by: dict[str, list[Span]] = {worker: [] for worker in WORKERS}
        self.over, self.go = threading.Event(), threading.Event()
        self.ready = 0
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(worker,), daemon=True) for worker in WORKERS
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(DONE_S)

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
            slow = number == SLOW_TASK
            began = now()
            self.over.wait(self.run["slow_s"] if slow else QUICK_S)
            acknowledge()
            kind = "slow" if slow else "quick"
            span = Span(began - self.run.began, now() - self.run.began, kind, str(number))
            with self._lock:
                self.done[number] = span
                self.by[worker].append(span)

    @property
    def waited(self) -> int:
        """How many tasks were done only after the slow one."""
        slow = self.done[SLOW_TASK].end
        return sum(span.end > slow for span in self.done.values())


class _Group(_Way):
    name = GROUP

    def tasks(self, worker: str) -> Iterator[Task | None]:
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


class _Share(_Way):
    """On a topic of its own with one partition: of two partitions each member would get one."""

    name = SHARE

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        limits = {"retention.ms": "-1", **run.cluster.limits}
        self._topic = fresh_name(run.cluster, "systems-tasks-")
        make_topic(run.cluster, self._topic, settings=limits, sleep=run.sleep)
        settings = {"share.auto.offset.reset": "earliest"}
        set_group_config(serving(run.cluster), self._topic, settings)
        run.note(set_here.group(settings))
        # A share group hands out whole batches: a batch is one task, or all of them.
        singly: dict[str, Any] = {"batch_size": 0, "linger_ms": 0}
        together: dict[str, Any] = {"batch_size": 100_000, "linger_ms": 500}
        self._producer = run.producer(**(singly if run["ahead"] == ONE else together))

    def put(self, value: bytes) -> None:
        self._producer.send(self._topic, value)

    def tasks(self, worker: str) -> Iterator[Task | None]:
        options = {
            **_servers(self.run),
            "group.id": self._topic,
            "share.acknowledgement.mode": "explicit",
            "max.poll.records": 1 if self.run["ahead"] == ONE else TASKS,
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


class _Queue(_Way):
    name = QUEUE

    def __init__(self, run: Run, one: Service) -> None:
        super().__init__(run)
        self._one = one
        self._channel = rabbit_connection(one, heartbeat_s=0).channel()
        run.closing(lambda: _close(self._channel.connection))
        fresh_queue(self._channel, NAME)
        self._channel.confirm_delivery()

    def put(self, value: bytes) -> None:
        self._channel.basic_publish("", NAME, value)

    def tasks(self, worker: str) -> Iterator[Task | None]:
        channel = rabbit_connection(self._one, heartbeat_s=0).channel()
        if self.run["ahead"] == ONE:
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


class _Shared(_Way):
    name = SHARED

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._client = pulsar_client(run)
        self._topic = f"persistent://{pulsar_namespace('shares', {})}/tasks"
        self._producer = self._client.create_producer(self._topic)

    def put(self, value: bytes) -> None:
        self._producer.send(value)

    def tasks(self, worker: str) -> Iterator[Task | None]:
        import pulsar

        consumer = self._client.subscribe(
            self._topic,
            NAME,
            pulsar.ConsumerType.Shared,
            receiver_queue_size=0 if self.run["ahead"] == ONE else 1000,
        )
        self.ready |= 1 << WORKERS.index(worker)
        # Without a queue it can't be told to wait for a while only: closing the client ends it.
        with suppress(pulsar.PulsarException):
            while True:
                message = consumer.receive()
                number = number_of(message.data()) or 0
                yield number, partial(consumer.acknowledge, message)

    def stop(self) -> None:
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


def _shares(run: Run) -> None:
    run.say(words("shares.says.starting"))
    rabbit = rabbitmq()
    beside: list[_Share | _Queue | _Shared] = [_Shared(run)]
    if rabbit:
        beside.insert(0, _Queue(run, rabbit))
    run.make_topic(partitions=2, watch=False)
    beside.insert(0, _Share(run))
    ways: list[_Way] = [_Group(run), *beside]
    for way in ways:
        run.closing(way.over.set)
    run.say(words("shares.says.joining"))
    for way in ways:
        way.start()
    everybody = (1 << len(WORKERS)) - 1
    run.wait(
        lambda: all(w.ready == everybody for w in ways), words("shares.awaited.joined"), DONE_S
    )
    run.say(words("shares.says.working"))
    run.began = now()
    producer, payload = evenly(run)
    run.load(producer, 0, TASKS, payload=payload).wait(DONE_S)
    for send in run.history.sends:
        for way in beside:
            way.put(send.value)
    run.wait(lambda: all(len(w.done) == TASKS for w in ways), words("shares.awaited.done"), DONE_S)
    for way in ways:
        way.stop()
    _tell(run, ways)


def _tell(run: Run, ways: list[_Way]) -> None:
    waited = {way.name: way.waited for way in ways}
    behind = [words(f"shares.ways.{name}") for name in waited if waited[name] > BY_CHANCE]
    run.measurements |= {f"{name}_waited_tasks": count for name, count in waited.items()}
    id = "some" if behind else "none"
    run.conclude(words(f"shares.told.{id}", names=listed(behind), **run.values))
    title = words(f"shares.title.{id}", names=listed(behind), **run.values)
    lanes = {f"{w.name}:{worker}": w.by[worker] for w in ways for worker in WORKERS}
    run.show(Lanes(title, lanes, ("quick", "slow"), names=words.under("shown")))


_GROUP_ALONE, _NONE, _QUEUES, _ALL = "group", "none", "queues", "all"


def _who(result: Result) -> str | None:
    told = result.measurements
    asked = [name for name in WAYS if f"{name}_waited_tasks" in told]
    behind = {name for name in asked if int(told[f"{name}_waited_tasks"] or 0) > BY_CHANCE}
    if behind == set(asked):
        return _ALL
    if behind == {GROUP}:
        return _GROUP_ALONE
    if not behind:
        return _NONE
    return _QUEUES if GROUP not in behind else None


SHARES = Experiment(
    "systems.shares",
    words,
    (
        Choice("ahead", (ONE, MANY), ONE),
        Number("slow_s", 2, 6, 3, "s"),
    ),
    _shares,
    Options((_GROUP_ALONE, _NONE, _QUEUES, _ALL), _who),
    breaks=False,
    needs={("ahead", ONE): SHARE_GROUPS, ("ahead", MANY): SHARE_GROUPS},
    about=tuple(f"{name}_waited_tasks" for name in WAYS),
)
