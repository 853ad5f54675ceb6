"""replication.truncation and replication.unclean: records that the new leader does not have."""

from __future__ import annotations

from kafka.protocol.admin import ElectionType

from labs.base.words import Words
from labs.chapters.replication.common import (
    await_partition,
    epochs_on_disk,
    min_isr_setting,
    one_try,
    rate_setting,
    saw,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number, Switch
from labs.observe.segments import Copy, first_difference, read_copy
from labs.workload import number_of
from labs.workload.history import Outcome

words = Words(__file__)

# -- truncation ------------------------------------------------------------------------------------

MERGED, KEPT, CUT = (
    "merged",
    "kept",
    "cut",
)


def _truncation(run: Run) -> None:
    run.make_topic(config={"min.insync.replicas": "2"})
    old, followers = run.leader(), run.followers()
    acks = run["acks"] if run["acks"] == "all" else 1
    load = run.load(one_try(run, acks), run["rate"])
    run.say(words("says.copying"))
    run.sleep(1)
    for follower in followers:
        run.fault("pause", follower)
    run.sleep(run["lag_s"])
    run.fault("kill", old)
    load.stop(flush_s=0.3)
    before = read_copy(run.cluster, old, run.topic)
    for follower in followers:
        run.fault("resume", follower)
    new = await_partition(
        run, lambda p: p.leader in followers, words("truncation.awaited.elected")
    ).leader
    assert new is not None
    # What the first producer still holds back is written now, and before the second one's records.
    answered = words("truncation.awaited.answered")
    run.wait(lambda: all(s.outcome is not Outcome.PENDING for s in load.sends), answered)
    run.load(one_try(run, "all"), run["rate"], count=int(run["rate"])).wait()
    run.fault("start", old)
    await_partition(run, lambda p: old in p.isr, words("truncation.awaited.in_isr", old=old))
    run.verdict()
    after, leaders = (read_copy(run.cluster, broker, run.topic) for broker in (old, new))
    _show_cut(run, before, after, leaders)


def _show_cut(run: Run, before: Copy, after: Copy, leaders: Copy) -> None:
    old, new = before.broker, leaders.broker
    cut_at = first_difference(before, after)
    tail = [r for r in before.records if cut_at is not None and r.offset >= cut_at]
    kept = {record.value for record in after.records}
    gone = [record for record in tail if record.value not in kept]
    run.measurements |= {
        "log_end_at_death": before.log_end,
        "cut_at_offset": cut_at,
        "cut_records": len(gone),
        "copies_equal_after": "yes" if first_difference(after, leaders) is None else "no",
        "epoch_before": before.records[-1].epoch if before.records else None,
        "epoch_after": after.records[-1].epoch if after.records else None,
    }
    values = {**run.values, "old": old, "new": new}
    if gone:
        values |= _replaced(gone[0].offset, before, after)
    told = "nothing" if not gone else "replaced" if "was" in values else "cut"
    run.conclude(words(f"truncation.told.{told}", **values))
    lanes = {
        f"at_death:{old}": before,
        f"leads_since:{new}": leaders,
        f"is_back:{old}": after,
    }
    run.show(epochs_on_disk(words("truncation.title.copies", **values), lanes))
    run.show(run.story(words("truncation.title.story", **values)))


def _replaced(offset: int, before: Copy, after: Copy) -> dict[str, int | None]:
    """Which record stood at an offset, and which does now; nothing, if there is none."""
    was, is_now = before.at(offset), after.at(offset)
    if was is None or is_now is None:
        return {}
    return {"offset": offset, "was": number_of(was.value), "is": number_of(is_now.value)}


def _what_became(result: Result) -> str | None:
    m = result.measurements
    if m["log_end_at_death"] == m["cut_at_offset"] or m["cut_at_offset"] is None:
        return None  # it had nothing of its own
    if m["copies_equal_after"] == "no":
        return KEPT
    return CUT if m["cut_records"] else MERGED


TRUNCATION = Experiment(
    "replication.truncation",
    words,
    (
        Choice("acks", ("1", "all"), "1"),
        Number("lag_s", 1, 5, 1.5, "s", 0.5),
        rate_setting(),
    ),
    _truncation,
    Options((MERGED, KEPT, CUT), _what_became),
    about=("cut_at_offset", "cut_records"),
)

# -- unclean election ------------------------------------------------------------------------------

NONE_LOST, SOME_LOST = "none_lost", "some_lost"

#: How long the cluster is watched waiting for its last leader, when no election is forced.
WATCH_S = 1.5


def _unclean(run: Run) -> None:
    run.make_topic(config={"min.insync.replicas": str(run["min_insync_replicas"])})
    old, followers = run.leader(), run.followers()
    load = run.load(one_try(run, "all"), run["rate"])
    run.say(words("says.copying"))
    run.sleep(0.7)
    for follower in followers:
        run.fault("stop", follower)
    await_partition(run, lambda p: p.isr == (old,), words("unclean.awaited.alone", old=old))
    run.say(words("unclean.says.alone", old=old))
    run.sleep(run["alone_s"])
    run.fault("kill", old)
    load.stop(flush_s=0.3)
    before = read_copy(run.cluster, old, run.topic)
    back = followers[-1]  # the one that has most of the two
    run.fault("start", back)
    await_partition(run, lambda p: p.leader != old, words("awaited.given_up", broker=old))
    refused = ""
    if run["unclean"]:
        run.say(words("unclean.says.forcing", back=back))
        refused = run.elect(ElectionType.UNCLEAN)
        await_partition(run, lambda p: p.leader == back, words("unclean.awaited.led", back=back))
    else:
        run.sleep(WATCH_S)
    led = saw(run, lambda p: p.leader == back)
    report = run.verdict()
    after = read_copy(run.cluster, old, run.topic)
    counts = report.counts
    run.measurements |= {
        "lost_of_acknowledged": counts.lost / counts.acknowledged if counts.acknowledged else 0.0,
        "led_before_the_return": "yes" if led else "no",
        "election": refused or ("forced" if run["unclean"] else "none"),
        "records_on_dead_disk": len(before.records),
        "records_on_it_after": len(after.records),
    }
    values = {**run.values, "counts": counts, "old": old, "back": back}
    who = "led" if led else "nobody"
    run.conclude(words(f"unclean.told.{who}", **values))
    copies = {f"dead:{old}": before, f"is_back:{old}": after}
    run.show(epochs_on_disk(words("unclean.title.copies", **values), copies))
    run.show(run.story(words(f"unclean.title.{who}", **values)))


def _lost_any(result: Result) -> str | None:
    counts = result.report.counts
    if not counts.acknowledged:
        return None
    return SOME_LOST if counts.lost else NONE_LOST


UNCLEAN = Experiment(
    "replication.unclean",
    words,
    (
        Switch("unclean", True),
        min_isr_setting(1),
        Number("alone_s", 1, 5, 2, "s"),
        rate_setting(),
    ),
    _unclean,
    Options((NONE_LOST, SOME_LOST), _lost_any),
    about=("records_on_dead_disk",),
)
