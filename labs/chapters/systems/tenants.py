"""Two tenants write to one Pulsar at the same rate; then the namespace of one gets a limit."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import Any
from zlib import crc32

from labs.base.clock import now
from labs.base.words import Words
from labs.chapters.systems.beside import pulsar_admin, pulsar_client, put_if_missing
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lines, Mark, Point
from labs.workload import flight_payload, number_of
from labs.workload.history import Log, Outcome, Read, Send

words = Words(__file__)

AIRLINE, AIRPORT = "airline", "airport"
NOBODY = "nobody"
BEFORE_S, SETTLED_S, EVERY_S, READ_S = 2.0, 1.0, 0.25, 20.0
#: What each wants to write, messages/s, and how many may be without an answer.
WANTED_PER_S, PENDING = 300, 20
#: How far above its limit a tenant may be, and what part of its rate the other one keeps.
OVER, KEPT = 1.5, 0.5
TOPIC = "persistent://{}/flights/departures"


class _Tenant:
    """A tenant's program: it writes so many messages a second, if Pulsar lets it."""

    def __init__(self, run: Run, name: str, place: int) -> None:
        self.name, self.place, self.written = name, place, 0
        self.points: list[Point] = []
        self._run, self._over = run, threading.Event()
        put_if_missing(f"tenants/{name}", {"allowedClusters": ["standalone"]})
        if not put_if_missing(f"namespaces/{name}/flights", None):
            self.limit(None)
            if pulsar_admin("GET", f"persistent/{name}/flights"):
                pulsar_admin("DELETE", f"persistent/{name}/flights/departures?force=true")
        self.topic = TOPIC.format(name)
        # The broker holds a tenant back by reading no more from its connection: each has its own.
        self._client = pulsar_client(run)
        self._producer = self._client.create_producer(
            self.topic, max_pending_messages=PENDING, block_if_queue_full=True
        )
        self._thread = threading.Thread(target=self._write, daemon=True)
        run.closing(self.stop)

    def start(self) -> None:
        self._thread.start()

    def limit(self, messages: int | None) -> None:
        """The publish rate of its namespace, messages/s; None: no limit."""
        path = f"namespaces/{self.name}/flights/publishRate"
        if messages is None:
            pulsar_admin("DELETE", path)
        else:
            rate = {"publishThrottlingRateInMsg": messages, "publishThrottlingRateInByte": -1}
            pulsar_admin("POST", path, rate)

    def _write(self) -> None:
        import pulsar

        while not self._over.wait(1 / WANTED_PER_S):
            begin = now()
            send = self._run.history.invoke(flight_payload(), begin, begin)
            try:
                self._producer.send_async(send.value, partial(self._answered, send))
            except pulsar.PulsarException as error:
                send.failure(error)
                return

    def _answered(self, send: Send, result: Any, _id: Any) -> None:
        import pulsar

        if result != pulsar.Result.Ok:
            send.failure(pulsar.PulsarException())
            return
        send.completed, send.outcome = now(), Outcome.OK
        send.partition, send.offset = self.place, self.written
        self.written += 1

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(READ_S)
            with suppress(Exception):  # what is left is told as unknown
                self._producer.flush()

    def read(self) -> list[Read]:
        """All that its topic holds."""
        import pulsar

        reader = self._client.create_reader(self.topic, pulsar.MessageId.earliest)
        found: list[Read] = []
        while reader.has_message_available():
            value = reader.read_next(int(1000 * READ_S)).data()
            found.append(Read(number_of(value), self.place, len(found), crc32(value)))
        return found


def _tenants(run: Run) -> None:
    run.say(words("tenants.says.starting"))
    pulsar_client(run)  # it is started
    tenants = [_Tenant(run, name, place) for place, name in enumerate((AIRLINE, AIRPORT))]
    run.make_topic(watch=False)
    for tenant in tenants:
        tenant.start()
    run.say(words("tenants.says.free"))
    before = _measure(run, tenants, BEFORE_S)
    marks = []
    if run["limited"] == AIRLINE:
        run.say(words("tenants.says.limited", **run.settings))
        tenants[0].limit(run["limit"])
        run.closing(lambda: tenants[0].limit(None))
        marks.append(Mark(run.elapsed(), "limit_set"))
    _measure(run, tenants, SETTLED_S)
    after = _measure(run, tenants, run["seconds"])
    for tenant in tenants:
        tenant.stop()
    run.say(words("tenants.says.reading"))
    reads = [read for tenant in tenants for read in tenant.read()]
    run.judge_log(Log(tuple(reads), {}))
    _tell(run, tenants, before, after, marks)


def _measure(run: Run, tenants: list[_Tenant], seconds: float) -> dict[str, float]:
    """How many messages a second each tenant has acknowledged during that time."""
    began, first = run.elapsed(), {tenant.name: tenant.written for tenant in tenants}
    then, so_far = began, dict(first)
    while run.elapsed() < began + seconds:
        run.sleep(EVERY_S)
        at = run.elapsed()
        for tenant in tenants:
            rate = (tenant.written - so_far[tenant.name]) / (at - then)
            tenant.points.append((at, rate))
            so_far[tenant.name] = tenant.written
        then = at
    return {name: (so_far[name] - first[name]) / (then - began) for name in first}


def _tell(
    run: Run,
    tenants: list[_Tenant],
    before: dict[str, float],
    after: dict[str, float],
    marks: list[Mark],
) -> None:
    run.measurements |= {f"{name}_before_rate": round(rate) for name, rate in before.items()}
    run.measurements |= {f"{name}_after_rate": round(rate) for name, rate in after.items()}
    id = "limited" if marks else "free"
    run.conclude(words(f"tenants.told.{id}", **run.values))
    title = words(f"tenants.title.{id}", **run.values)
    series = {tenant.name: tenant.points for tenant in tenants}
    names = words.under("shown")
    run.show(Lines(title, series, "elapsed_s", "messages_per_s", marks, names=names))


_ONE, _BOTH, _NONE = "one", "both", "none"


def _who(result: Result) -> str:
    told, limit = result.measurements, float(result.settings["limit"])
    held = float(told["airline_after_rate"] or 0) < OVER * limit
    kept = float(told["airport_after_rate"] or 0) > KEPT * float(told["airport_before_rate"] or 0)
    if not held:
        return _NONE
    return _ONE if kept else _BOTH


TENANTS = Experiment(
    "systems.tenants",
    words,
    (
        Choice("limited", (AIRLINE, NOBODY), AIRLINE, formerly={"the airline": AIRLINE}),
        Number("limit", 20, 100, 50, "messages/s", 10),
        Number("seconds", 2, 6, 3, "s"),
    ),
    _tenants,
    Options((_ONE, _BOTH, _NONE), _who),
    breaks=False,
    about=(
        "airline_before_rate",
        "airline_after_rate",
        "airport_before_rate",
        "airport_after_rate",
    ),
)
