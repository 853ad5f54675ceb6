"""The registry is gone: who can still write and read, and for how long?

A client asks the registry once for each schema, and remembers it. So a program that runs goes on;
one that is started now, or has a new schema, needs an answer. The registry that was killed refuses
connections: a client tries again some times, and gives up. One that hangs takes them, and answers
nothing: without a time-out of its own, Confluent's Python client waits for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from labs import services
from labs.base.words import Words
from labs.chapters.schemas import confluent
from labs.chapters.schemas.changes import CHANGES, flight_of
from labs.chapters.schemas.confluent import value_of
from labs.experiment.experiment import Experiment
from labs.experiment.lanes import hold
from labs.experiment.native import native_producer, poll_until, produce
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lanes, Mark, Span
from labs.services.known import service

words = Words(__file__)

KILLED, PAUSED = "killed", "paused"
WORKS, WAITS, GIVES_UP = "works", "waits", "gives_up"

EVERY_S, ANSWER_S = 0.2, 10.0


@dataclass
class _Program:
    """A program that asks the registry when it must: each step is tried in a thread of its own."""

    name: str
    step: Callable[[], object]
    spans: list[Span] = field(default_factory=list)
    error: str = ""
    state: str = WORKS
    since: float = 0.0
    _thread: threading.Thread | None = None

    def begin(self, run: Run) -> None:
        """Begin a step, unless one is under way, or it has given up."""
        if self.state == GIVES_UP or (self._thread and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._try, name=f"labs-{self.name}", daemon=True)
        self._thread.start()
        self._thread.join(EVERY_S / 2)
        self.look(run)

    def _try(self) -> None:
        try:
            self.step()
        except Exception as error:
            self.error = type(error).__name__

    def look(self, run: Run) -> None:
        """Note how it stands."""
        waits = self._thread is not None and self._thread.is_alive()
        self.note(run, GIVES_UP if self.error else WAITS if waits else WORKS)

    def note(self, run: Run, state: str) -> None:
        """Note a state, which holds from now on."""
        now = run.elapsed()
        hold(self.spans, state, now, first=now)
        self.state = state

    def join(self, seconds: float) -> None:
        """Wait for what is under way."""
        if self._thread is not None:
            self._thread.join(seconds)


def _outage(run: Run) -> None:
    url = confluent.address(run)
    run.make_topic(watch=False)
    registry = service("registry")
    made = _Made(run, url)
    running = [
        _Program("running_writer", made.writer()),
        _Program("running_reader", made.reader()),
    ]
    run.say(words("outage.says.before"))
    for one in running:  # one after another: the reader needs a record
        one.begin(run)
        one.join(ANSWER_S)
    _work(run, running, 1.0)
    late = [
        _Program("running_writer_new_schema", made.other_schema()),
        _Program("new_writer", made.writer()),
        _Program("new_reader", made.reader()),
    ]
    run.say(words(f"outage.says.{run['registry']}"))
    began = run.elapsed()
    marks = [Mark(began, run["registry"])]
    if run["registry"] == KILLED:
        registry.kill()
        run.closing(lambda: services.start("registry"))
    else:
        registry.pause()
        run.closing(lambda: _resumed(registry))
    every = [*running, *late]
    _work(run, every, float(run["seconds"]))
    if run["registry"] == PAUSED:
        run.say(words("outage.says.resumed"))
        registry.resume()
        marks.append(Mark(run.elapsed(), "resumed"))
        ended = {one.name: one.state for one in every}
        for one in late:
            one.join(ANSWER_S)
        _work(run, every, 1.0)
    else:
        ended = {one.name: one.state for one in every}
    _tell(run, every, ended, began, marks)


def _resumed(registry: Any) -> None:
    if str(registry.status().state) == PAUSED:
        registry.resume()


def _work(run: Run, programs: list[_Program], seconds: float) -> None:
    until = run.elapsed() + seconds
    while run.elapsed() < until:
        for one in programs:
            one.begin(run)
        run.sleep(EVERY_S)
        for one in programs:
            one.look(run)


class _Made:
    """Makes programs, each with a client of the registry of its own."""

    def __init__(self, run: Run, url: str) -> None:
        self._run, self._url = run, url
        self._producer = native_producer(run, acks="all", linger_ms=0)
        self._first = CHANGES[0]
        self._registry: Any = None

    def writer(self) -> Callable[[], object]:
        """A writer that is started by its first step, and keeps what it has learnt."""
        kept: dict[str, Any] = {}

        def step() -> None:
            if not kept:
                registry = confluent.client(self._url, timeout_s=None)
                kept["codec"] = confluent.writer(registry, self._first.old)
                self._registry = self._registry or registry
            self._write(kept["codec"], flight_of(self._first.old))

        return step

    def other_schema(self) -> Callable[[], object]:
        """The running writer, with a schema that it has not used yet."""
        kept: dict[str, Any] = {}

        def step() -> None:
            if not kept:
                kept["codec"] = confluent.writer(self._registry, self._first.new)
            self._write(kept["codec"], flight_of(self._first.new))

        return step

    def _write(self, codec: Any, flight: confluent.Flight) -> None:
        value = confluent.serialized(self._run.topic, codec, flight)
        send = produce(self._run, self._producer, confluent.numbered_value(value))
        poll_until(self._producer, lambda: send.completed is not None, ANSWER_S)

    def reader(self) -> Callable[[], object]:
        """A reader that is started by its first step, and reads the topic's first record."""
        kept: dict[str, Any] = {}

        def step() -> None:
            if not kept:
                kept["codec"] = confluent.reader(
                    confluent.client(self._url, timeout_s=None), self._first.old
                )
            sent = next(send for send in self._run.history.sends if send.completed)
            confluent.deserialized(self._run.topic, kept["codec"], value_of(sent.value))

        return step


def _tell(
    run: Run, every: list[_Program], ended: dict[str, str], began: float, marks: list[Mark]
) -> None:
    run.measurements |= dict(ended)
    gave_up = [one.spans[-1].start for one in every if ended[one.name] == GIVES_UP]
    run.measurements |= {
        "gave_up_after_s": round(max(gave_up) - began, 1) if gave_up else None,
        "error": next((one.error for one in every if one.error), None),
        "written_meanwhile_records": sum(
            (send.completed or 0) - run.began > began for send in run.history.sends
        ),
    }
    told = words.under("shown")
    how = {
        "that_ran": told[ended["running_writer"]],
        "with_new_schema": told[ended["running_writer_new_schema"]],
        "started_now": told[ended["new_writer"]],
    }
    run.conclude(words(f"outage.told.{run['registry']}", **how, **run.values))
    title = words(f"outage.title.{_found(ended)}", how=run["registry"])
    lanes = {one.name: one.spans for one in every}
    run.show(Lanes(title, lanes, (WORKS, WAITS, GIVES_UP), marks, names=told))


_NOBODY, _READERS, _RUNNING, _ALL = "nobody", "readers", "running", "all"


def _found(states: Any) -> str:
    works = {name for name in ("running_writer", "running_reader", "new_writer", "new_reader")
             if states[name] == WORKS}  # fmt: skip
    if works == {"running_writer", "running_reader"}:
        return _RUNNING
    if not works:
        return _NOBODY
    return _ALL if len(works) == 4 else _READERS


def _who(result: Result) -> str:
    return _found(result.measurements)


OUTAGE = Experiment(
    "schemas.outage",
    words,
    (
        Choice("registry", (KILLED, PAUSED), KILLED),
        Number("seconds", 3, 15, 10, "s"),
    ),
    _outage,
    Options((_NOBODY, _READERS, _RUNNING, _ALL), _who),
    breaks=False,
    about=("gave_up_after_s", "written_meanwhile_records"),
)
