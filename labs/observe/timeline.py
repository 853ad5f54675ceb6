"""The history of one topic: who led, who was in the ISR, how far each copy reached, and when.

It subscribes to the sampler (`labs.observe.sampler`) and keeps every answer, on one clock. Nothing
is interpolated: where nobody answered there is a gap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labs.kafka.cluster import Cluster, Role
from labs.observe.feed import Subscription
from labs.observe.offsets import Reach
from labs.observe.sampler import Reaches, watch, watch_log_ends
from labs.observe.snapshot import ClusterSnapshot, Partition

#: From one look to the next, s, where the machine keeps up.
EVERY_S = 0.04

#: Where nobody answered for longer, s, nothing is said of when something happened meanwhile.
GAP_S = 1.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What the cluster said of a partition from `time` on; `partition` None: nobody answered."""

    time: float
    partition: Partition | None


class Timeline:
    """Keeps what was seen of one topic from `start` to `stop`; it can be asked meanwhile.

    Args:
        cluster: whose brokers to ask.
        topic: the topic.
        partitions: how many partitions it has.
    """

    def __init__(self, cluster: Cluster, topic: str, partitions: int = 1) -> None:
        self.cluster, self.topic = cluster, topic
        self.partitions = tuple(range(partitions))
        self.sights: dict[int, list[Sight]] = {p: [] for p in self.partitions}
        self.reaches: dict[int, list[Reach]] = {p: [] for p in self.partitions}
        self._subscriptions: list[Subscription[Any, Any]] = []

    def start(self) -> None:
        """Subscribe."""
        brokers = [n.id for n in self.cluster.status().nodes if n.role is Role.BROKER]
        places = [(self.topic, index) for index in self.partitions]
        self._subscriptions = [
            watch(self.cluster, self.topic, every_s=EVERY_S, hear=self._seen),
            *(watch_log_ends(self.cluster, b, places, EVERY_S, self._reached) for b in brokers),
        ]

    def stop(self) -> None:
        """Leave; what was seen stays."""
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions.clear()

    def _seen(self, snapshot: ClusterSnapshot) -> None:
        for index, sights in self.sights.items():
            partition = snapshot.partition(self.topic, index)
            if not sights or sights[-1].partition != partition:
                sights.append(Sight(snapshot.time, partition))

    def _reached(self, reaches: Reaches) -> None:
        for (_, index), reach in reaches.items():
            self.reaches[index].append(reach)

    # -- asking ------------------------------------------------------------------------------

    def leader_at(self, partition: int, time: float) -> int | None:
        """Which broker led at a time, as far as it was seen."""
        sight = self._sight(partition, time)
        return sight.partition.leader if sight and sight.partition else None

    def _sight(self, partition: int, time: float) -> Sight | None:
        sights = list(self.sights.get(partition, ()))
        position = bisect_right([sight.time for sight in sights], time)
        return sights[position - 1] if position else None

    def latest(self, partition: int = 0) -> Partition | None:
        """The partition as it was last seen."""
        sights = self.sights.get(partition)
        return sights[-1].partition if sights else None

    def first(
        self, true: Callable[[Partition], bool], after: float, partition: int = 0
    ) -> float | None:
        """When, after a time, the partition was first seen to be so; None: not known.

        It never was, or for over `GAP_S` just before that nobody answered, and it may have been so
        for all of this time.
        """
        silent: float | None = None  # since when nobody has answered
        for sight in list(self.sights[partition]):
            if sight.partition is None:
                silent = sight.time if silent is None else silent
            elif sight.time >= after and true(sight.partition):
                gap = 0.0 if silent is None else sight.time - max(silent, after)
                return sight.time if gap <= GAP_S else None
            else:
                silent = None
        return None

    def log_ends(self, partition: int = 0) -> dict[int, int]:
        """Each broker's log end offset as last seen."""
        return {reach.broker: reach.log_end for reach in self.reaches[partition]}

    def high_watermark(self, partition: int = 0) -> int | None:
        """The high watermark as last seen of a leader."""
        seen = [r for r in self.reaches[partition] if r.high_watermark is not None]
        return seen[-1].high_watermark if seen else None
