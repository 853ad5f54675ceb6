"""systems.latency: how long each system takes to answer while it has little to do."""

from __future__ import annotations

from labs.base.figures import ms
from labs.base.words import Words
from labs.chapters.systems.load_clients import SYSTEMS
from labs.chapters.systems.load_process import Task
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
from labs.experiment.views import Percentiles
from labs.workload.latency import percentiles_of, summary_of

words = Words(__file__)

#: Each system has so many turns.
ROUNDS = 2
#: At the beginning of each, s: not counted.
WARMUP_S = 0.3
#: Two medians are alike when the larger is not this many times the smaller.
ALIKE = 1.3
ALL_ALIKE = "alike"


def _latency(run: Run) -> None:
    ours = systems(run)
    seconds = run["seconds"] / ROUNDS + WARMUP_S
    answers: dict[str, list[float]] = {id: [] for id in ours.all}
    readings: dict[str, list[float]] = {id: [] for id in ours.all}
    for system in ours.order(ROUNDS):
        run.say(words("load.says.turn", system=words(f"shown.{system.id}"), rate=run["rate"]))
        seen = system.load(Task(run["rate"], seconds))
        answers[system.id] += acknowledged_ms(seen, WARMUP_S)
        readings[system.id] += read_ms(seen, WARMUP_S)
    for id in ours.all:
        _measure(run, id, answers[id], readings[id])
    counts = ours.judge()
    told = _medians(run, ours.all)
    kafka, rabbitmq, pulsar = (told.get(id, "") for id in SYSTEMS)
    run.conclude(
        words(
            f"latency.told.{ours.how_many}",
            rate=run["rate"],
            kafka=kafka,
            rabbitmq=rabbitmq,
            pulsar=pulsar,
            without=ours.without,
            acknowledged=counts.acknowledged,
            unread=counts.lost,
        )
    )
    title = words(f"latency.title.{ours.how_many}", kafka=kafka, rabbitmq=rabbitmq, pulsar=pulsar)
    curves = {id: percentiles_of(waits) for id, waits in answers.items()}
    run.show(Percentiles(title, curves, names=words.under("shown")))


def _measure(run: Run, id: str, answers: list[float], readings: list[float]) -> None:
    for what, waits in (("acknowledged", answers), ("read", readings)):
        told = summary_of(waits)
        for name in ("p50_ms", "p99_ms"):
            run.measurements[f"{id}_{what}_{name}"] = told.get(name)


def _medians(run: Run, all: dict[str, System]) -> dict[str, str]:
    told = {id: run.measurements[f"{id}_acknowledged_p50_ms"] for id in all}
    return {id: ms(value) for id, value in told.items() if isinstance(value, float)}


def quickest(medians: dict[str, float]) -> str | None:
    """Which one has the smallest; `alike`: the next one is hardly larger."""
    if len(medians) < 2:
        return None
    first, second = sorted(medians, key=lambda id: medians[id])[:2]
    return ALL_ALIKE if medians[second] < ALIKE * medians[first] else first


def _quickest(result: Result) -> str | None:
    told = {id: result.measurements.get(f"{id}_acknowledged_p50_ms") for id in SYSTEMS}
    return quickest({id: value for id, value in told.items() if isinstance(value, float)})


LATENCY = Experiment(
    "systems.latency",
    words,
    (
        copies_setting(),
        Number("rate", 100, 500, 300, "records/s", 50),
        Number("seconds", 2, 10, 4, "s"),
        seed_setting(),
    ),
    _latency,
    Options((*SYSTEMS, ALL_ALIKE), _quickest),
    breaks=False,
    about=tuple(f"{id}_acknowledged_{name}" for id in SYSTEMS for name in ("p50_ms", "p99_ms")),
)
