"""acks.latency: what each `acks` costs while all is well."""

from __future__ import annotations

from labs.experiment import Experiment, Options, Result, Run
from labs.experiments.acks.common import min_isr_setting, producer, rate_setting
from labs.settings import Number
from labs.timeline import waits
from labs.views import Lines, Percentiles
from labs.workload import Load
from labs.workload.latency import latencies_ms, percentiles_of, summary_of

#: The three take turns so often: what else the machine does meanwhile hits all alike.
ROUNDS = 3
#: At the beginning of each turn, s: not counted.
WARMUP_S = 0.3

WORDS = ("0", "1", "all")
SAME, MILLISECONDS, SECONDS = "nothing to speak of", "some milliseconds", "a second or more"


def _latency(run: Run) -> None:
    config = {"min.insync.replicas": str(run["min_insync_replicas"])}
    run.make_topic(config=config, watch=False)  # the samples would cost time, too
    producers = {acks: producer(run, acks) for acks in WORDS}
    found: dict[str, list[float]] = {acks: [] for acks in WORDS}
    loads: list[Load] = []
    run.show_live(lambda: _turn(run, loads[-1:]))
    turn_s = run["seconds"] / ROUNDS
    for number in range(ROUNDS):
        for acks, client in producers.items():
            run.say(f"acks={acks}, turn {number + 1} of {ROUNDS}")
            load = run.load(client, run["rate"])
            loads.append(load)
            run.sleep(turn_s + WARMUP_S)
            load.stop()
            found[acks] += latencies_ms(load.sends, WARMUP_S)
            _let_arrive(run)
    told = {acks: summary_of(values) for acks, values in found.items()}
    for acks, figures in told.items():
        run.measurements |= {f"acks_{acks}_{name}": value for name, value in figures.items()}
    one, all_ = told["1"], told["all"]
    run.measurements["acks_all_dearer_ms"] = round(all_["p50_ms"] - one["p50_ms"], 3)
    run.conclude(
        f"At {run['rate']} records/s half of all answers came within {one['p50_ms']:.1f} ms with"
        f" acks=1 and {all_['p50_ms']:.1f} ms with acks=all, 99 % within {one['p99_ms']:.1f} and"
        f" {all_['p99_ms']:.1f} ms; acks=0 is done after {told['0']['p50_ms']:.1f} ms, when the"
        " record leaves the client"
    )
    title = f"Median: acks=1 {one['p50_ms']:.1f} ms, acks=all {all_['p50_ms']:.1f} ms"
    run.show(_view(title, found))


def _turn(run: Run, loads: list[Load]) -> Lines:
    """The answers of the turn that goes on. Percentiles of all would take time from the client."""
    answers = waits((send for load in loads for send in load.sends), run.began)
    x, y = "s since the run began", "ms until acknowledged"
    return Lines("", answers, x, y, dots=True, log_y=True)


def _let_arrive(run: Run) -> None:
    """With acks=0 the last records may still be on their way when the next producer begins."""
    for _ in range(20):
        if run.log_ends().get(0, 0) >= len(run.history.sends):
            return
        run.sleep(0.1)


def _view(title: str, found: dict[str, list[float]]) -> Percentiles:
    curves = {f"acks={acks}": percentiles_of(list(values)) for acks, values in found.items()}
    known = {name: curve for name, curve in curves.items() if curve}
    return Percentiles(title, known, y="ms until acknowledged")


def _cost(result: Result) -> str | None:
    dearer = result.measurements.get("acks_all_dearer_ms")
    if not isinstance(dearer, float):
        return None
    if dearer < 0.2:
        return SAME
    return MILLISECONDS if dearer < 500 else SECONDS


LATENCY = Experiment(
    "acks.latency",
    "How long does an acknowledgement take with acks=0, 1 and all, while every broker is well?",
    (
        rate_setting(200, 1000),
        Number("seconds", 3, 15, 3, "how long each of the three is measured", "s", 3),
        min_isr_setting(),
    ),
    _latency,
    Options(
        "How much longer does half of the acknowledgements take with acks=all than with acks=1?",
        {
            SAME: "the leader answers only when both followers have fetched the record.",
            MILLISECONDS: "the followers wait at the leader for news: they fetch it at once.",
            SECONDS: "the followers do not come by now and then: they wait at the leader for news,"
            " and no disk has to be flushed.",
        },
        _cost,
    ),
    breaks=False,
)
