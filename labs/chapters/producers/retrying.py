"""Retries: what a client does by itself, and what no client can know."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from itertools import pairwise

from labs.base import python
from labs.base.errors import LabsError
from labs.base.words import Words
from labs.chapters.producers.keys import everything
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number, Switch
from labs.experiment.views import Lines, Mark
from labs.workload import flight_payload, producer_process, set_here
from labs.workload.history import Outcome, Read, Send

words = Words(__file__)

LEADER, FOLLOWER = "the leader", "a follower"
FLUSH_S = 12.0


def _retries(run: Run) -> None:
    run.make_topic(config={"min.insync.replicas": "2"})
    leader = run.leader()
    victim = leader if run["paused"] == LEADER else run.followers()[0]
    producer = run.producer(
        acks="all",
        enable_idempotence=run["idempotence"],
        max_in_flight_requests_per_connection=run["max_in_flight"],
        request_timeout_ms=run["request_timeout_ms"],
        delivery_timeout_ms=max(run["delivery_timeout_ms"], run["request_timeout_ms"]),
    )
    load = run.load(producer, rate=run["rate"])
    run.say("sending while all is well")
    run.sleep(1)
    run.wait(
        lambda: any(s.outcome is Outcome.OK for s in load.sends[run["rate"] // 2 :]),
        "records were acknowledged",
    )
    run.fault("pause", victim)
    run.say(f"broker {victim} is paused; the client waits, gives up waiting, and sends again")
    run.sleep(run["pause_s"])
    run.fault("resume", victim)
    run.sleep(1)
    load.stop(FLUSH_S)
    counts = run.verdict().counts
    run.measurements |= {
        "duplicated_records": counts.duplicated,
        "reordered_records": counts.reordered,
        "longest_wait_ms": round(max((s.latency_s or 0) * 1000 for s in load.sends)),
    }
    how = "with idempotence" if run["idempotence"] else "without idempotence"
    how += f", max_in_flight={run['max_in_flight']}"
    longer = "longer" if run["pause_s"] * 1000 > run["request_timeout_ms"] else "no longer"
    run.conclude(
        f"broker {victim} was paused for {run['pause_s']:g} s, {longer} than the client waits"
        f" ({run['request_timeout_ms']:,} ms): {counts.duplicated:,} duplicated and"
        f" {counts.reordered:,} reordered of {counts.sent:,} records ({how})"
    )
    found = f"{counts.duplicated:,} duplicated, {counts.reordered:,} reordered"
    run.show(run.story(f"{found} ({how})"))
    run.show(log_of(f"The log {how}: {found}", _around_what_is_odd(numbered(run))))


#: So many records are shown before and after what went wrong.
_AROUND = 12


def numbered(run: Run) -> list[Read]:
    """The run's own records as they lie in the log."""
    return [read for read in everything(run) if read.number is not None]


def _around_what_is_odd(reads: list[Read]) -> list[Read]:
    """The part of the log in which the records do not follow each other; all if they do."""
    odd = [r.offset for before, r in pairwise(reads) if (r.number or 0) != (before.number or 0) + 1]
    if not odd:
        return reads
    return [r for r in reads if min(odd) - _AROUND <= r.offset <= max(odd) + _AROUND]


def log_of(title: str, reads: Sequence[Read], marks: Sequence[Mark] = ()) -> Lines:
    """The offset of each record: one straight line is a log in order, without copies.

    Args:
        title: the finding.
        reads: numbered records of one partition.
        marks: offsets of note.
    """
    places: dict[str, list[tuple[float, float]]] = {"first_copy": [], "further_copy": []}
    seen: set[int | None] = set()
    for read in reads:
        kind = "further_copy" if read.number in seen else "first_copy"
        places[kind].append((read.offset, read.number or 0))
        seen.add(read.number)
    series = {kind: points for kind, points in places.items() if points}
    x, y, names = "offset_in_partition", "record_number", words.under("shown")
    return Lines(title, series, x, y, marks, dots=True, names=names)


_NOTHING, _TWICE, _MIXED = "nothing", "twice", "mixed"


def _log_after_retries(result: Result) -> str | None:
    counts = result.report.counts
    if counts.duplicated and counts.reordered:
        return _MIXED
    if counts.duplicated:
        return _TWICE
    return None if counts.reordered else _NOTHING


RETRIES = Experiment(
    "producers.retries",
    words,
    (
        Switch("idempotence", False, "whether the client numbers its batches for the broker"),
        Number("max_in_flight", 1, 5, 5, "requests in flight at a time", "requests"),
        Number("pause_s", 0.5, 5, 2, "how long the broker is paused", "s", 0.5),
        Number("request_timeout_ms", 500, 5000, 1000, "how long the client waits", "ms", step=100),
        Number(
            "delivery_timeout_ms", 1000, 30000, 30000, "when the client gives up", "ms", step=500
        ),
        Choice("paused", (LEADER, FOLLOWER), LEADER, "who is paused"),
        Number("rate", 10, 500, 100, "how fast the producer sends", "records/s", 10),
    ),
    _retries,
    Options((_NOTHING, _TWICE, _MIXED), _log_after_retries),
)


# -- a producer that restarts --------------------------------------------------------------------

NOTES, LOG = "its own notes", "the log"


class _Program:
    """One life of `labs.workload.producer_process`, a program in a process of its own."""

    def __init__(self, run: Run) -> None:
        self.progress = 0
        self.acknowledged = 0
        self._run = run
        self._payload = flight_payload()
        wanted = [",".join(run.cluster.bootstrap), run.topic, str(run["records"])]
        wanted += [str(run["notes_every"]), str(run["idempotence"])]
        self.process = subprocess.Popen(
            python.module(producer_process.__name__, *wanted),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        options = producer_process.producer_options(bool(run["idempotence"]))
        run.note(set_here.kafka_python("producer", options, "the program's producer"))
        run.closing(self.kill)
        self._reader = threading.Thread(target=self._read, name="labs-producer", daemon=True)
        self._reader.start()

    def begin(self, first: int) -> None:
        """Have it send, from that record on."""
        assert self.process.stdin is not None
        self.progress = first
        self.process.stdin.write(f"{first}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """SIGKILL, as in a crash; its output until then is kept."""
        self.process.kill()
        self.process.wait()
        self._reader.join(timeout=5)

    @property
    def alive(self) -> bool:
        """Whether it still runs, or its output is not yet read."""
        return self._reader.is_alive()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith("\n"):  # a kill may cut a line short
                self._told(*line.split())

    def _told(self, what: str, *values: str) -> None:
        number = int(values[0])
        if what == producer_process.PROGRESS:
            self.progress = number
        elif what == producer_process.SENT:
            self._sent(number, float(values[1]))
        else:
            self.acknowledged += 1
            self._acknowledged(number, values)

    def _sent(self, number: int, time: float) -> None:
        if number == self._run.history.next_number:  # else it was sent in an earlier life
            self._run.history.invoke(self._payload, time, time)

    def _acknowledged(self, number: int, values: tuple[str, ...]) -> None:
        send: Send = self._run.history.sends[number]
        if send.outcome is not Outcome.OK:
            send.partition, send.offset = int(values[1]), int(values[2])
            send.completed, send.outcome = float(values[3]), Outcome.OK


def _restart(run: Run) -> None:
    run.make_topic()
    run.say("the program sends, and notes now and then how far it has come")
    # Both are started now, so that nobody waits later for an interpreter; each makes its producer
    # when it begins.
    first, second = _Program(run), _Program(run)
    first.begin(0)
    run.wait(
        lambda: first.acknowledged >= run["crash_after"] or not first.alive,
        "the program had sent enough to be killed",
    )
    first.kill()
    run.say("the program was killed; it starts again")
    noted, resume = first.progress, first.progress
    if run["resume_from"] == LOG:
        # Right here: one partition, whose highest number has no gap below it, and by the time it is
        # read the dead program's last request has long arrived. Else it needs a transactional.id.
        numbers = [r.number for r in run.read().reads]
        resume = max((n for n in numbers if n is not None), default=-1) + 1
    second.begin(resume)
    run.wait(lambda: not second.alive, "the program had sent the rest")
    if second.process.wait():
        raise LabsError("the restarted program died by itself", hint="run it again")
    counts = run.verdict().counts
    run.measurements |= {
        "duplicated_records": counts.duplicated,
        "acknowledged_before_the_crash_records": first.acknowledged,
        "noted_before_the_crash_records": noted,
        "resumed_at_record": resume,
    }
    how = "with idempotence" if run["idempotence"] else "without idempotence"
    run.conclude(
        f"the program died after {first.acknowledged:,} acknowledged records, had noted {noted:,}"
        f" and went on from record {resume:,} by {run['resume_from']}: {counts.duplicated:,}"
        f" records are in the log twice, {how}"
    )
    title = f"{counts.duplicated:,} records are there twice, {how}"
    run.show(log_of(title, numbered(run), _begins(run, resume)))


def _begins(run: Run, resumed: int) -> list[Mark]:
    """Where in the log the second life of the program begins."""
    reads = [r for r in everything(run) if r.number == resumed]
    return [Mark(reads[-1].offset, "restarted")] if reads else []


_NONE_TWICE, _SOME_TWICE = "none_twice", "some_twice"


def _after_restart(result: Result) -> str:
    return _SOME_TWICE if result.report.counts.duplicated else _NONE_TWICE


RESTART = Experiment(
    "producers.restart",
    words,
    (
        Switch("idempotence", True, "whether the client numbers its batches for the broker"),
        Choice(
            "resume_from", (NOTES, LOG), NOTES, "how the restarted program knows where to go on"
        ),
        Number("notes_every", 10, 200, 100, "how often it notes its progress", "records", 10),
        Number("crash_after", 50, 250, 150, "when it is killed", "acknowledged records", 10),
        Number("records", 300, 1000, 300, "how many there are to send", "records", 100),
    ),
    _restart,
    Options((_NONE_TWICE, _SOME_TWICE), _after_restart),
    breaks=False,
)
