"""Lag: how far a group is behind, and what brings it down."""

from __future__ import annotations

from labs.base.figures import seconds
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.filling import evenly
from labs.experiment.groups import NAMES, drain, group_of, join, judge
from labs.experiment.offsets import Recorder, ends_of, onlooker
from labs.experiment.prediction import Estimate
from labs.experiment.run import Run
from labs.experiment.settings import Number
from labs.experiment.views import Lines, Mark
from labs.workload.judgements import LOG, PROCESSING

words = Words(__file__)

PARTITIONS = 3
SAMPLE_S = 0.2

#: What is processed and not yet committed, of one partition.
LITTLE = 15

#: For so many times `alone_s` the members are waited for. Three have twice the work of an idle
#: machine to spare; on a busy one they need longer.
PATIENCE = 5

#: With the default of 5 s the lag would be a saw-tooth of 5 s.
COMMIT_MS = 250


def _lag(run: Run) -> None:
    run.make_topic(partitions=PARTITIONS, watch=False)
    group = group_of(run)
    options = {"auto_commit_interval_ms": COMMIT_MS, "heartbeat_interval_ms": 500}
    plan = {"process_ms": run["process_ms"], "max_records": 20, "options": options}
    members = [group.add(name, **plan) for name in NAMES[: run["members"]]]
    watcher, client = onlooker(run), run.admin()
    join(run, group, members[0])

    def ask() -> dict[str, float]:
        found = client.list_group_offsets({group.name: None})[group.name]
        place = {p.partition: o.offset for p, o in found.items()}
        ends = ends_of(run, watcher)
        return {f"partition:{p}": end - max(place.get(p, 0), 0) for p, end in ends.items()}

    recorder = Recorder(run, ask, SAMPLE_S)
    run.show_live(lambda: _view(recorder, "", []))
    producer, payload = evenly(run)
    run.say(words("lag.says.alone"))
    begin = run.elapsed()
    load = run.load(producer, run["rate"], payload=payload)
    run.sleep(run["alone_s"])
    peak = _total(recorder, begin)
    marks = [Mark(begin, f"arrive:{run['rate']}")]
    if len(members) > 1:
        marks.append(Mark(run.elapsed(), f"members:{run['members']}"))
        join(run, group, *members[1:])
    else:
        marks.append(Mark(run.elapsed(), "as_before"))
    helped = run.elapsed()
    drained = _drained(run, recorder, peak)
    load.stop()
    for member in members:
        member.pace(0.0)
    drain(run, group)
    recorder.stop()
    group.leave()
    judge(run, group)
    _tell(run, recorder, peak, _total(recorder, helped), drained, marks)


def _drained(run: Run, recorder: Recorder, peak: float) -> float | None:
    """When, s since the run began, lag had come down to a tenth; None: not in `PATIENCE`."""
    begin = run.elapsed()
    while run.elapsed() - begin < PATIENCE * run["alone_s"]:
        run.sleep(SAMPLE_S)
        now = sum(points[-1][1] for points in list(recorder.series.values()))
        if now <= max(peak / 10, PARTITIONS * LITTLE):
            return run.elapsed()
    return None


def _total(recorder: Recorder, after: float) -> float:
    """The largest lag of all partitions together after a time."""
    return max(_sums(recorder, after).values(), default=0.0)


def _sums(recorder: Recorder, after: float) -> dict[float, float]:
    """When → the lag of all partitions together."""
    sums: dict[float, float] = {}
    for points in recorder.series.values():
        for at, lag in list(points):
            if at >= after:
                sums[at] = sums.get(at, 0.0) + lag
    return sums


def _tell(
    run: Run,
    recorder: Recorder,
    peak: float,
    worst: float,
    drained: float | None,
    marks: list[Mark],
) -> None:
    since = drained - marks[-1].at if drained else None
    run.measurements |= {
        "lag_with_one_member_records": peak,
        "peak_lag_records": max(peak, worst),
        "drained_after_ms": 1000 * since if since else None,
        "one_member_at_most_records_per_s": 1000 / run["process_ms"],
    }
    who, came = "group" if run["members"] > 1 else "alone", "drained" if since else "in_vain"
    after = seconds(since or PATIENCE * run["alone_s"])
    end = words(f"lag.end.{who}_{came}", after=after, **run.values)
    run.conclude(words("lag.told", end=end, **run.values))
    run.show(_view(recorder, words("lag.title", end=end, **run.values), marks))


def _view(recorder: Recorder, title: str, marks: list[Mark]) -> Lines:
    series = {name: list(points) for name, points in sorted(recorder.series.items())}
    if len(series) > 1:
        series = {"all_together": sorted(_sums(recorder, 0).items()), **series}
    return Lines(title, series, "elapsed_s", "lag_records", marks, names=words.under("shown"))


LAG = Experiment(
    "consumers.lag",
    words,
    (
        Number("rate", 20, 300, 80, "records/s", 10),
        Number("process_ms", 2, 50, 20, "ms"),
        Number("alone_s", 2, 8, 4, "s"),
        Number("members", 1, 3, 3),
    ),
    _lag,
    Estimate("records", 0, 1000, "lag_with_one_member_records", step=10),
    breaks=False,
    judges=(LOG, PROCESSING),
)
