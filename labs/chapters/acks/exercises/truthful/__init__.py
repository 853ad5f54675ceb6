"""03.1: a producer that reports truthfully what became of each record.

First the leader is silent for a moment (SIGSTOP): who gives up waits no longer for its answer, and
the records are written all the same. Then both followers are silent, and the leader dies: what it
alone had is gone. A silence is shorter than a broker's session, so that the ISR stays whole.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from labs.base.clock import now
from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import Program, how_it_ended, is_number
from labs.exercise.verdict import NotYet
from labs.workload import flight_payload
from labs.workload.history import Log

WRITTEN, NOT_WRITTEN, UNKNOWN = "written", "not written", "unknown"
REPORTS = (WRITTEN, NOT_WRITTEN, UNKNOWN)

RATE = 40  # records/s
#: How long all is well before something breaks, and how long brokers are silent at most, s.
WELL_S, SILENT_S = 1.0, 1.5
#: How long a record may take to be reported as written when all is well again, s.
RECOVER_S = 10.0
#: This record is larger than a client sends (`max.request.size` is 1 MiB by default), bytes.
TOO_LARGE, LARGE_BYTES = 20, 1_100_000


@dataclass(frozen=True)
class Report:
    """What the program says of a record, and when."""

    what: str
    time: float


@dataclass
class Lines:
    """The records, a line each, until it is `over`; `told`: number → when it was handed out."""

    told: dict[int, float] = field(default_factory=dict)
    over: bool = False

    def __iter__(self) -> Iterator[str]:
        for number in itertools.count():
            if self.over:
                return
            payload = flight_payload(LARGE_BYTES if number == TOO_LARGE else None, keyed=False)
            self.told[number] = now()
            yield payload(number)[1].decode()
            time.sleep(1 / RATE)


@dataclass
class Trial:
    """What is under way: the program, and what it is told."""

    judging: Judging
    topic: str
    program: Program
    lines: Lines = field(default_factory=Lines)

    def reports(self) -> Mapping[int, Report]:
        """What the program has reported so far, by the record's number.

        Raises:
            NotYet: a line has another form.
        """
        found: dict[int, Report] = {}
        for line in list(self.program.lines):
            number, _, what = line.text.partition(" ")
            known = is_number(number) and int(number) in self.lines.told
            if not known or what not in REPORTS:
                raise NotYet("unreadable_line", line=line.text[:80])
            found[int(number)] = Report(what, line.time)
        return found

    def written_since(self, moment: float) -> list[int]:
        """The records that were told after that moment and are reported as written by now."""
        return [
            number
            for number, report in self.reports().items()
            if report.what == WRITTEN and self.lines.told.get(number, 0) > moment
        ]

    def await_written(self, moment: float, seconds: float) -> None:
        """Wait for a record that was told after that moment to be reported as written."""
        awaited = self.judging.exercise.says("awaited", "written")
        self.judging.await_(lambda: self.written_since(moment), awaited, seconds)

    def reports_on(self, seconds: float) -> None:
        """Let it work for a while, and until it has reported something of that.

        Raises:
            NotYet: it reports nothing more.
        """
        time.sleep(seconds)
        since = len(self.program.lines)
        self.program.wait(lambda: len(self.program.lines) > since, self.judging.patience_s)


def judge(judging: Judging) -> tuple[str, ...]:
    """Silence the leader, then the followers, kill the leader; compare the reports with the log."""
    topic = judging.topic(min_insync_replicas="2")
    trial = Trial(judging, topic, judging.program(topic=topic))
    program = trial.program
    judging.say("starting")
    program.start()
    program.feed(trial.lines)
    try:
        program.wait(lambda: program.lines, judging.patience_s)
        trial.reports_on(WELL_S)
        silence = _silence_leader(trial)
        trial.reports_on(WELL_S)
        well_again = _crash(trial)
        trial.await_written(well_again, RECOVER_S)
    finally:
        trial.lines.over = True
    judging.say("finishing")
    if code := program.wait_end(judging.patience_s):
        raise NotYet("failed", *program.last_words(), how=how_it_ended(code))
    return _compare(trial, judging.read(topic), silence, well_again)


def _silence_leader(trial: Trial) -> tuple[float, float]:
    """Pause the leader; returns from when until when nobody can have had an answer from it."""
    leader = trial.judging.leader(trial.topic)
    trial.judging.fault("pause", leader)
    began = now()
    trial.await_written(began, SILENT_S)
    ended = now()
    trial.judging.fault("resume", leader)
    return began, ended


def _crash(trial: Trial) -> float:
    """Kill the leader when its followers lack the newest records; returns when another one led."""
    judging, topic = trial.judging, trial.topic
    awaited = judging.exercise.says("awaited", "whole_isr")
    wait_for(lambda: len(judging.partition(topic).isr) == 3, awaited)

    def silence() -> None:
        trial.await_written(now(), SILENT_S)
        time.sleep(judging.random.random() * 0.3)

    _, followers = judging.kill_ahead(topic, silence)
    judging.await_leader(topic, followers)
    return now()


def _compare(
    trial: Trial, log: Log, silence: tuple[float, float], well_again: float
) -> tuple[str, ...]:
    reports, told = trial.reports(), trial.lines.told
    there = {r.number: (r.partition, r.offset) for r in log.reads if r.number is not None}
    says = trial.judging.exercise.says

    def require(numbers: Iterable[int], reason: str) -> None:
        """Fail for that reason if there is any such record; the first one is the evidence."""
        if found := sorted(numbers):
            raise NotYet(reason, _seen(trial, reports, there, found), count=len(found))

    def all_of(what: str) -> list[int]:
        return [number for number, report in reports.items() if report.what == what]

    began, ended = silence
    require(set(told) - set(reports), "no_report")
    require(
        (n for n in all_of(WRITTEN) if told[n] > began and reports[n].time < ended),
        "reported_at_send",
    )
    require((n for n in [TOO_LARGE] if reports[n].what != NOT_WRITTEN), "refusal_not_reported")
    require((n for n in all_of(WRITTEN) if n not in there), "leader_alone")
    require((n for n in all_of(NOT_WRITTEN) if n in there), "error_as_not_written")
    if not trial.written_since(well_again):
        require((n for n in told if told[n] > well_again), "doubts_all")
    if not all_of(UNKNOWN):
        raise NotYet("never_gives_up", says("evidence", "none_unknown", records=len(reports)))
    counts = {
        "written": len(all_of(WRITTEN)),
        "not_written": len(all_of(NOT_WRITTEN)),
        "unknown": len(all_of(UNKNOWN)),
    }
    return (says("evidence", "truthful", records=len(reports), **counts),)


def _seen(
    trial: Trial,
    reports: Mapping[int, Report],
    there: Mapping[int, tuple[int, int]],
    numbers: Sequence[int],
) -> str:
    """The first of these records: what the program reported, and what the log says."""
    says, number = trial.judging.exercise.says, numbers[0]
    told = reports[number].what if number in reports else "nothing"
    at = says("evidence", "not_in_log")
    if number in there:
        partition, offset = there[number]
        at = says("evidence", "in_log", partition=partition, offset=offset)
    return says("evidence", "record", number=number, told=told, at=at, count=len(numbers))


EXERCISE = Exercise(
    "03.1",
    PROGRAM,
    Words(__file__),
    judge,
    minutes=10,
    contract=("TOPIC",),
    breaks=True,
)
