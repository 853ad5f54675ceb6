"""acks.paused_follower: one silent follower, and what ends the wait for it."""

from __future__ import annotations

from kafka.protocol.admin import ElectionType

from labs.base.clock import now
from labs.base.figures import graded, seconds
from labs.base.words import Words
from labs.chapters.acks.common import (
    NOT_ENOUGH,
    acknowledged,
    acks_setting,
    errors,
    min_isr_setting,
    producer,
    rate_setting,
    since,
    topic,
    while_all_is_well,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number
from labs.kafka.cluster import CONTROLLER_ID, label_of
from labs.observe.healing import heal
from labs.observe.sampler import watch
from labs.observe.timeline import Timeline
from labs.workload import Load, set_here
from labs.workload.history import Send

words = Words(__file__)

#: Longer than any of the clocks.
PATIENCE_S = 60.0
#: Seen so often out of the ISR and not fenced, it was not the fencing that put it out: a look asks
#: two questions, and the fencing may happen between them, once.
BEFORE_FENCING = 2

#: For so long, s, all must have been well: answers within this time, s, but for the newest sends;
#: and how long that is waited for at most, s.
QUIET_S, QUICK_S, SETTLE_S = 1.0, 0.2, 10.0
#: How many of the newest may still be in flight.
WAITING = 10

#: What the two clocks are if nobody changes them, s.
LAB_SESSION_S, KAFKA_LAG_S = 3, 30

FENCING, LAGGING = "broker.session.timeout.ms", "replica.lag.time.max.ms"
NOTHING, WAIT, REFUSED = "nothing", "wait", "refused"


def _paused_follower(run: Run) -> None:
    topic(run)
    _set_clocks(run)
    follower = run.followers()[0]
    load = run.load(producer(run), run["rate"])
    while_all_is_well(run)
    _settle(run, load)
    paused = run.fault("pause", follower)
    fenced, out_before = _fenced(run, follower)
    assert run.timeline is not None
    timeline = run.timeline
    shrunk = run.wait(
        lambda: _out_since(timeline, follower, paused), words("paused_follower.awaited.shrunk")
    )
    lagging = len(out_before) >= BEFORE_FENCING
    if lagging:
        shrunk = min(shrunk, out_before[0])
    run.say(words("paused_follower.says.shrunk", follower=follower))
    run.sleep(1)
    left = timeline.latest()
    enough = left is None or len(left.isr) >= run["min_insync_replicas"]
    run.fault("resume", follower)
    load.stop()
    stall_ms = round(_longest_ms(since(load.sends, paused)))
    run.measurements |= {
        "stall_ms": stall_ms,
        "isr_shrunk_after_ms": round((shrunk - paused) * 1000),
        "fenced_after_ms": round((fenced - paused) * 1000),
        "removed_by": LAGGING if lagging else FENCING,
        "enough_in_sync": "yes" if enough else "no",
        "not_enough_replicas": sum(errors(load.sends)[name] for name in NOT_ENOUGH),
    }
    run.verdict()
    wait, gone = seconds(stall_ms / 1000), seconds(shrunk - paused)
    told = f"paused_follower.told.{'enough' if enough else 'too_few'}"
    run.conclude(words(told, follower=follower, wait=wait, gone=gone, **run.values))
    run.show(run.story(words("paused_follower.title", wait=wait, **run.values)))


def _set_clocks(run: Run) -> None:
    """Start the controller, or the leader, with another clock: both are static settings.

    Fencing is the controller's business (KIP-631), lagging the leader's own.
    """
    session_s, lag_s = run["session_timeout_s"], run["replica_lag_time_s"]
    leader = run.leader()
    if session_s != LAB_SESSION_S:
        _restart(run, CONTROLLER_ID, {FENCING: str(session_s * 1000)})
    if lag_s != KAFKA_LAG_S:
        _restart(run, leader, {LAGGING: str(lag_s * 1000)})
        heal(run.cluster)
    run.wait(lambda: _leads(run, leader), words("paused_follower.awaited.led", leader=leader))
    _begin_anew(run)


def _settle(run: Run, load: Load) -> None:
    """Wait until what the restarts have left behind is over: all in sync, and quick answers."""
    until = now() + SETTLE_S
    while now() < until:
        seen = run.timeline.latest() if run.timeline else None
        recent = [s for s in load.sends if s.intended > now() - QUIET_S]
        answered = [s for s in recent if s.latency_s is not None and s.latency_s < QUICK_S]
        if seen and not seen.out_of_sync and recent and len(answered) >= len(recent) - WAITING:
            return
        run.sleep(0.05)


def _leads(run: Run, leader: int) -> bool:
    """Whether it leads; if not, it is elected. Just back, it may be refused for a moment."""
    if run.partition().leader == leader:
        return True
    run.elect(ElectionType.PREFERRED)
    return False


def _begin_anew(run: Run) -> None:
    """Let the picture begin here: the restarts are not part of the story."""
    if run.timeline is not None:
        run.timeline.stop()
    run.timeline = Timeline(run.cluster, run.topic)
    run.timeline.start()
    run.closing(run.timeline.stop)
    run.began = now()


def _restart(run: Run, node: int, settings: dict[str, str]) -> None:
    names = ", ".join(f"{name}={value}" for name, value in settings.items())
    run.say(words("paused_follower.says.restarting", node=node, settings=names))

    def back() -> None:
        run.say(words("paused_follower.says.back", node=node))
        run.cluster.stop_broker(node)
        run.cluster.start_broker(node)

    run.note(set_here.broker(label_of(node), settings))
    run.cluster.stop_broker(node)
    run.cluster.start_broker(node, settings)
    run.closing(back)


def _fenced(run: Run, follower: int) -> tuple[float, list[float]]:
    """When the controller gave the follower up, and when it was seen out of the ISR before that."""
    out_before: list[float] = []
    watching = watch(run.cluster, run.topic)
    run.closing(watching.close)

    def seen() -> float | None:
        look = watching.look()
        if follower in look.fenced:
            return look.time
        partition = look.partition(run.topic)
        if partition is not None and follower not in partition.isr:
            out_before.append(look.time)
        return None

    awaited = words("paused_follower.awaited.fenced", follower=follower)
    return run.wait(seen, awaited, PATIENCE_S), out_before


def _out_since(timeline: Timeline, follower: int, paused: float) -> float | None:
    """When it left the ISR; with a short lag time a busy machine may have been first."""
    left = timeline.first(lambda p: follower not in p.isr, paused)
    seen = timeline.latest()
    already = left is None and seen is not None and follower not in seen.isr
    return paused if already else left


def _longest_ms(sends: list[Send]) -> float:
    answered = acknowledged(sends) or sends
    return max((s.latency_s or 0.0 for s in answered), default=0.0) * 1000


def _what_happened(result: Result) -> str | None:
    if result.measurements["not_enough_replicas"]:
        return REFUSED
    stall = result.measurements["stall_ms"]
    return graded(stall, [(900, NOTHING)], WAIT) if isinstance(stall, (int, float)) else None


PAUSED_FOLLOWER = Experiment(
    "acks.paused_follower",
    words,
    (
        acks_setting("all"),
        rate_setting(),
        min_isr_setting(),
        Number(
            "session_timeout_s",
            3,
            9,
            LAB_SESSION_S,
            "s",
        ),
        Number("replica_lag_time_s", 1, 30, KAFKA_LAG_S, "s"),
    ),
    _paused_follower,
    Options((NOTHING, WAIT, REFUSED), _what_happened),
    about=("stall_ms", "isr_shrunk_after_ms", "fenced_after_ms"),
)
