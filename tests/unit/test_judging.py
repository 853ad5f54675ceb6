"""What is concluded, and what is not: groups that did not come to the end, clocks that were set."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any, cast

import pytest

from labs.app.run import print_result
from labs.base.clock import Jump
from labs.base.errors import LabsError
from labs.base.words import Words
from labs.chapters import all_experiments
from labs.experiment.experiment import Experiment, after_jumps
from labs.experiment.faults import lagging
from labs.experiment.live import Live
from labs.experiment.prediction import came_true
from labs.experiment.result import Result
from labs.experiment.run import Run, judged
from labs.kafka.cluster import CONTROLLER_ID
from labs.notebook.result_html import told
from labs.supervise.home import PROJECT
from labs.workload import verdicts
from labs.workload.group import Group
from labs.workload.history import History, Outcome, Read
from labs.workload.judgements import (
    KEY_ORDER,
    LOG,
    PROCESSING,
    UNKNOWN,
    VALID,
    VIOLATED,
    Counts,
    KeyOrder,
    Offender,
    Processing,
    Report,
)
from labs.workload.load import Load
from labs.workload.member import Event, Member
from tests.said import said

# -- a group that may not have come to the end -----------------------------------------------------


class Done(Member):
    """A member as it stood in the end, without a process."""

    def __init__(self, name: str, events: list[Event], reads: list[Read], death: str = "") -> None:
        self.name, self.events, self.reads, self._death = name, events, reads, death

    @property
    def death(self) -> str:
        return self._death


def member(
    name: str,
    since: float,
    read: Mapping[int, int],
    at: Mapping[int, int] | None = None,
    gone: str = "left",
    death: str = "",
) -> Done:
    """It owned the partitions of `read` from a time on, read each up to an offset, and went."""
    events = [Event(since, name, "assigned", tuple(read))]
    if at is not None:
        events.append(Event(since + 5, name, "at", offsets=tuple(at.items())))
    events.append(Event(since + 9, name, gone))
    reads = [
        Read(None, p, offset, 0, None, since + 1, name)
        for p, n in read.items()
        for offset in range(n)
    ]
    return Done(name, events, reads, death)


def group_of(*members: Done) -> Group:
    return Group([], "t", members={m.name: m for m in members})


def test_a_group_that_read_all_is_not_behind() -> None:
    assert group_of(member("A", 0, {0: 10, 1: 5})).behind({0: 10, 1: 5}) == ""
    assert group_of(member("A", 0, {0: 0}, at={0: 10})).behind({0: 10}) == "", "it began at the end"
    assert group_of(member("A", 0, {0: 9}, at={0: 10})).behind({0: 10}) == "", (
        "a marker is no record"
    )
    assert group_of(member("A", 0, {0: 10})).behind({0: 10, 1: 0}) == "", "an empty partition"


def test_what_was_not_read_to_the_end_is_told() -> None:
    why = group_of(member("A", 0, {0: 7}, at={0: 7})).behind({0: 10})
    assert why == said("workload", "group.behind", reached=7, end=10, partition=0)
    no_owner = said("workload", "group.no_owner", partition=1)
    assert no_owner in group_of(member("A", 0, {0: 7})).behind({0: 7, 1: 3})


def test_what_counts_is_the_last_owners_place() -> None:
    first = member("A", 0, {0: 10}, gone="killed")
    assert group_of(first, member("B", 20, {0: 10})).behind({0: 10}) == ""
    behind = said("workload", "group.behind", reached=4, end=10, partition=0)
    assert group_of(first, member("B", 20, {0: 4})).behind({0: 10}) == behind


def test_a_member_that_died_leaves_all_open() -> None:
    dead = member("A", 0, {0: 10}, death="member A of the group died: MemoryError")
    assert group_of(dead).behind({0: 10}) == "member A of the group died: MemoryError"


# -- a wall clock that was set ---------------------------------------------------------------------


def result(**more: Any) -> Result:
    report = Report(VALID, Counts(sent=3, acknowledged=3, readable=3))
    return Result("a.b", {}, report, "t", [], 1.0, {"stall_ms": 4.0}, (), **more)


def experiment(by_wall: str = "") -> Experiment:
    return Experiment("a.model", Words(__file__), (), lambda run: None, by_wall=lambda _: by_wall)


JUMP = Jump(5.0, 3600.2)
NAMED = said("base", "jump", by=JUMP.by_s)


def test_a_jump_is_named_and_changes_nothing_that_we_measure() -> None:
    found = experiment().with_jumps(result(), [JUMP])
    assert (found.report, found.measurements) == (result().report, result().measurements)
    assert found.as_dict()["wall_clock_jumps_s"] == [3600.2]
    assert NAMED in told(found)


def test_nothing_is_concluded_where_a_broker_follows_the_wall_clock() -> None:
    one = experiment("a broker ends a transaction by it")
    judged = Processing(VALID, 0)
    found = one.with_jumps(result(processing=judged), [JUMP])
    assert (found.report.verdict, found.processing and found.processing.verdict) == (
        UNKNOWN,
        UNKNOWN,
    )
    reason = "a broker ends a transaction by it"
    assert found.report.why == said("experiment", "doubted.result", jump=JUMP, reason=reason)
    assert NAMED in found.report.why
    assert came_true(SimpleNamespace(measured="stall_ms"), found) is None  # type: ignore[arg-type]
    assert one.with_jumps(result(processing=judged), []) == result(processing=judged)


def test_a_failure_names_the_jump_that_it_followed() -> None:
    error = LabsError("waited 30 s in vain", hint="look at `labs logs`")
    assert str(after_jumps(error, [])) == "waited 30 s in vain; look at `labs logs`."
    assert NAMED in str(after_jumps(error, [JUMP]))


@pytest.mark.parametrize(
    ("action", "node", "reason"),
    [
        ("pause", 2, lagging()),
        ("kill", 3, lagging()),
        ("stop", 2, ""),  # it says goodbye, and is out of the ISR before it is gone
        ("pause", 1, ""),  # the leader
        ("kill", CONTROLLER_ID, ""),
    ],
)
def test_a_run_that_silences_a_follower_follows_the_wall_clock(
    action: str, node: int, reason: str
) -> None:
    cluster: Any = SimpleNamespace(
        **dict.fromkeys(("pause", "kill", "stop_broker"), lambda _: None)
    )
    run = Run("a.b", cluster, {}, Live())
    run.timeline = SimpleNamespace(latest=lambda: SimpleNamespace(leader=1))  # type: ignore[assignment]
    run.fault(action, node)
    assert run.by_wall == reason
    found = experiment().with_jumps(result(by_wall=run.by_wall), [JUMP])
    assert found.report.verdict == (UNKNOWN if reason else VALID)
    assert reason in found.report.why


#: Words of a chapter's code → what a broker or a client does by a wall clock then: the sentence's
#: id in the chapter's table.
BY_WALL = {
    "console_producer(": "delivery_timeout",  # NetworkClient and Sender: time.milliseconds
    "begin_transaction(": "open_transaction",  # TransactionStateManager: the same
    "offsets_for_times(": "record_times",
}


def test_what_else_follows_a_wall_clock_says_so() -> None:
    """Each place in the code is covered by an experiment of its module.

    An exercise has nobody to say so: its judge must not follow a clock. The programs beside it are
    what a learner writes.
    """
    for path in (PROJECT / "labs" / "chapters").rglob("*.py"):
        if path.stem in ("solution", "starter"):
            continue
        code = path.read_text("utf-8")
        module = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
        own = [e for e in all_experiments() if e.body.__module__ == module]
        chapter = path.relative_to(PROJECT / "labs").parts[:2]
        reasons = [e.by_wall({"to": "time"}) for e in own]
        for word, reason in BY_WALL.items():
            if word in code and f"def {word}" not in code:
                told = said("/".join(chapter), f"by_wall.{reason}")
                assert told in reasons, f"{path.name} has {word}"
    (replay,) = (e for e in all_experiments() if e.name == "consumers.replay")
    assert replay.by_wall({"to": "time"})


# -- a verdict says what it is about ---------------------------------------------------------------


def test_each_verdict_says_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    again = Offender("repeated", 7, "UA", 0, 7, None, "again by member B")
    found = result(
        processing=Processing(VIOLATED, 0, 12, (again,)),
        key_order=KeyOrder(UNKNOWN, why="no acknowledged record has a key"),
    )
    html = told(found)
    for sign, judgement in zip("✓✗?", found.judgements, strict=True):
        assert f"{sign} {verdicts.title(judgement)}" in html
    assert "again by member B" in html
    assert "labs-violated" in html
    print_result(experiment(), found)
    printed = capsys.readouterr().out
    assert all(verdicts.told(judgement) in printed for judgement in found.judgements)
    assert verdicts.evidence(again) in printed
    answer = found.as_dict()
    assert (answer["verdict"], answer["counts"]["lost"]) == ("valid", 0)
    assert set(answer[PROCESSING]) == {"verdict", "missed", "repeated", "offenders"}
    assert set(answer[KEY_ORDER]) == {"verdict", "out_of_order", "offenders"}
    assert answer["unknown_because"] == {"key_order": "no acknowledged record has a key"}
    assert result().as_dict()[PROCESSING] is None


def names_in(code: CodeType) -> set[str]:
    """What a function's code calls by a name, and the functions that stand in it."""
    inside = (part for part in code.co_consts if isinstance(part, CodeType))
    return set(code.co_names).union(*map(names_in, inside))


def called(body: Any, seen: set[object]) -> set[str]:
    """What an experiment's body names, and so the functions and classes of the chapters that it
    names, and those that work with a group; and so on.
    """
    body = getattr(body, "func", body)  # a partial's
    home = str(getattr(body, "__module__", ""))
    if body in seen or not home.startswith(("labs.chapters.", "labs.experiment.groups")):
        return set()
    seen.add(body)
    functions = [part for part in (body, *vars(body).values()) if isinstance(part, FunctionType)]
    names = set().union(*(names_in(function.__code__) for function in functions))
    around = vars(sys.modules[home])
    return names.union(*(called(around[name], seen) for name in names & around.keys()
                         if callable(around[name])))  # fmt: skip


@pytest.mark.parametrize("experiment", all_experiments(), ids=lambda experiment: experiment.name)
def test_every_experiment_says_what_it_is_about(experiment: Experiment) -> None:
    """As its body does: what it judges beside the log, and nothing else."""
    judging = {"judge_processing": PROCESSING, "judge_key_order": KEY_ORDER}
    found = called(experiment.body, set()) & judging.keys()
    assert set(experiment.judges) == {LOG, *(judging[name] for name in found)}


def test_a_run_that_was_not_watched_to_its_end_judges_no_processing() -> None:
    found = judged((LOG, PROCESSING), PROCESSING, None, Processing(UNKNOWN, why="?"))
    assert found is not None
    assert found.verdict == UNKNOWN
    assert judged((LOG, PROCESSING), KEY_ORDER, None, KeyOrder(UNKNOWN)) is None


# -- what never left the client --------------------------------------------------------------------


class Refusing:
    """A producer whose `send` raises."""

    def __init__(self, error: Exception) -> None:
        self.error, self.config = error, {"retries": 5, "acks": "all"}

    def send(self, *_: object, **__: object) -> None:
        raise self.error


def test_what_send_itself_refuses_was_never_sent() -> None:
    from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

    for error in (KafkaTimeoutError("the buffer is full"), MessageSizeTooLargeError("too large")):
        history = History()
        Load(history, cast(Any, Refusing(error)), "t", 0, 2).start().wait()
        assert [s.outcome for s in history.sends] == [Outcome.FAIL] * 2
    history = History()
    with pytest.raises(TypeError):
        Load(history, cast(Any, Refusing(TypeError("no bytes"))), "t", 0, 2).start().wait()
    assert [s.outcome for s in history.sends] == [Outcome.FAIL]
