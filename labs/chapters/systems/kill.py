"""A node is killed in each system while records are written: what is lost, by name?

All three get the same records at the same rate, each from a client of its own, and each record is
acknowledged before the next is sent. One history holds all of them: to the checker each system is a
partition.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any
from zlib import crc32

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.chapters.systems.beside import (
    bookies,
    fresh_queue,
    fresh_topic,
    path_of,
    pulsar_client,
    pulsar_namespace,
    rabbit_connection,
    rabbitmq_for,
)
from labs.chapters.systems.load_clients import KAFKA, PULSAR, RABBITMQ
from labs.experiment.experiment import Experiment
from labs.experiment.native import native_producer, poll_until, produce
from labs.experiment.prediction import Options
from labs.experiment.result import NONE, Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice
from labs.experiment.views import Lanes, Mark, Span
from labs.services.known import service
from labs.services.service import Service
from labs.workload import flight_payload, number_of
from labs.workload.history import Log, Outcome, Read, Send

words = Words(__file__)

ONE, THREE = "1", "3"
BACK, AWAY = "back", "away"

#: Before the kill; a node must also have written down that it has a copy of a new queue, s.
BEFORE_S = 2.0
#: From the kill until the node is started again, or what is left is read, s.
AWAY_S = 6.0
#: Between two records of one system, s.
EVERY_S = 0.03
#: Who says nothing for so long is silent, s.
SILENT_S = 0.5
#: How long a system may take to answer again, s.
PATIENCE_S = 60.0
QUEUE = "labs.kill"
#: The partition by which the checker knows each.
PLACE = {KAFKA: 0, RABBITMQ: 1, PULSAR: 2}


class _System:
    """One of the three: a thread writes to it until it is told to stop."""

    name = ""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.acked: list[float] = []
        self.stopping = threading.Event()
        self._writers = 0

    def start(self) -> None:
        """Have it written to; a writer that hangs since a kill is left behind."""
        self._writers += 1
        self._thread = threading.Thread(target=self._write, args=(self._writers,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._thread.join(PATIENCE_S)

    def _write(self, writer: int) -> None:
        while not self.stopping.wait(EVERY_S) and writer == self._writers:
            if send := self.write_one():
                self.acked.append(send.completed or now())

    def write_one(self) -> Send | None:
        """Write the next record; returns it once it is acknowledged, None: nobody knows."""
        raise NotImplementedError

    def kill(self) -> None:
        raise NotImplementedError

    def again(self) -> None:
        raise NotImplementedError

    def read(self) -> list[Read]:
        """All that can be read now."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what the thread has."""


class _Kafka(_System):
    name = KAFKA

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        copies = 1 if run["copies"] == ONE else 3
        settings = {"min.insync.replicas": "2"} if copies == 3 else {}
        run.make_topic(replicas=copies, config=settings, watch=False)
        self._leader = run.leader()
        self._producer = native_producer(run, acks="all", linger_ms=0, enable_idempotence=True)

    def write_one(self) -> Send | None:
        send = produce(self.run, self._producer, flight_payload())
        poll_until(
            self._producer, lambda: send.completed is not None or self.stopping.is_set(), PATIENCE_S
        )
        return send if send.outcome is Outcome.OK else None

    def kill(self) -> None:
        self.run.fault("kill", self._leader)

    def again(self) -> None:
        self.run.fault("start", self._leader)

    def read(self) -> list[Read]:
        if self.run.partition().leader is None:  # nobody has a copy
            return []
        return list(self.run.read().reads)


class _RabbitMQ(_System):
    name = RABBITMQ

    def __init__(self, run: Run, one: Service) -> None:
        super().__init__(run)
        self._one = one
        kind = "classic" if run["copies"] == ONE else "quorum"
        fresh_queue(one, QUEUE, {"x-queue-type": kind})
        self._channel: Any = None
        self._node = 1  # who makes a queue leads it

    def _connected(self) -> Any:
        if self._channel is None:
            self._channel = rabbit_connection(self._one, self._node).channel()
            self._channel.confirm_delivery()
        return self._channel

    def write_one(self) -> Send | None:
        import pika
        from pika.exceptions import AMQPError

        durable = pika.BasicProperties(delivery_mode=2)
        try:
            channel = self._connected()
        except (AMQPError, OSError):
            self._elsewhere()
            return None
        begin = now()
        send = self.run.history.invoke(flight_payload(), begin, begin)
        try:
            channel.basic_publish("", QUEUE, send.value, durable, mandatory=True)
        except (AMQPError, OSError) as error:
            send.failure(error)
            self._elsewhere()
            return None
        send.completed, send.outcome = now(), Outcome.OK
        send.partition, send.offset = PLACE[RABBITMQ], send.number
        return send

    def _elsewhere(self) -> None:
        """The next try is with the next node."""
        self._channel, self._node = None, self._node % 3 + 1
        self.stopping.wait(0.2)

    def kill(self) -> None:
        self._one.kill(1)

    def again(self) -> None:
        """Start it, and connect anew: nothing ends a wait for a confirm that never comes."""
        self._one.start()
        self._channel, self._node = None, 1
        self.start()

    def read(self) -> list[Read]:
        """From a node that was not killed. The queue is there, or its only node is gone."""
        from pika.exceptions import AMQPError, ChannelClosedByBroker

        def given() -> tuple[list[bytes]] | None:
            try:
                connection = rabbit_connection(self._one, 2)
                channel, found = connection.channel(), []
                while (got := channel.basic_get(QUEUE))[0] is not None:
                    # A new leader gives once more what it gave and nobody acknowledged.
                    if not (got[0].redelivered and got[2] in found):
                        found.append(got[2])
                connection.close()
            except ChannelClosedByBroker as closed:
                # 404: "home node … of durable queue … is down or inaccessible"
                return ([],) if closed.reply_code == 404 else None
            except (AMQPError, OSError):
                return None
            return (found,)

        return _reads(RABBITMQ, wait_for(given, words("kill.awaited.read"), PATIENCE_S)[0])

    def close(self) -> None:
        if self._channel is not None:
            with suppress(Exception):
                self._channel.connection.close()


class _Pulsar(_System):
    name = PULSAR

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        pulsar_client(run)  # it is started, and can be imported
        # Its name for what Kafka calls idempotence: what a client sends again is written once.
        policies: dict[str, object] = {"deduplication": True}
        if run["copies"] == THREE:
            policies["persistence"] = bookies(3)
        namespace = pulsar_namespace(f"kill-{len(policies)}", policies)
        self._topic, self._renewed = f"persistent://{namespace}/flights", threading.Event()
        fresh_topic(path_of(self._topic))
        self._connect()

    def _connect(self) -> None:
        self._client = pulsar_client(self.run)
        self._producer = self._client.create_producer(self._topic)

    def write_one(self) -> Send | None:
        import pulsar

        begin, answered = now(), threading.Event()
        send = self.run.history.invoke(flight_payload(), begin, begin)

        def heard(result: Any, _id: Any) -> None:
            if result == pulsar.Result.Ok:
                send.completed, send.outcome = now(), Outcome.OK
                send.partition, send.offset = PLACE[PULSAR], send.number
            answered.set()

        try:
            self._producer.send_async(send.value, heard)
        except pulsar.PulsarException as error:
            send.failure(error)
            return None
        while not answered.wait(EVERY_S):
            if self.stopping.is_set() or self._renewed.is_set():
                self._renewed.clear()
                return None
        return send if send.outcome is Outcome.OK else None

    def kill(self) -> None:
        service("pulsar").kill()

    def again(self) -> None:
        """Start it, and connect anew: its client waits longer after each vain try, up to 60 s.

        The old one is closed first: it would send again what the new one has passed by then.
        """
        self._client.close()
        service("pulsar").start()
        self._connect()
        self._renewed.set()

    def read(self) -> list[Read]:
        import pulsar

        client = pulsar_client(self.run)
        reader = client.create_reader(self._topic, pulsar.MessageId.earliest)
        found = []
        while reader.has_message_available():
            found.append(reader.read_next(1000 * int(PATIENCE_S)).data())
        return _reads(PULSAR, found)


def _reads(name: str, values: list[bytes]) -> list[Read]:
    """What came from one of the other two, as the checker knows it."""
    return [
        Read(number, PLACE[name], number, crc32(value))
        for value in values
        if (number := number_of(value)) is not None
    ]


def _kill(run: Run) -> None:
    run.say(words("kill.says.starting"))
    rabbit, without = rabbitmq_for(run)
    # Pulsar's three bookies are one process: with that away, nobody is left to ask.
    with_pulsar = run["node"] == BACK
    pulsar = _Pulsar(run) if with_pulsar else None
    others = [_RabbitMQ(run, rabbit)] if rabbit else []
    systems: list[_System] = [_Kafka(run), *others, *([pulsar] if pulsar else [])]
    run.closing(lambda: _mend(systems))
    run.say(words("kill.says.writing"))
    run.began = now()
    for system in systems:
        system.start()
    run.sleep(BEFORE_S)
    run.wait(lambda: all(len(s.acked) > 10 for s in systems), words("kill.awaited.written"))
    marks = [Mark(run.elapsed(), "nodes_killed")]
    killed = now()
    _each(systems, lambda system: system.kill())
    run.say(words("kill.says.away"))
    run.sleep(AWAY_S)
    if run["node"] == BACK:
        run.say(words("kill.says.back"))
        marks.append(Mark(run.elapsed(), "nodes_started"))
        _each(systems, lambda system: system.again())
        run.wait(lambda: all(_since(s, killed) for s in systems), words("kill.awaited.written"),
                 PATIENCE_S)  # fmt: skip
        run.sleep(0.5)
    ended = run.elapsed()
    _each(systems, lambda system: system.stop())
    run.say(words("kill.says.reading"))
    _tell(run, systems, without, killed, ended, marks)


def _since(system: _System, killed: float) -> bool:
    """Whether it has acknowledged something that came well after the kill."""
    return any(at > killed + SILENT_S for at in system.acked)


def _each(systems: list[_System], do: Callable[[_System], object]) -> None:
    """Do it to all of them at once.

    Raises:
        LabsError: the first that failed.
    """
    failed: list[LabsError] = []

    def one(system: _System) -> None:
        try:
            do(system)
        except LabsError as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(system,)) for system in systems]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def _mend(systems: list[_System]) -> None:
    """Whatever happened, all nodes are to run again, and no thread writes any more."""
    for system in systems:
        system.stopping.set()
    for system in systems:
        system.close()
    for name in {system.name for system in systems} - {KAFKA}:
        service(name).start()


def _tell(
    run: Run,
    systems: list[_System],
    without: str,
    killed: float,
    ended: float,
    marks: list[Mark],
) -> None:
    reads = [read for system in systems for read in system.read()]
    counts = run.judge_log(Log(tuple(reads), {})).counts
    present = {read.number for read in reads}
    lost = [s for s in run.history.sends if s.outcome is Outcome.OK and s.number not in present]
    lost_of = {name: [s for s in lost if s.partition == PLACE[name]] for name in PLACE}
    silent = {s.name: _silence(s, killed, ended + run.began) for s in systems}
    run.measurements |= {
        "acknowledged_records": counts.acknowledged,
        "lost_records": len(lost),
        "lost_names": ", ".join(map(_name, lost[:8])) or NONE,
        **{f"{name}_acknowledged_records": len(s.acked) for s in systems for name in [s.name]},
        **{f"{name}_lost_records": len(lost_of[name]) for name in silent},
        **{f"{name}_silent_s": round(s, 1) for name, s in silent.items()},
    }
    which = "all" if RABBITMQ in silent else "without"
    settings = {name: words(f"kill.values.{name}.{run[name]}") for name in ("copies", "node")}
    told = {**run.values, **settings, "without": without}
    run.conclude(words(f"kill.told.{which}.{_outcome(run, lost)}", **told))
    lanes = {s.name: _spans(s, run.began, ended) for s in systems}
    for name in PLACE:
        lanes.setdefault(name, [Span(0.0, ended, "absent", "absent")])
    kinds = ("acknowledges", "silent", "absent")
    title = words(f"kill.title.{'lost' if lost else 'kept'}", **told)
    ordered = {name: lanes[name] for name in PLACE}
    run.show(Lanes(title, ordered, kinds, marks, names=words.under("shown")))


def _name(send: Send) -> str:
    """A flight by its name: `AA1141`."""
    flight = json.loads(send.value.partition(b"|")[2])
    return f"{flight['carrier']}{flight['flight']}"


def _outcome(run: Run, lost: list[Send]) -> str:
    if lost:
        return "lost"
    return "back" if run["node"] == BACK else "kept"


def _silence(system: _System, killed: float, ended: float) -> float:
    """The longest time without an acknowledgement since the kill, s."""
    times = [killed, *(at for at in system.acked if killed <= at <= ended), ended]
    return max(b - a for a, b in pairwise(times))


def _spans(system: _System, began: float, ended: float) -> list[Span]:
    spans: list[Span] = []
    for at in [*(time - began for time in system.acked), ended]:
        last = spans[-1].end if spans else 0.0
        quiet = at - last > SILENT_S and bool(spans)
        kind = "silent" if quiet else "acknowledges"
        if spans and spans[-1].kind == kind:
            spans[-1] = Span(spans[-1].start, at, kind, kind)
        else:
            spans.append(Span(last, at, kind, kind))
    return spans


_NONE, _KAFKA_ALONE, _RABBIT_ALONE, _EVERY = "none", "kafka", "rabbitmq", "all"


def _who(result: Result) -> str | None:
    told = result.measurements
    names = [name for name in PLACE if f"{name}_lost_records" in told]
    losers = {name for name in names if told[f"{name}_lost_records"]}
    if not losers:
        return _NONE
    if losers == set(names) and len(names) > 1:
        return _EVERY
    return {KAFKA: _KAFKA_ALONE, RABBITMQ: _RABBIT_ALONE}.get(min(losers))


KILL = Experiment(
    "systems.kill",
    words,
    (
        Choice("copies", (ONE, THREE), THREE, formerly={"one copy": ONE, "three copies": THREE}),
        Choice("node", (BACK, AWAY), BACK, formerly={"comes back": BACK, "stays away": AWAY}),
    ),
    _kill,
    Options((_NONE, _KAFKA_ALONE, _RABBIT_ALONE, _EVERY), _who),
    about=("lost_records", "lost_names", "kafka_silent_s", "rabbitmq_silent_s", "pulsar_silent_s"),
)
