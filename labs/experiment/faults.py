"""The faults of a run: what it does to the nodes, each noted with the time at which it began."""

from __future__ import annotations

from dataclasses import dataclass

from labs.base.clock import now
from labs.base.words import Words
from labs.experiment.topic import Topic
from labs.kafka.actions import ACTIONS
from labs.kafka.cluster import CONTROLLER_ID, Fault, label_of

words = Words(__file__)


def lagging() -> str:
    """What a broker measures by its wall clock in every run that silences a follower.

    Kafka's Partition, isFollowerOutOfSync: `time.milliseconds`. Monotonic clocks measure the
    controller's sessions (BrokerHeartbeatTracker), groups' sessions, and what waits in a purgatory
    (SystemTimer).
    """
    return words("by_wall.lagging")


@dataclass
class Faults(Topic):
    """What a run breaks. `by_wall`: what of that a broker measures by its wall clock, in words."""

    by_wall: str = ""

    def fault(self, action: str, node: int) -> float:
        """Kill, pause, resume, stop or start a node; returns the time at which that began."""
        if action in ("kill", "pause") and node != CONTROLLER_ID and not self._leads(node):
            self.by_wall = lagging()
        fault = Fault(now(), action, node)
        self.faults.append(fault)
        self.say(words("says.fault", doing=ACTIONS[action].doing, node=label_of(node)))
        ACTIONS[action].do(self.cluster, node)
        return fault.time

    def _leads(self, node: int) -> bool:
        """Whether it was last seen to lead partition 0; nobody measures how far a leader lags."""
        seen = self.timeline.latest() if self.timeline else None
        return seen is not None and seen.leader == node
