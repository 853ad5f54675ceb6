"""systems.rate: the load that each system holds while 99 of 100 answers come within a bound.

The rate doubles until the 99th percentile is over the bound. Each system climbs twice, and of each
step the better try counts: a moment in which the machine did something else is no limit of a
system. Clients and servers share the cores, so a rate that a system holds here is no figure of it
elsewhere; the result tells which part of a core the client used itself at the last step.
"""

from __future__ import annotations

from collections.abc import Mapping

from labs.base.figures import figure
from labs.base.words import Words
from labs.chapters.systems.load_clients import RABBITMQ, SYSTEMS
from labs.chapters.systems.load_process import Task
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
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lines, Point
from labs.workload.latency import summary_of

words = Words(__file__)

#: Messages/s, one step after another.
RATES = (500, 1000, 2000, 4000, 8000, 16000, 32000)
#: Each step, s: long enough for a 99th percentile of the lowest.
STEP_S = 1.1
#: The lowest is waited for longer: a 99th percentile takes 1,000 messages.
MESSAGES = 1050
#: What a step left is waited for, s.
DRAIN_S = 8.0
#: Each system has so many turns.
ROUNDS = 2
SAME = "same"


def _rate(run: Run) -> None:
    ours = systems(run)
    found = {id: _Steps() for id in ours.all}
    for system in ours.order(ROUNDS):
        _climb(run, system, found[system.id])
    counts = ours.judge()
    held = {id: steps.held for id, steps in found.items()}
    run.measurements |= {f"{id}_held_rate": rate for id, rate in held.items()}
    run.measurements |= {
        f"{id}_client_cpu_percent": steps.cpu[max(steps.cpu)] for id, steps in found.items()
    }
    run.measurements["rabbitmq_quickest_up_to_rate"] = _quickest_up_to(found)
    told = {id: figure(rate) for id, rate in held.items()}
    kafka, rabbitmq, pulsar = (told.get(id, "") for id in SYSTEMS)
    run.conclude(
        words(
            f"rate.told.{ours.how_many}",
            bound=run["bound"],
            kafka=kafka,
            rabbitmq=rabbitmq,
            pulsar=pulsar,
            without=ours.without,
            acknowledged=counts.acknowledged,
            unread=counts.lost,
        )
    )
    title = words(
        f"rate.title.{ours.how_many}",
        bound=run["bound"],
        kafka=kafka,
        rabbitmq=rabbitmq,
        pulsar=pulsar,
    )
    lines: dict[str, list[Point]] = {
        id: [(float(rate), value) for rate, value in steps.p99_ms.items()]
        for id, steps in found.items()
    }
    ends = float(RATES[0]), float(run["up_to"])
    lines["bound"] = [(end, float(run["bound"])) for end in ends]
    names = words.under("shown")
    run.show(Lines(title, lines, "due_per_s", "p99_acknowledged_ms", log_x=True, log_y=True,
                   names=names))  # fmt: skip


class _Steps:
    """What one system was seen to do. `held`: the highest rate within the bound; 0: none."""

    def __init__(self) -> None:
        self.held = 0
        self.p50_ms: dict[int, float] = {}
        self.p99_ms: dict[int, float] = {}
        self.cpu: dict[int, int] = {}


def _rates(run: Run) -> list[int]:
    return [rate for rate in RATES if rate <= int(run["up_to"])]


def _climb(run: Run, system: System, steps: _Steps) -> None:
    """Go up until a step is over the bound; a step that was better before stays as it was."""
    for rate in _rates(run):
        run.say(words("load.says.turn", system=words(f"shown.{system.id}"), rate=rate))
        seen = system.load(Task(rate, max(STEP_S, MESSAGES / rate), drain_s=DRAIN_S))
        told = summary_of(acknowledged_ms(seen))
        if told["p99_ms"] < steps.p99_ms.get(rate, float("inf")):
            steps.p50_ms[rate], steps.p99_ms[rate] = told["p50_ms"], told["p99_ms"]
            steps.cpu[rate] = round(100 * seen.cpu)
        if steps.p99_ms[rate] > run["bound"]:
            return
        steps.held = max(steps.held, rate)


def _quickest_up_to(found: Mapping[str, _Steps]) -> int | None:
    """Up to which rate RabbitMQ had the smallest median; 0: not even at the lowest."""
    if RABBITMQ not in found:
        return None
    up_to = 0
    for rate in RATES:
        medians = {id: steps.p50_ms[rate] for id, steps in found.items() if rate in steps.p50_ms}
        if RABBITMQ not in medians or min(medians, key=lambda id: medians[id]) != RABBITMQ:
            break
        up_to = rate
    return up_to


def _highest(result: Result) -> str | None:
    """Which one held the highest rate; `same`: two or more did."""
    told = {id: result.measurements.get(f"{id}_held_rate") for id in SYSTEMS}
    held = {id: rate for id, rate in told.items() if isinstance(rate, int | float)}
    best = [id for id, rate in held.items() if rate == max(held.values())]
    return best[0] if len(best) == 1 else SAME


RATE = Experiment(
    "systems.rate",
    words,
    (
        copies_setting(),
        Number("bound", 1, 2000, 100, "ms"),
        Choice("up_to", tuple(str(rate) for rate in RATES[2:]), str(RATES[-1]), "records/s"),
        seed_setting(),
    ),
    _rate,
    Options((*SYSTEMS, SAME), _highest),
    breaks=False,
    about=(
        *(f"{id}_held_rate" for id in SYSTEMS),
        "rabbitmq_quickest_up_to_rate",
    ),
)
