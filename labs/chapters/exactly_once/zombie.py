"""A zombie: a program that was taken for dead, and goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kafka.errors import KafkaError

from labs.base.clock import now
from labs.base.words import Words
from labs.chapters.exactly_once.log_picture import log_of, numbered
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lanes, Mark, Span
from labs.workload import flight_payload
from labs.workload.history import Outcome, Send
from labs.workload.reading import COMMITTED

words = Words(__file__)

SAME, OWN = "same", "own"
ANSWER_S = 10.0


@dataclass
class _Program:
    """One instance of a job that writes numbered records, a transaction at a time."""

    run: Run
    name: str
    transactional_id: str
    spans: list[Span] = field(default_factory=list)
    _open: list[tuple[Send, Any]] = field(default_factory=list)
    _since: float = 0.0

    def __post_init__(self) -> None:
        given = {"transactional_id": self.transactional_id}
        self._producer = self.run.producer(self.name, **given)
        self._producer.init_transactions()

    def write(self, numbers: Iterable[int]) -> None:
        """Begin a transaction and write records; they are on the brokers, and not committed."""
        self._since = self.run.elapsed()
        self._producer.begin_transaction()
        self._open = [self._send(number) for number in numbers]
        for _, future in self._open:
            future.get(timeout=ANSWER_S)

    def _send(self, number: int) -> tuple[Send, Any]:
        history, at = self.run.history, now()
        send = history.sends[number] if number < history.next_number else history.invoke(
            flight_payload(), at, at
        )  # fmt: skip
        return send, self._producer.send(self.run.topic, send.value, send.key)

    def wake(self) -> None:
        """Until now it did nothing, though its transaction is open."""
        self._note("hangs")

    def commit(self) -> str:
        """Commit what is open. Returns the error's name; empty: it is committed."""
        try:
            self._producer.commit_transaction()
        except KafkaError as error:
            self._note("refused")
            return type(error).__name__ if error.args == () else _cause(error)
        for send, future in self._open:
            if send.outcome is not Outcome.OK:  # else the other program has committed it, too
                send.success(future.get(timeout=ANSWER_S))
        self._note("commits")
        return ""

    def _note(self, kind: str) -> None:
        until = self.run.elapsed()
        self.spans.append(Span(self._since, until, kind))
        self._since = until


def _cause(error: KafkaError) -> str:
    """kafka-python names the first error that a broken producer met, in its text."""
    return str(error).rsplit(" ", 1)[-1]


def _zombie(run: Run) -> None:
    run.make_topic(watch=False)
    run.isolation = COMMITTED
    size, job = run["batch"], f"{run.topic}-job"
    a = _Program(run, words("shown.program", of="A"), job)
    a.write(range(size))
    a.commit()
    a.write(range(size, 2 * size))
    run.say(words("zombie.says.hangs"))
    hangs = run.elapsed()
    same = run["transactional_id"] == SAME
    b = _Program(run, words("shown.program", of="B"), job if same else f"{job}-b")
    resumed = len(run.read().reads)  # what is committed
    b.write(range(resumed, 3 * size))
    b.commit()
    run.sleep(0.5)
    run.say(words("zombie.says.goes_on"))
    a.wake()
    wakes = run.elapsed()
    refused = a.commit()
    counts = run.verdict().counts
    run.measurements |= {
        "duplicated_records": counts.duplicated,
        "resumed_at_record": resumed,
        "commit_of_a": refused or "accepted",
    }
    end = "refused" if refused else "accepted"
    run.conclude(words(f"zombie.told.{'same' if same else 'another'}_{end}", **run.values))
    lanes = {f"program:{p}": one.spans for p, one in (("A", a), ("B", b))}
    marks = [Mark(hangs, "b_starts"), Mark(wakes, "a_goes_on")]
    names = words.under("shown")
    title = words(f"zombie.title.{end}", **run.values)
    run.show(Lanes(title, lanes, ("commits", "refused", "hangs"), marks, names=names))
    run.show(log_of(words("zombie.title.log", **run.values), numbered(run)))


_FENCED, _BOTH, _B_REFUSED = "fenced", "both", "b_refused"


def _who_commits(result: Result) -> str:
    return _BOTH if result.measurements["commit_of_a"] == "accepted" else _FENCED


ZOMBIE = Experiment(
    "exactly_once.zombie",
    words,
    (
        Choice("transactional_id", (SAME, OWN), SAME, formerly={"the same": SAME, "one each": OWN}),
        Number("batch", 10, 50, 20, "records", 5),
    ),
    _zombie,
    Options((_FENCED, _BOTH, _B_REFUSED), _who_commits),
    breaks=False,
    by_wall=lambda _: words("by_wall.open_transaction"),
)
