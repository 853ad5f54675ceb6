"""systems.backlog: messages pile up while nobody reads; then a reader comes back.

A reader keeps up for a second. Then it leaves, and the writer goes on at the same rate; then it
comes back, while the writer still goes on, until it has caught up. A backlog of ten minutes is so
scaled down to seconds: at ten minutes RabbitMQ would reach its memory's watermark and tell the
writer to wait, and old messages would have to come from the disk. That can't be seen here, except
where the server says it (`blocked`).
"""

from __future__ import annotations

from dataclasses import dataclass

from labs.base.figures import figure
from labs.base.words import Words
from labs.chapters.systems.load_clients import SYSTEMS
from labs.chapters.systems.load_process import Seen, Task
from labs.chapters.systems.under_load import (
    System,
    acknowledged_ms,
    copies_setting,
    seed_setting,
    systems,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number
from labs.experiment.views import Bars, Lines, Point
from labs.workload.latency import summary_of

words = Words(__file__)

#: With a reader, before and after the backlog, s.
BEFORE_S = 1.0
#: Whoever has not caught up after so many times the filling never does here.
NEVER = 4
PHASES = ("before", "filling", "draining")
DROPPED, REFUSED, CAUGHT_UP, BEHIND = "dropped", "refused", "caught_up", "behind"


@dataclass
class _Phases:
    """One system's: with a reader, without one, with one that catches up; when it all began."""

    before: Seen
    filling: Seen
    draining: Seen
    memory_mb: tuple[int | None, int | None]
    disk_mb: tuple[float | None, float | None]

    @property
    def caught_up_s(self) -> float | None:
        """How long the reader took, s; None: it never did."""
        late = self.draining.ended - self.draining.asked
        return None if late >= NEVER * (self.filling.ended - self.filling.began) else late

    def waiting(self) -> list[Point]:
        """How many messages waited to be read, as it went; seconds from this system's beginning."""
        seen = (self.before, self.filling, self.draining)
        return [(at - self.before.began, float(count)) for one in seen for at, count in one.waiting]


def _backlog(run: Run) -> None:
    ours = systems(run)
    found = {system.id: _pile_up(run, system) for system in ours.order()}
    counts = ours.judge()
    for id, phases in found.items():
        _measure(run, id, phases)
    told = {
        f"{id}_{what}": figure(run.measurements[f"{id}_{what}"])
        for id in found
        for what in ("caught_up_s", "disk_grew_mb")
    }
    run.conclude(
        words(
            f"backlog.told.{ours.how_many}",
            seconds=run["seconds"],
            without=ours.without,
            acknowledged=counts.acknowledged,
            unread=counts.lost,
            **told,
        )
    )
    title = words(f"backlog.title.{ours.how_many}", **told)
    lines = {id: phases.waiting() for id, phases in found.items()}
    names = words.under("shown")
    run.show(Lines(title, lines, "system_s", "messages_waiting", names=names))
    waits = {
        phase: [float(run.measurements[f"{id}_{phase}_longest_ms"] or 0) for id in found]
        for phase in PHASES
    }
    title = words("backlog.writer_title")
    run.show(Bars(title, list(found), waits, "longest_acknowledged_ms", names=names))


def _pile_up(run: Run, system: System) -> _Phases:
    rate, seconds, name = run["rate"], run["seconds"], words(f"shown.{system.id}")
    run.say(words("backlog.says.before", system=name))
    before = system.load(Task(rate, BEFORE_S))
    memory, disk = system.memory_mb(), system.disk_mb()
    run.say(words("backlog.says.filling", system=name))
    filling = system.load(Task(rate, seconds, reading=False))
    memories, disks = (memory, system.memory_mb()), (disk, system.disk_mb())
    run.say(words("backlog.says.draining", system=name))
    draining = system.load(Task(rate, NEVER * seconds, catching_up=True, drain_s=30.0))
    return _Phases(before, filling, draining, memories, disks)


def _measure(run: Run, id: str, phases: _Phases) -> None:
    seen = (phases.before, phases.filling, phases.draining)
    late = phases.caught_up_s
    run.measurements |= {
        f"{id}_backlog_messages": max(count for _, count in phases.filling.waiting),
        f"{id}_caught_up_s": None if late is None else round(late, 2),
        f"{id}_memory_grew_mb": _grew(*phases.memory_mb),
        f"{id}_disk_grew_mb": _grew(*phases.disk_mb),
        f"{id}_refused": sum(one.refused for one in seen),
        f"{id}_blocked": "yes" if any(one.blocked for one in seen) else "no",
    }
    for what, one in zip(PHASES, seen, strict=True):
        told = summary_of(acknowledged_ms(one))
        run.measurements[f"{id}_{what}_longest_ms"] = told.get("max_ms")


def _grew(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else round(after - before, 1)


def _end(result: Result) -> str | None:
    told = result.measurements
    here = [name for name in told if name.endswith("_caught_up_s")]
    if told["acknowledged_and_not_read"]:
        return DROPPED
    if any(told[name] for name in told if name.endswith("_refused")) or any(
        told[name] == "yes" for name in told if name.endswith("_blocked")
    ):
        return REFUSED
    return BEHIND if any(told[name] is None for name in here) else CAUGHT_UP


BACKLOG = Experiment(
    "systems.backlog",
    words,
    (
        copies_setting(),
        Number("rate", 500, 5000, 1500, "records/s", 500),
        Number("seconds", 2, 20, 3, "s"),
        seed_setting(),
    ),
    _backlog,
    Options((CAUGHT_UP, DROPPED, REFUSED, BEHIND), _end),
    breaks=False,
    about=tuple(
        f"{id}_{what}"
        for id in SYSTEMS
        for what in ("caught_up_s", "disk_grew_mb", "memory_grew_mb")
    ),
)
