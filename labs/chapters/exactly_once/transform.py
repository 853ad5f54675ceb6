"""Consume, transform, produce: a program that is killed between its output and its offsets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.life import Life
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lines, Point
from labs.workload import flight_payload, set_here, transform_process
from labs.workload.history import Outcome, Read
from labs.workload.reading import COMMITTED, UNCOMMITTED, read_back
from labs.workload.transform_process import Job, transformed

words = Words(__file__)

TOGETHER, AFTER = "together", "after"

#: In each life one batch is finished, and in the next one the program is killed.
KILLED_IN_BATCH = 2


def _payload(number: int) -> tuple[bytes | None, bytes]:
    key, value = flight_payload()(number)
    return key, transformed(value)


class _Life(Life):
    """One life of the program, which writes its outputs into the run's history."""

    def __init__(self, run: Run, job: Job) -> None:
        self.exposed = 0
        run.note(set_here.kafka_python("consumer", job.consumer, words("where.consumer")))
        run.note(set_here.kafka_python("producer", job.producer, words("where.producer")))
        super().__init__(run, transform_process.__name__, json.dumps(asdict(job)))

    def begin(self) -> None:
        """Have it work."""
        self.write("begin")

    def hear(self, what: str, *told: str) -> None:
        history, (number, *values) = self.run.history, told
        if what == transform_process.EXPOSED:
            self.exposed += 1
        elif what == transform_process.SENT and int(number) == history.next_number:
            history.invoke(_payload, float(values[0]), float(values[0]))
        elif what == transform_process.DONE:
            send = history.sends[int(number)]
            if send.outcome is not Outcome.OK:  # else an earlier life has committed it, too
                send.partition, send.offset = int(values[0]), int(values[1])
                send.completed, send.outcome = float(values[2]), Outcome.OK


def _transform(run: Run) -> None:
    run.make_topic(watch=False)
    run.isolation = run["isolation_level"]
    together = run["offsets"] == TOGETHER
    source = _inputs(run)
    job = Job(run.cluster.bootstrap, source, run.topic, together, run["batch"], run["records"])
    # All are started now, so that nobody waits later for an interpreter.
    lives = [_Life(run, job) for _ in range(run["kills"] + 1)]
    for number, life in enumerate(lives[:-1], 1):
        life.begin()
        run.say(words("transform.says.life", number=number))
        at_work = words("transform.awaited.at_work")
        run.wait(lambda life=life: _at_its_worst(life), at_work)  # type: ignore[misc]
        life.kill()
    lives[-1].begin()
    run.say(words("transform.says.last"))
    run.wait(lambda: lives[-1].over, words("transform.awaited.done"), 60)
    _tell(run)


def _inputs(run: Run) -> str:
    """Fill a second topic, from which the program reads."""
    name, payload = f"{run.topic}-in", flight_payload()
    wanted = {"num_partitions": 1, "replication_factor": 3, "configs": run.cluster.limits}
    run.ask(lambda client: name in client.list_topics() or client.create_topics({name: wanted}))
    producer = run.producer(words("where.input"), linger_ms=5)
    for key, value in map(payload, range(run["records"])):
        producer.send(name, value, key)
    producer.flush()
    return name


def _at_its_worst(life: _Life) -> bool:
    life.must_not_have_died()
    return life.exposed >= KILLED_IN_BATCH


def _tell(run: Run) -> None:
    counts = run.verdict().counts
    everything = read_back(run.serving, run.topic, isolation=UNCOMMITTED).reads
    committed = {r.offset for r in read_back(run.serving, run.topic, isolation=COMMITTED).reads}
    aborted = [read for read in everything if read.offset not in committed]
    run.measurements |= {
        "duplicated_outputs": counts.duplicated,
        "outputs": counts.readable,
        "aborted_records": len(aborted),
        "killed": run["kills"],
    }
    run.conclude(words(f"transform.told.{run['offsets']}", **run.values))
    title = words("transform.title", **run.values)
    run.show(_picture(title, everything, committed))


def _picture(title: str, everything: Iterable[Read], committed: set[int]) -> Lines:
    """All that lies in the output topic: which record at which offset, and whether it counts."""
    series: dict[str, list[Point]] = {"committed": [], "committed_again": [], "aborted": []}
    seen: set[int | None] = set()
    for read in everything:
        kind = "aborted" if read.offset not in committed else "committed"
        if kind == "committed" and read.number in seen:
            kind = "committed_again"
        if kind == "committed":
            seen.add(read.number)
        series[kind].append((read.offset, read.number or 0))
    shown = {kind: points for kind, points in series.items() if points}
    x, y, names = "offset_in_partition", "record_number", words.under("shown")
    return Lines(title, shown, x, y, dots=True, names=names)


_ONCE, _TWICE, _MISSING = "once", "twice", "missing"


def _outputs(result: Result) -> str | None:
    counts = result.report.counts
    if counts.duplicated:
        return _TWICE
    return _MISSING if counts.readable < int(result.settings["records"]) else _ONCE


TRANSFORM = Experiment(
    "exactly_once.transform",
    words,
    (
        Choice(
            "offsets",
            (TOGETHER, AFTER),
            TOGETHER,
            formerly={"in the transaction": TOGETHER, "after the transaction": AFTER},
        ),
        Choice("isolation_level", (COMMITTED, UNCOMMITTED), COMMITTED),
        Number("kills", 0, 3, 2, "times"),
        Number("batch", 10, 50, 25, "records", 5),
        Number("records", 150, 500, 200, "records", 50),
    ),
    _transform,
    Options((_ONCE, _TWICE, _MISSING), _outputs),
    breaks=False,
    by_wall=lambda _: words("by_wall.open_transaction"),
    about=("aborted_records",),
)  # fmt: skip
