"""What the experiments of this chapter share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from kafka import KafkaProducer

from labs.base.words import Words
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.workload.history import Outcome, Send

words = Words(__file__)

NOT_ENOUGH = ("NotEnoughReplicasError", "NotEnoughReplicasAfterAppendError")


def acks_setting(default: str) -> Choice:
    """The setting `acks`."""
    return Choice("acks", ("0", "1", "all"), default)


def min_isr_setting(default: int = 2) -> Number:
    """The setting `min_insync_replicas`, made the topic's `min.insync.replicas`."""
    return Number("min_insync_replicas", 1, 3, default)


def rate_setting(default: int = 100, high: int = 500) -> Number:
    """The setting `rate`."""
    return Number("rate", 10, high, default, "records/s", 10)


def topic(run: Run) -> None:
    """The run's topic, three replicas, with the chosen `min_insync_replicas`."""
    run.make_topic(config={"min.insync.replicas": str(run["min_insync_replicas"])})


def producer(run: Run, acks: str | None = None, **options: Any) -> KafkaProducer:
    """A producer with the run's `acks`, without retries: every error is seen as it comes.

    Idempotence is off: kafka-python refuses it together with acks other than all, or without
    retries, and the three `acks` are to differ in nothing else.
    """
    value = str(run["acks"] if acks is None else acks)
    chosen = {"acks": value if value == "all" else int(value), "enable_idempotence": False}
    return run.producer(**{**chosen, "retries": 0, **options})


def while_all_is_well(run: Run, seconds: float = 1.0) -> None:
    """Let the load run, until the followers copy: on a busy machine a new topic's take a moment."""
    run.say(words("says.well"))
    run.sleep(seconds)
    timeline = run.timeline
    assert timeline is not None

    def copied() -> bool:
        seen, ends = timeline.latest(), timeline.log_ends()
        whole = seen is not None and not seen.out_of_sync
        return whole and min(ends.values(), default=0) > 0 and bool(timeline.high_watermark())

    run.wait(copied, words("awaited.copied"))


def errors(sends: Iterable[Send]) -> Counter[str]:
    """How many sends ended with which error."""
    return Counter(s.error for s in sends if s.error and s.outcome is not Outcome.OK)


def acknowledged(sends: Iterable[Send]) -> list[Send]:
    """The sends that were acknowledged."""
    return [send for send in sends if send.outcome is Outcome.OK]


def since(sends: Iterable[Send], time: float) -> list[Send]:
    """The sends that were due at that time or later."""
    return [send for send in sends if send.intended >= time]


def leader_alone(run: Run, leader: int) -> bool:
    """Whether the ISR was last seen to be the leader alone."""
    seen = run.timeline.latest() if run.timeline else None
    return seen is not None and seen.isr == (leader,)


def address_of(run: Run, broker: int) -> str:
    """`host:port` of that broker."""
    return next(n.address for n in run.cluster.status().nodes if n.id == broker)
