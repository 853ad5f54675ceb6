"""acks.latency: what each `acks` costs while all is well."""

from __future__ import annotations

from contextlib import suppress

from labs.base.errors import LabsError
from labs.base.figures import figure, graded, ms
from labs.base.words import Words
from labs.chapters.acks.common import min_isr_setting, producer, rate_setting
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number
from labs.experiment.story import waits
from labs.experiment.views import Lines, Percentiles
from labs.workload import Load
from labs.workload.latency import SUMMARY, Waits, percentiles_of, summary_of, tail, waits_of
from labs.workload.turns import in_turns

words = Words(__file__)

#: The three take turns so often, each of them once the first.
ROUNDS = 3
#: At the beginning of each turn, s: not counted.
WARMUP_S = 0.3
#: So long the next turn waits for what is on its way, s.
ARRIVE_S = 10.0

WORDS = ("0", "1", "all")
FEW, TENS, LONG = "few", "tens", "long"


def _latency(run: Run) -> None:
    config = {"min.insync.replicas": str(run["min_insync_replicas"])}
    run.make_topic(config=config, watch=False)  # the samples would cost time, too
    producers = {acks: producer(run, acks) for acks in WORDS}
    found = {acks: Waits([]) for acks in WORDS}
    loads: list[Load] = []
    run.show_live(lambda: _turn(run, loads[-1:]))
    turn_s = run["seconds"] / ROUNDS
    for number, acks in enumerate(in_turns(WORDS, ROUNDS)):
        turn = number // len(WORDS) + 1
        run.say(words("latency.says.turn", acks=acks, turn=turn, turns=ROUNDS))
        load = run.load(producers[acks], run["rate"])
        loads.append(load)
        run.sleep(turn_s + WARMUP_S)
        load.stop()
        found[acks] += waits_of(load, WARMUP_S)
        _let_arrive(run)
    told = {acks: summary_of(waits.all) for acks, waits in found.items()}
    for acks, figures in told.items():
        run.measurements |= {f"acks_{acks}_{name}": value for name, value in figures.items()}
    title = words("latency.title.unknown")
    if all("p50_ms" in figures for figures in told.values()):
        title = _compare(run, told)
    run.show(_view(title, found))


def _compare(run: Run, told: dict[str, dict[str, float]]) -> str:
    """Conclude, and return a title. Beside the median stands the highest percentile that acks=1 and
    acks=all have enough answers for.
    """
    zero, one, all_ = (told[acks] for acks in WORDS)
    run.measurements["acks_all_dearer_ms"] = round(all_["p50_ms"] - one["p50_ms"], 3)
    slowest = tail(one, all_) or "p50_ms"
    values = {
        "zero": ms(zero["p50_ms"]),
        "one": ms(one["p50_ms"]),
        "all": ms(all_["p50_ms"]),
        "percent": SUMMARY[slowest],
        "slow_one": figure(one[slowest]),
        "slow_all": ms(all_[slowest]),
        "n_one": figure(one["samples"]),
        "n_all": figure(all_["samples"]),
    }
    how = "median" if slowest == "p50_ms" else "slowest"
    run.conclude(words(f"latency.told.{how}", rate=run["rate"], **values))
    return words("latency.title.medians", **values)


def _turn(run: Run, loads: list[Load]) -> Lines:
    """The answers of the turn that goes on. Percentiles of all would take time from the client."""
    answers = waits((send for load in loads for send in load.sends), run.began)
    return Lines("", answers, "elapsed_s", "acknowledged_ms", dots=True, log_y=True)


def _let_arrive(run: Run) -> None:
    """With acks=0 the last records may still be on their way when the next producer begins."""
    with suppress(LabsError):  # a record of acks=0 may be gone: nobody is told
        run.wait(
            lambda: run.log_ends().get(0, 0) >= len(run.history.sends),
            words("latency.awaited.arrived"),
            ARRIVE_S,
        )


def _view(title: str, found: dict[str, Waits]) -> Percentiles:
    curves = {f"acks={acks}": percentiles_of(waits.all) for acks, waits in found.items()}
    known = {name: curve for name, curve in curves.items() if curve}
    return Percentiles(title, known, y="acknowledged_ms")


def _cost(result: Result) -> str | None:
    dearer = result.measurements.get("acks_all_dearer_ms")
    if not isinstance(dearer, float):
        return None
    return graded(dearer, [(10, FEW), (500, TENS)], LONG)


LATENCY = Experiment(
    "acks.latency",
    words,
    (
        rate_setting(400, 1000),
        Number("seconds", 3, 15, 3, "s", 3),
        min_isr_setting(),
    ),
    _latency,
    Options((FEW, TENS, LONG), _cost),
    breaks=False,
    about=("acks_1_p50_ms", "acks_all_p50_ms"),
)
