"""06.1: consume, transform, produce exactly once, through kills of the program and of a broker.

The board reads slowly, and the program is always behind: so each kill meets it between the outputs
of a transaction and its commit. Two mistakes would need a kill within a few milliseconds; those are
found by what Kafka knows of the producers: with which transactional ids they have written outputs,
and whether they have committed offsets, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from labs.base.words import Words
from labs.exercise.coordinator import coordinators
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.groups import committed, remove_dead
from labs.exercise.judging import Judging
from labs.exercise.places import Place, await_all, require_values, written
from labs.exercise.program import Program
from labs.exercise.transactions import committing_ids, still_open, transactional_ids
from labs.exercise.verdict import NotYet
from labs.workload.history import Log, Read
from labs.workload.reading import COMMITTED

#: Records that are there before it starts, more than it writes until the last kill, and at last.
BEFORE, AT_LAST = 900, 60
#: How many lines a second the board takes.
PACE = 100
#: How long the last commit may take, and a coordinator until it tells of a transaction, s.
COMMIT_S = 10.0


@dataclass(frozen=True)
class Setting:
    """The input topic, which has one partition, the topic of the outputs, and the group."""

    topic: str
    output: str
    group: str


def judge(judging: Judging) -> tuple[str, ...]:
    """Kill it three times and a broker once while it works; compare the outputs with the inputs."""
    topic, output = judging.topic(), judging.topic(partitions=3)
    setting = Setting(topic, output, judging.group(topic))
    judging.stream(topic, BEFORE).wait()
    program = judging.program(PACE, topic=topic, group=setting.group, output=output)
    judging.say("starting")
    program.start()
    try:
        reached = _disturb(judging, program, setting)
    except NotYet:  # a start with a new id may wait for what the last one has left open
        _require_one_id(judging, program, output)
        raise
    judging.stream(topic, AT_LAST).wait()
    program.pace = None
    judging.say("finishing")
    inputs = judging.read(topic)
    await_all(program, inputs, judging.patience_s)
    _await_commit(judging, setting, inputs)
    left = still_open(judging.cluster, output, judging.remaining_s)  # it may be about to end
    program.stop()
    _require_one_id(judging, program, output)
    if left:
        raise NotYet("left_open", _open(judging, left))
    evidence = _compare(judging, setting, inputs, reached)
    require_values(inputs, written(program.lines))
    return evidence


def _disturb(judging: Judging, program: Program, setting: Setting) -> list[int]:
    """Three kills and a broker's between; returns what was committed after each of the three."""
    reached = [_kill(judging, program, setting)]
    _require_transactions(judging, setting.output)
    reached.append(_kill(judging, program, setting))
    _require_one_id(judging, program, setting.output)
    _kill_broker(judging, program, setting)
    reached.append(_kill(judging, program, setting))
    _work(judging, program)
    return reached


def _work(judging: Judging, program: Program) -> None:
    """Let it write some more lines."""
    enough = len(program.lines) + judging.random.randint(60, 120)
    program.wait(lambda: len(program.lines) >= enough, judging.patience_s)


def _kill(judging: Judging, program: Program, setting: Setting) -> int:
    """Kill it in the middle of its work, start it again; the committed offset between both."""
    _work(judging, program)
    program.kill()
    remove_dead(judging.cluster, setting.group)
    reached = committed(judging.cluster, setting.group, setting.topic).get(0, 0)
    judging.say("killed", kill=program.lives)
    program.start()
    return reached


def _kill_broker(judging: Judging, program: Program, setting: Setting) -> None:
    """Kill a broker while the program works: each leads a partition of the outputs.

    But not one that coordinates its group or its transactions: kafka-python 3.0 and librdkafka 2.16
    may then wait for just that broker, for longer than a learner would.
    """
    _work(judging, program)
    ids = transactional_ids(judging.cluster, setting.output)
    spared = coordinators(judging.cluster, setting.group, ids)
    replicas = judging.partition(setting.topic).replicas
    broker = judging.random.choice([each for each in replicas if each not in spared])
    judging.fault("kill", broker)
    _work(judging, program)


def _require_transactions(judging: Judging, output: str) -> None:
    def seen() -> set[str]:
        return transactional_ids(judging.cluster, output)

    # A broker that has just come back may not tell yet.
    if not judging.await_(seen, judging.exercise.says("awaited", "known"), COMMIT_S):
        told = judging.exercise.says("evidence", "no_id", output=output)
        raise NotYet("no_transaction", told)


def _require_one_id(judging: Judging, program: Program, output: str) -> None:
    """Each start must have the name of the one before it."""
    ids = sorted(transactional_ids(judging.cluster, output))
    if len(ids) > 1:
        says = judging.exercise.says
        evidence = [says("evidence", "ids", count=len(ids), ids=", ".join(ids))]
        program.kill()
        if left := still_open(judging.cluster, output, judging.remaining_s):
            evidence.append(_open(judging, left))
        raise NotYet("new_id", *evidence, count=program.lives)


def _open(judging: Judging, left: list[Place]) -> str:
    """The evidence of a transaction that is open."""
    partition, offset = left[0]
    return judging.exercise.says("evidence", "open", partition=partition, offset=offset)


def _await_commit(judging: Judging, setting: Setting, inputs: Log) -> None:
    """Its last lines are written; have it commit what they belong to, if it ever does."""

    def reached() -> bool:
        told = committed(judging.cluster, setting.group, setting.topic)
        return told.get(0, 0) >= inputs.ends[0]

    judging.await_(reached, judging.exercise.says("awaited", "end"), COMMIT_S)


def _compare(
    judging: Judging, setting: Setting, inputs: Log, reached: list[int]
) -> tuple[str, ...]:
    says, cluster = judging.exercise.says, judging.cluster
    outputs = judging.read(setting.output, isolation=COMMITTED).reads
    _require_transformed(judging, outputs)
    counts = Counter(read.number for read in outputs)
    if missing := [read for read in inputs.reads if not counts[read.number]]:
        raise _missed(judging, missing, reached)
    twice = [read for read in inputs.reads if counts[read.number] > 1]
    again = [
        says("evidence", "twice", offset=read.offset, times=counts[read.number], count=len(twice))
        for read in twice[:1]
    ]
    ids = transactional_ids(cluster, setting.output)
    if not ids & committing_ids(cluster):
        raise NotYet("offsets_apart", says("evidence", "apart", id=min(ids)), *again)
    if twice:
        raise NotYet("written_twice", *again)
    return (says("evidence", "all_once", records=len(inputs.reads)),)


def _require_transformed(judging: Judging, outputs: Sequence[Read]) -> None:
    due = {send.number: (send.key, crc32(send.value.upper())) for send in judging.history.sends}
    for read in outputs:
        if due.get(-1 if read.number is None else read.number) != (read.key, read.digest):
            place = {"partition": read.partition, "offset": read.offset}
            raise NotYet("not_transformed", judging.exercise.says("evidence", "other", **place))


def _missed(judging: Judging, missing: Sequence[Read], reached: list[int]) -> NotYet:
    """Why the first missing output was missed."""
    says, offset = judging.exercise.says, missing[0].offset
    gone = says("evidence", "missing", offset=offset, count=len(missing))
    for kill, told in enumerate(reached, 1):
        if offset < told:
            at = says("evidence", "committed", kill=kill, committed=told)
            return NotYet("committed_first", gone, at, kill=kill)
    return NotYet("missed", gone)


EXERCISE = Exercise(
    "06.1",
    PROGRAM,
    Words(__file__),
    judge,
    minutes=15,
    contract=("TOPIC", "GROUP", "OUTPUT"),
    breaks=True,
)
