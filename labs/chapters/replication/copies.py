"""replication.copies and replication.dead_follower: who has what, and who still counts."""

from __future__ import annotations

from labs.base.figures import seconds
from labs.base.words import Words
from labs.chapters.replication.common import (
    HOW,
    await_partition,
    copies_on_disk,
    how_setting,
    logs_from_disk,
    one_try,
    rate_setting,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Estimate, Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number

words = Words(__file__)

# -- the copies, while a follower lags -------------------------------------------------------------

#: A paused broker sent its last heartbeat up to 1 s ago, and is fenced 3 s after that: until then
#: it is in the ISR.
LAG_S = 1.2
#: How long the leader's last answers may take, s.
ANSWERED_S = 1.0

LEADERS, MAJORITYS, SLOWEST = (
    "leader",
    "majority",
    "slowest",
)


def _copies(run: Run) -> None:
    run.make_topic()
    leader, followers = run.leader(), run.followers()
    paused = followers[: int(run["paused_followers"])]
    acks = run["acks"] if run["acks"] == "all" else int(run["acks"])
    load = run.load(one_try(run, acks, timeout_ms=8000), run["rate"])
    run.say(words("says.copying"))
    run.sleep(1)
    at = [run.fault("pause", follower) for follower in paused]
    run.sleep(LAG_S)
    # What is answered by now comes no more after the look at the copies. With acks=all a paused
    # follower holds the answers up, and more records come when it has left the ISR.
    load.stop(flush_s=0 if paused and acks == "all" else ANSWERED_S)
    _note_reach(run, leader, paused)
    if paused:
        still = set(run.partition().replicas) - set(paused)
        await_partition(run, lambda p: set(p.isr) == still, words("copies.awaited.left"))
        assert run.timeline is not None
        left = run.timeline.first(lambda p: set(p.isr) == still, at[0])
        run.measurements["isr_shrank_after_ms"] = round((left - at[0]) * 1000) if left else None
        end = run.values["leader_log_end"]
        run.wait(lambda: _water(run) >= end, words("copies.awaited.rest_counted"))
    run.measurements["high_watermark_after_shrink"] = _water(run)
    for follower in paused:
        run.fault("resume", follower)
    everyone = set(run.partition().replicas)
    await_partition(run, lambda p: set(p.isr) == everyone, words("copies.awaited.all_back"))
    run.verdict()
    run.show(run.story(_title(run)))


def _water(run: Run) -> int:
    assert run.timeline is not None
    return run.timeline.high_watermark() or 0


def _note_reach(run: Run, leader: int, paused: list[int]) -> None:
    """How far each copy reaches, by the brokers' word and by their files."""
    assert run.timeline is not None
    for _ in range(10):  # what is on its way arrives, and the timeline looks again
        run.sleep(0.05)
        copies, told = copies_on_disk(run), run.timeline.log_ends()
        # A paused broker can't be asked; its file can be read.
        agree = all(told[b] == copy.log_end for b, copy in copies.items() if b not in paused)
        if agree:
            break
    ends = sorted(copy.log_end for copy in copies.values())
    run.measurements |= {
        "isr_size": len(run.partition().isr),
        "leader_log_end": copies[leader].log_end,
        "slowest_log_end": ends[0],
        "middle_log_end": ends[1],
        "high_watermark": _water(run),
        "disk_agrees_with_brokers": "yes" if agree else "no",
    }
    ahead = copies[leader].log_end - _water(run)
    reach = [words("copies.end", broker=b, end=copy.log_end) for b, copy in copies.items()]
    values = {"ends": ", ".join(reach), "ahead": ahead, "leader": leader, **run.values}
    run.conclude(words("copies.told", **values))
    run.show(logs_from_disk(run, copies, words("copies.ahead", ahead=ahead)))


def _title(run: Run) -> str:
    if not run["paused_followers"]:
        return words("copies.title.keep_up")
    shrank = run.values.get("isr_shrank_after_ms")
    if shrank is None:
        return words("copies.title.until_then")
    return words("copies.title.for_so_long", stood=seconds(shrank / 1000))


def _how_far(result: Result) -> str | None:
    m = result.measurements
    if m["leader_log_end"] == m["slowest_log_end"] or m["isr_size"] != 3:
        return None  # nobody lagged, or the one that did has been left behind already
    if m["disk_agrees_with_brokers"] == "no":
        return None  # the copies were seen at different moments
    if m["high_watermark"] == m["leader_log_end"]:
        return LEADERS
    lagged_two = m["middle_log_end"] != m["leader_log_end"]
    if not lagged_two and m["high_watermark"] == m["middle_log_end"]:
        return MAJORITYS
    return SLOWEST


COPIES = Experiment(
    "replication.copies",
    words,
    (
        Number("paused_followers", 0, 2, 1),
        Choice("acks", ("1", "all"), "1"),
        rate_setting(),
    ),
    _copies,
    Options((LEADERS, MAJORITYS, SLOWEST), _how_far),
    about=("leader_log_end", "slowest_log_end", "high_watermark", "isr_shrank_after_ms"),
)

# -- when does a dead broker leave the ISR? --------------------------------------------------------


def _dead_follower(run: Run) -> None:
    run.make_topic()
    gone = run.followers()[0]
    load = run.load(run.producer(acks="all"), run["rate"])
    run.say(words("says.copying"))
    run.sleep(1)
    at = run.fault(HOW[run["how"]], gone)
    await_partition(run, lambda p: gone not in p.isr, words("awaited.left", broker=gone))
    run.sleep(1)
    load.stop()
    assert run.timeline is not None
    left = run.timeline.first(lambda p: gone not in p.isr, at)
    stood = seconds(left - at) if left else words("unknown_time")
    worst = max(send.latency_s or 0.0 for send in load.sends)
    run.measurements["left_isr_s"] = round(left - at, 2) if left else None
    run.measurements["longest_wait_ms"] = round(worst * 1000)
    run.verdict()
    values = {"how": run["how"], "gone": gone, "stood": stood, "worst": seconds(worst)}
    run.conclude(words("dead_follower.told", **values))
    run.show(run.story(words("dead_follower.title", **values)))


DEAD_FOLLOWER = Experiment(
    "replication.dead_follower",
    words,
    (how_setting("SIGKILL"), rate_setting(50)),
    _dead_follower,
    Estimate("s", 0, 10, "left_isr_s", step=0.5),
)
