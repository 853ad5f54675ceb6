"""A producer that restarts: what no client can know."""

from __future__ import annotations

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.chapters.exactly_once.log_picture import log_of, numbered
from labs.experiment.experiment import Experiment
from labs.experiment.life import Life
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number, Switch
from labs.experiment.views import Mark
from labs.workload import flight_payload, producer_process, set_here
from labs.workload.history import Outcome, Send

words = Words(__file__)

NOTES, LOG = "notes", "log"


class _Program(Life):
    """One life of `labs.workload.producer_process`, a program in a process of its own."""

    def __init__(self, run: Run) -> None:
        self.progress = 0
        self.acknowledged = 0
        self._payload = flight_payload()
        wanted = [",".join(run.cluster.bootstrap), run.topic, str(run["records"])]
        wanted += [str(run["notes_every"]), str(run["idempotence"])]
        options = producer_process.producer_options(bool(run["idempotence"]))
        run.note(set_here.kafka_python("producer", options, words("where.producer")))
        super().__init__(run, producer_process.__name__, *wanted)

    def begin(self, first: int) -> None:
        """Have it send, from that record on."""
        self.progress = first
        self.write(str(first))

    def hear(self, what: str, *values: str) -> None:
        number = int(values[0])
        if what == producer_process.PROGRESS:
            self.progress = number
        elif what == producer_process.SENT:
            self._sent(number, float(values[1]))
        else:
            self.acknowledged += 1
            self._acknowledged(number, values)

    def _sent(self, number: int, time: float) -> None:
        if number == self.run.history.next_number:  # else it was sent in an earlier life
            self.run.history.invoke(self._payload, time, time)

    def _acknowledged(self, number: int, values: tuple[str, ...]) -> None:
        send: Send = self.run.history.sends[number]
        if send.outcome is not Outcome.OK:
            send.partition, send.offset = int(values[1]), int(values[2])
            send.completed, send.outcome = float(values[3]), Outcome.OK


def _restart(run: Run) -> None:
    run.make_topic()
    run.say(words("restart.says.sending"))
    # Both are started now, so that nobody waits later for an interpreter; each makes its producer
    # when it begins.
    first, second = _Program(run), _Program(run)
    first.begin(0)
    run.wait(
        lambda: first.acknowledged >= run["crash_after"] or not first.alive,
        words("restart.awaited.enough"),
    )
    first.kill()
    run.say(words("restart.says.killed"))
    noted, resume = first.progress, first.progress
    if run["resume_from"] == LOG:
        # Right here: one partition, whose highest number has no gap below it, and by the time it is
        # read the dead program's last request has long arrived. Else it needs a transactional.id.
        numbers = [r.number for r in run.read().reads]
        resume = max((n for n in numbers if n is not None), default=-1) + 1
    second.begin(resume)
    run.wait(lambda: not second.alive, words("restart.awaited.rest"))
    if second.code():
        raise LabsError(words("restart.failed"), hint=words("run_again"))
    counts = run.verdict().counts
    run.measurements |= {
        "duplicated_records": counts.duplicated,
        "acknowledged_before_the_crash_records": first.acknowledged,
        "noted_before_the_crash_records": noted,
        "resumed_at_record": resume,
    }
    how = words(f"how.{'with' if run['idempotence'] else 'without'}")
    by = words(f"restart.values.resume_from.{run['resume_from']}")
    run.conclude(words("restart.told", by=by, how=how, **run.values))
    title = words("restart.title", how=how, **run.values)
    run.show(log_of(title, numbered(run), _begins(run, resume)))


def _begins(run: Run, resumed: int) -> list[Mark]:
    """Where in the log the second life of the program begins."""
    reads = [r for r in numbered(run) if r.number == resumed]
    return [Mark(reads[-1].offset, "restarted")] if reads else []


_NONE_TWICE, _SOME_TWICE = "none_twice", "some_twice"


def _after_restart(result: Result) -> str:
    return _SOME_TWICE if result.report.counts.duplicated else _NONE_TWICE


RESTART = Experiment(
    "exactly_once.restart",
    words,
    (
        Switch("idempotence", True),
        Choice(
            "resume_from", (NOTES, LOG), NOTES, formerly={"its own notes": NOTES, "the log": LOG}
        ),
        Number("notes_every", 10, 200, 100, "records", 10),
        Number("crash_after", 50, 250, 150, "acknowledged_records", 10),
        Number("records", 300, 1000, 300, "records", 100),
    ),
    _restart,
    Options((_NONE_TWICE, _SOME_TWICE), _after_restart),
    breaks=False,
    formerly=("producers.restart",),
)
