"""Where a consumer begins: the committed offset, what it seeks, or `auto_offset_reset`."""

from __future__ import annotations

from kafka import TopicPartition

from labs.base.clock import now, wall
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.filling import fill
from labs.experiment.groups import JOIN_S, drain, group_of, join, judge, places, processed
from labs.experiment.offsets import onlooker
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Switch
from labs.experiment.views import Bars, Lines, Mark
from labs.workload.group import Group
from labs.workload.judgements import LOG, PROCESSING
from labs.workload.member import Member

words = Words(__file__)

# -- replay ----------------------------------------------------------------------------------------

RECORDS, BATCH = 300, 20
BEGINNING, OFFSET, TIME = "beginning", "offset", "time"

#: Between the two halves of the records, s: a time that lies between them can be named.
BREAK_S = 1.0


def _replay(run: Run) -> None:
    run.make_topic(watch=False)
    group = group_of(run)
    commit = "auto" if run["auto_commit"] else "after"
    first = group.add("A", process_ms=1, commit=commit, max_records=BATCH)
    second = group.add("B", commit="after", max_records=BATCH)
    fill(run, RECORDS // 2)
    run.sleep(BREAK_S / 2)
    between_ms = int(wall(now()) * 1000)  # a record's timestamp is a time of day
    run.sleep(BREAK_S / 2)
    fill(run, RECORDS // 2)
    target = _target(run, between_ms)
    run.show_live(lambda: _paths(run, group, "", []))
    join(run, group, first)
    run.wait(lambda: len(first.reads) >= RECORDS, words("replay.awaited.all"))
    run.say(words("replay.says.seeking", target=target))
    first.pace(8.0, commit="after" if run["commit"] else "never")
    sought = now()
    first.seek({0: target})
    half = (RECORDS - target) // 2
    run.wait(lambda: len(first.reads) >= RECORDS + half, words("replay.awaited.half"))
    first.leave()
    first.await_end(10)
    again = len(first.reads) - RECORDS
    place = places(run, group).get(0, 0)
    left = run.elapsed()
    join(run, group, second)
    drain(run, group)
    group.leave()
    judge(run, group, asked_from=sought)
    begin = second.reads[0].offset if second.reads else None
    _tell_replay(run, group, target, again, place, begin, [sought - run.began, left])


def _target(run: Run, between_ms: int) -> int:
    if run["to"] == BEGINNING:
        return 0
    if run["to"] == OFFSET:
        return RECORDS // 3
    partition = TopicPartition(run.topic, 0)
    found = onlooker(run).offsets_for_times({partition: between_ms})[partition]
    return int(found.offset)


def _tell_replay(
    run: Run, group: Group, target: int, again: int, place: int, begin: int | None, at: list[float]
) -> None:
    run.measurements |= {
        "sought_offset": target,
        "read_again_records": again,
        "committed_offset": place,
        "next_member_began_at_offset": begin,
    }
    where = "at_end" if begin is None else "at_offset"
    run.conclude(words(f"replay.told.{where}", **run.values))
    marks = [Mark(at[0], f"a_seeks:{target}"), Mark(at[1], f"a_leaves:{place}")]
    run.show(_paths(run, group, words(f"replay.title.{where}", **run.values), marks))


def _paths(run: Run, group: Group, title: str, marks: list[Mark]) -> Lines:
    series = {
        f"processed_by:{member.name}": [(r.time - run.began, r.offset) for r in list(member.reads)]
        for member in group.members.values()
        if member.reads
    }
    return Lines(title, series, "elapsed_s", "offset", marks, dots=True, names=words.under("shown"))


STOPPED, END, SOUGHT = "stopped", "end", "sought"


def _began(result: Result) -> str | None:
    place = result.measurements["committed_offset"]
    if place == result.measurements["sought_offset"]:
        return SOUGHT
    return END if place == RECORDS else STOPPED


REPLAY = Experiment(
    "consumers.replay",
    words,
    (
        Choice("to", (BEGINNING, OFFSET, TIME), OFFSET, facts={"offset": RECORDS // 3}),
        Switch("commit", False),
        Switch("auto_commit", False),
    ),
    _replay,
    Options((STOPPED, END, SOUGHT), _began),
    breaks=False,
    judges=(LOG, PROCESSING),
    by_wall=lambda settings: words("by_wall.record_times") if settings["to"] == TIME else "",
)  # fmt: skip

# -- auto_offset_reset -----------------------------------------------------------------------------

LATEST, EARLIEST, NO_RESET = "latest", "earliest", "none"
NEW, DELETED = "new", "deleted"
BEFORE, AFTERWARDS = 200, 50


def _reset_policy(run: Run) -> None:
    run.make_topic(watch=False)
    group = group_of(run)
    options = {"auto_offset_reset": run["auto_offset_reset"]}
    reader = group.add("B", options=options, commit="after")
    deleted = 0
    if run["group"] == DELETED:
        deleted = _lose_the_place(run, group)
        earlier = processed(group.reads)
    else:
        fill(run, BEFORE)
        earlier = 0
    reader.join()  # with auto_offset_reset=none its first poll may already be its last
    run.wait(
        lambda: reader.errors or _has_a_place(reader),
        words("reset_policy.awaited.position"),
        JOIN_S,
    )
    missed = _first_missed(reader)
    if not reader.errors:
        fill(run, AFTERWARDS)
        run.wait(lambda: _has_read_to(reader, _end(run) - 1), words("reset_policy.awaited.end"))
        drain(run, group)
        missed = reader.reads[0].offset
    group.leave()
    judge(run, group)
    _tell_reset(run, reader, deleted, earlier, missed)


def _lose_the_place(run: Run, group: Group) -> int:
    """A reads a third and leaves; then records after its committed offset are deleted."""
    first = group.add("A", commit="after")
    fill(run, BEFORE // 2)
    join(run, group, first)
    run.wait(lambda: len(first.reads) >= BEFORE // 2, words("reset_policy.awaited.all"))
    first.leave()
    first.await_end(10)
    fill(run, BEFORE)
    cut = BEFORE
    run.say(words("reset_policy.says.deleting", cut=cut))
    before = {TopicPartition(run.topic, 0): cut}
    run.ask(lambda client: client.delete_records(before))
    return cut


def _end(run: Run) -> int:
    return len(run.history.sends)


def _has_read_to(member: Member, offset: int) -> bool:
    return any(read.offset >= offset for read in member.reads[-1:])


def _has_a_place(member: Member) -> bool:
    """Whether it knows where to read on."""
    return any(event.offsets for event in list(member.events) if event.kind == "at")


def _first_missed(member: Member) -> int | None:
    return member.reads[0].offset if member.reads else None


def _tell_reset(run: Run, reader: Member, deleted: int, earlier: int, began: int | None) -> None:
    there = _end(run) - deleted
    got = len(reader.reads)
    error = reader.errors[0].error if reader.errors else ""
    skipped = max((began or deleted) - max(deleted, earlier), 0) if not error else 0
    run.measurements |= {
        "readable_records": there,
        "read_records": got,
        "skipped_readable_records": skipped,
        "began_at_offset": began,
        "error": error or None,
    }
    id = f"reset_policy.told.{run['group']}_{'refused' if error else 'read'}"
    told = words(id, committed=earlier, **run.values)
    run.conclude(told)
    bars = {"records": [float(deleted), float(there), float(got), float(skipped)]}
    labels = ["deleted", "readable", "read_by:B", "skipped"]
    run.show(Bars(told, labels, bars, "records", names=words.under("shown")))


ALL, NEWER, NOTHING = "all", "newer", "nothing"


def _seen(result: Result) -> str | None:
    if result.settings["group"] != NEW:
        return None
    return {250: ALL, 50: NEWER, 0: NOTHING}.get(int(result.measurements["read_records"] or 0))


RESET_POLICY = Experiment(
    "consumers.reset_policy",
    words,
    (
        Choice("auto_offset_reset", (LATEST, EARLIEST, NO_RESET), LATEST),
        Choice("group", (NEW, DELETED), NEW),
    ),
    _reset_policy,
    Options((ALL, NEWER, NOTHING), _seen),
    breaks=False,
    judges=(LOG, PROCESSING),
)  # fmt: skip
