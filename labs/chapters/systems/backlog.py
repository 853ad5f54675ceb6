"""systems.backlog: messages pile up while nobody reads; then a reader comes back.

A reader keeps up for a second, and leaves. What is due in so many minutes at the rate is sent while
nobody reads, as fast as the system takes it: there are as many messages as after those minutes, but
they are all young. Then the reader comes back, while the writer goes on at the rate, until it has
caught up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labs.base.figures import figure
from labs.base.words import Words
from labs.chapters.systems.load_clients import SYSTEMS
from labs.chapters.systems.load_process import Seen, Task
from labs.chapters.systems.under_load import (
    System,
    acknowledged_ms,
    copies_setting,
    read_ms,
    seed_setting,
    systems,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number
from labs.experiment.views import Bars, Lines, Point

words = Words(__file__)

#: With a reader, before the backlog, s.
BEFORE_S = 1.0
#: The backlog is sent in no more than that, or is smaller, s.
FILLING_S = 150.0
#: Whoever has not caught up after that never does here, s.
NEVER_S = 90.0
#: What is still on its way is waited for, s.
DRAIN_S = 30.0
DROPPED, REFUSED, CAUGHT_UP, BEHIND = "dropped", "refused", "caught_up", "behind"
#: What a new message waits for while the reader catches up.
ACKNOWLEDGED, READ = "acknowledged", "read"


@dataclass
class _Phases:
    """One system's: with a reader, without one, with one that catches up.

    `memory_mb`, `disk_mb`: before the backlog, with it, and when it was read.
    """

    before: Seen
    filling: Seen
    draining: Seen
    memory_mb: list[int | None]
    disk_mb: list[float | None]

    @property
    def caught_up_s(self) -> float | None:
        """How long the reader took, s; None: it never did."""
        late = self.draining.ended - self.draining.asked
        return None if late >= NEVER_S else late

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
            minutes=run["minutes"],
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
    title = words("backlog.new_title")
    run.show(Bars(title, list(found), _waits(found), "longest_wait_ms", log=True, names=names))


def _pile_up(run: Run, system: System) -> _Phases:
    rate, name = run["rate"], words(f"shown.{system.id}")
    run.say(words("backlog.says.before", system=name))
    before = system.load(Task(rate, BEFORE_S))
    memory, disk = [system.memory_mb()], [system.disk_mb()]

    def look() -> None:
        memory.append(system.memory_mb())
        disk.append(system.disk_mb())

    run.say(words("backlog.says.filling", system=name))
    backlog = round(60 * rate * run["minutes"])
    filling = system.load(
        Task(rate, FILLING_S, hurried=backlog, reading=False, drain_s=DRAIN_S),
    )
    look()
    run.say(words("backlog.says.draining", system=name))
    draining = system.load(Task(rate, NEVER_S, catching_up=True, drain_s=DRAIN_S))
    look()
    system.finish()  # else all three would keep what they have seen
    return _Phases(before, filling, draining, memory, disk)


def _waits(found: Mapping[str, _Phases]) -> dict[str, list[float]]:
    """The longest wait of a new message while the reader catches up, ms: for whom → each system."""
    seen = [phases.draining for phases in found.values()]
    return {
        ACKNOWLEDGED: [max(acknowledged_ms(one), default=0.0) for one in seen],
        READ: [max(read_ms(one), default=0.0) for one in seen],
    }


def _measure(run: Run, id: str, phases: _Phases) -> None:
    seen = (phases.before, phases.filling, phases.draining)
    late = phases.caught_up_s
    waits = {what: of[0] for what, of in _waits({id: phases}).items()}
    run.measurements |= {
        f"{id}_backlog_messages": max(count for _, count in phases.filling.waiting),
        f"{id}_sent_in_s": round(phases.filling.over - phases.filling.began, 1),
        f"{id}_caught_up_s": None if late is None else round(late, 2),
        f"{id}_new_read_after_s": round(waits[READ] / 1000, 2),
        f"{id}_new_acknowledged_after_ms": round(waits[ACKNOWLEDGED], 1),
        f"{id}_memory_before_mb": phases.memory_mb[0],
        f"{id}_memory_grew_mb": _grew(*phases.memory_mb[:2]),
        f"{id}_disk_grew_mb": _grew(*phases.disk_mb[:2]),
        f"{id}_disk_left_mb": _grew(phases.disk_mb[0], phases.disk_mb[2]),
        f"{id}_refused": sum(one.refused for one in seen),
        f"{id}_blocked": "yes" if any(one.blocked for one in seen) else "no",
    }


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
        Number("rate", 100, 500, 100, "records/s", 50),
        Number("minutes", 1, 10, 10, "min"),
        seed_setting(),
    ),
    _backlog,
    Options((CAUGHT_UP, DROPPED, REFUSED, BEHIND), _end),
    breaks=False,
    about=(
        "kafka_backlog_messages",
        *(
            f"{id}_{what}"
            for what in (
                "sent_in_s",
                "caught_up_s",
                "new_read_after_s",
                "disk_grew_mb",
                "disk_left_mb",
                "memory_grew_mb",
            )
            for id in SYSTEMS
        ),
    ),
)
