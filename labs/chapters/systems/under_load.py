"""Kafka, RabbitMQ and Pulsar under the same load: where it goes, and what became of it.

Each system gets a topic or queue of its own, in one of two classes of durability:

- `1`: one node, one copy. Kafka: replication factor 1; RabbitMQ: a classic durable queue; Pulsar:
  one bookie.
- `3`: three copies, acknowledged by a majority or by all. Kafka: replication factor 3, `acks=all`,
  `min.insync.replicas=2`; RabbitMQ: a quorum queue of three nodes, publisher confirms; Pulsar:
  three bookies, of which two acknowledge. Pulsar's three bookies and its broker are one process
  here.

Why not each system's own load tool: each has its own schedule and measures something else, and one
after another, rate by rate, they would start dozens of JVMs on the cores that are measured. So one
small program (`load_process`) uses each system's client, with one clock and one schedule, and
nothing more is downloaded. `python -m tests.bench load` runs the tools beside it.

Every message is in the run's history: so each that was acknowledged must be read, and once.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from zlib import crc32

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.words import Words
from labs.chapters.systems import load_process
from labs.chapters.systems.beside import (
    bookies,
    fresh_queue,
    fresh_topic,
    path_of,
    pulsar_admin,
    pulsar_for,
    put_if_missing,
    rabbitmq_for,
)
from labs.chapters.systems.load_clients import (
    KAFKA,
    KAFKA_CONSUMER,
    KAFKA_PRODUCER,
    PULSAR,
    RABBITMQ,
    SUBSCRIPTION,
)
from labs.chapters.systems.load_process import DONE, READY, Job, Seen, Task
from labs.experiment.life import Life
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.kafka.admin import copies_on_disk
from labs.services.known import service
from labs.services.service import Service
from labs.services.status import memory_bytes
from labs.workload import set_here
from labs.workload.history import Log, Outcome, Read
from labs.workload.judgements import Counts

words = Words(__file__)

ONE, THREE = "1", "3"
#: A process has answered after this long, or is given up, s; beside what its task takes.
ANSWER_S = 60.0
#: A connection's, a cache's, a JVM's first messages: not counted.
WARM_UP = Task(rate=500, seconds=1.0)
#: Whatever is still on its way is waited for.
FINISH = Task(rate=0, seconds=0.0, drain_s=20.0)


def copies_setting() -> Choice:
    """Which class of durability."""
    return Choice("copies", (ONE, THREE), THREE)


def seed_setting() -> Number:
    """By which the order of the systems is drawn."""
    return Number("seed", 1, 99, 7)


class _Process(Life):
    """The process that loads one system."""

    def __init__(self, run: Run, job: Job) -> None:
        self.said: SimpleQueue[tuple[str, str]] = SimpleQueue()
        super().__init__(run, load_process.__name__)
        self.write(json.dumps(asdict(job)))

    def hear(self, what: str, *values: str) -> None:
        self.said.put((what, "".join(values)))


@dataclass
class System:
    """One of the three, with its topic or queue, and all that was seen of it in this run."""

    id: str
    run: Run
    job: Job
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._process = _Process(self.run, self.job)
        self._at_last: Sequence[float] | None = None

    def ready(self) -> None:
        """Wait until its client is connected."""
        self._heard(READY, ANSWER_S)

    def load(self, task: Task) -> Seen:
        """Have it do a task; what was seen."""
        self._process.write(json.dumps(asdict(task)))
        told = self._heard(DONE, task.seconds + task.drain_s + ANSWER_S)
        seen = load_process.unpacked(told)
        self.seen.append(seen)
        return seen

    def _heard(self, wanted: str, seconds: float) -> str:
        until = now() + seconds
        while now() < until:
            with contextlib.suppress(Empty):
                what, told = self._process.said.get_nowait()
                assert what == wanted
                return told
            if not self._process.alive:
                break
            self.run.sleep(0.02)
        raise LabsError(words("load.silent", system=self.id), hint=words("load.again"))

    def finish(self) -> Sequence[float]:
        """When each of all messages was acknowledged. Its client ends: it holds all that it saw."""
        if self._at_last is None:
            self._at_last = self.load(FINISH).at_last
            self._process.kill()
        return self._at_last

    def memory_mb(self) -> int | None:
        """What its processes take now, MB; None: they are not of this machine."""
        if self.id == KAFKA:
            pids = [node.pid for node in self.run.cluster.status().nodes if node.pid]
        else:
            pids = service(self.id).runner.processes()
        return round(sum(map(memory_bytes, pids)) / 1e6) if pids else None

    def disk_mb(self) -> float | None:
        """What its nodes hold on disk, MB; Kafka's: of this topic."""
        if self.id == KAFKA:
            told = self.run.ask(lambda client: copies_on_disk(client, [self.run.topic]))
            return round(sum(told[self.run.topic]) / 1e6, 1)
        return round(_on_disk(service(self.id).home.data) / 1e6, 1)


@dataclass
class Systems:
    """Those that can be had here. `without`: why RabbitMQ is not among them."""

    run: Run
    all: dict[str, System]
    without: str

    def order(self, rounds: int = 1) -> list[System]:
        """Each system `rounds` times, in an order that the seed draws; the result tells it."""
        drawn = random.Random(self.run["seed"])
        order: list[System] = []
        for _ in range(rounds):
            turn = list(self.all.values())
            drawn.shuffle(turn)
            order += turn
        self.run.measurements["order"] = ", ".join(system.id for system in order)
        return order

    @property
    def how_many(self) -> str:
        """How many are compared, as sentences are named."""
        return "two" if self.without else "three"

    def judge(self) -> Counts:
        """Compare what was acknowledged with what was read, message by message, of all of them."""
        reads: list[Read] = []
        for place, system in enumerate(self.all.values()):
            numbers: list[int] = []
            at_last = system.finish()
            times = (
                (due, at) for one in system.seen for due, at in zip(one.due, one.sent, strict=True)
            )
            for (due, sent), acknowledged in zip(times, at_last, strict=True):
                send = self.run.history.invoke(_value, due, sent)
                numbers.append(send.number)
                if acknowledged:
                    send.completed, send.outcome = acknowledged, Outcome.OK
            order = [
                (number, at)
                for seen in system.seen
                for number, at in zip(seen.order, seen.read, strict=True)
            ]
            for offset, (number, at) in enumerate(order):
                ours = numbers[number] if number >= 0 else None
                digest = crc32(b"%d" % ours) if ours is not None else 0
                reads.append(Read(ours, place, offset, digest, time=at))
        counts = self.run.judge_log(Log(tuple(reads))).counts
        self.run.measurements |= {
            "acknowledged_messages": counts.acknowledged,
            "read_messages": counts.readable,
            "acknowledged_and_not_read": counts.lost,
            "read_twice": counts.duplicated,
        }
        return counts


def _value(number: int) -> tuple[None, bytes]:
    return None, b"%d" % number


def systems(run: Run) -> Systems:
    """Make a topic or queue in each system, and a client; each has had its first messages."""
    copies = 1 if run["copies"] == ONE else 3
    settings = {"min.insync.replicas": "2"} if copies == 3 else {}
    run.make_topic(replicas=copies, config=settings, watch=False)
    run.note(set_here.librdkafka("producer", KAFKA_PRODUCER))
    run.note(set_here.librdkafka("consumer", KAFKA_CONSUMER))
    run.say(words("load.says.starting"))
    jobs = [Job(KAFKA, ",".join(run.cluster.bootstrap), run.topic)]
    rabbitmq, without = rabbitmq_for(run)
    if rabbitmq:
        jobs.append(rabbitmq_job(run, rabbitmq))
    jobs.append(_pulsar(run, copies))
    all = {job.system: System(job.system, run, job) for job in jobs}
    for system in all.values():
        system.ready()
    for system in all.values():
        run.say(words("load.says.warming_up", system=words(f"shown.{system.id}")))
        system.load(WARM_UP)
    run.began = now()
    return Systems(run, all, without)


def rabbitmq_job(run: Run, rabbitmq: Service) -> Job:
    """A queue: classic with one copy, or a quorum queue of three."""
    kind = "classic" if run["copies"] == ONE else "quorum"
    fresh_queue(rabbitmq, run.topic, {"x-queue-type": kind})

    def delete() -> None:
        again = rabbitmq.server.handle(rabbitmq.records(), rabbitmq.facts)
        again.channel().queue_delete(run.topic)
        again.close()

    run.closing(delete)
    address = f"127.0.0.1:{rabbitmq.records()[1].port}"
    return Job(RABBITMQ, address, run.topic, rabbitmq.facts["password"])


def _pulsar(run: Run, copies: int) -> Job:
    """A topic in a namespace whose policy says how many bookies hold it, and a subscription."""
    address, place = pulsar_for(run), f"public/load-{copies}"
    put_if_missing(f"namespaces/{place}", None)
    pulsar_admin("POST", f"namespaces/{place}/persistence", bookies(copies))
    topic = f"persistent://{place}/{run.topic}"
    fresh_topic(path_of(topic))
    pulsar_admin("PUT", f"{path_of(topic)}/subscription/{SUBSCRIPTION}")
    run.closing(lambda: pulsar_admin("DELETE", f"{path_of(topic)}?force=true"))
    return Job(PULSAR, address, topic)


def _on_disk(folder: Path) -> int:
    size = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            size += file.lstat().st_blocks * 512
    return size


# -- what answers took -----------------------------------------------------------------------------


def acknowledged_ms(seen: Seen, after_s: float = 0.0) -> list[float]:
    """From due to acknowledged; one without an answer, or never sent, has waited at least so long.

    `after_s`: what was due earlier is left out.
    """
    answered = zip(seen.due, seen.acknowledged, strict=True)
    waits = [
        ((at or seen.over) - due) * 1000 for due, at in answered if due >= seen.began + after_s
    ]
    return waits + [wait * 1000 for wait in seen.overdue]


def read_ms(seen: Seen, after_s: float = 0.0) -> list[float]:
    """From due to read by the reader."""
    waits = []
    for number, at in zip(seen.order, seen.read, strict=True):
        place = number - seen.first
        if 0 <= place < len(seen.due) and seen.due[place] >= seen.began + after_s:
            waits.append((at - seen.due[place]) * 1000)
    return waits
