"""One sampler a cluster: leader, ISR, epoch, log ends and high watermark, for all who subscribe.

>>> watching = watch(cluster, "flights", every_s=0.5, hear=draw)   # draw(snapshot), twice a second
>>> watching.look().partition("flights").leader                     # asked just now
1
>>> watching.close()

Leader, ISR, epoch and who is fenced are asked of any one broker that runs. How far a copy reaches
is asked of each broker by a thread of its own: a paused one delays nobody but itself.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple
from weakref import WeakValueDictionary

from labs.base.clock import now
from labs.kafka.cluster import Cluster
from labs.kafka.wire import BrokerConnection
from labs.observe.feed import FORESEEN, Feed, Subscription, ignore
from labs.observe.observer import ANSWER_TIMEOUT_S, Observer
from labs.observe.offsets import Reach, TopicPartition, high_watermarks, log_ends
from labs.observe.snapshot import ClusterSnapshot

Reaches = dict[TopicPartition, Reach]
Watching = Subscription["Scope", ClusterSnapshot]


class Scope(NamedTuple):
    """Which topics a subscriber wants to see; the arguments of `ClusterSnapshot.of`."""

    topic: str | None
    internal: bool = False


def watch(
    cluster: Cluster,
    topic: str | None = None,
    *,
    internal: bool = False,
    every_s: float = math.inf,
    hear: Callable[[ClusterSnapshot], object] = ignore,
    fail: Callable[[Exception], object] = ignore,
) -> Watching:
    """Subscribe to snapshots of a cluster; `topic` and `internal` as `ClusterSnapshot.of` has them.

    The rest as `Feed.subscribe` has it: without `every_s`, a look is taken when `look` asks.
    """
    metadata = of(cluster).metadata
    return metadata.subscribe(Scope(topic, internal), every_s, hear, fail)


def watch_log_ends(
    cluster: Cluster,
    broker: int,
    partitions: Iterable[TopicPartition],
    every_s: float,
    hear: Callable[[Reaches], object],
) -> Subscription[frozenset[TopicPartition], Reaches]:
    """Subscribe to how far one broker's copies reach.

    The high watermark is asked of the broker that leads by what the metadata last had: subscribe to
    the topic by `watch`, too.
    """
    return of(cluster).log_ends_of(broker).subscribe(frozenset(partitions), every_s, hear)


class Sampler:
    """What is asked of one cluster, and who subscribes to it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._observer = Observer(cluster)
        self._leaders: dict[TopicPartition, int | None] = {}
        self.metadata = Feed("labs-sampler", self._snapshot, self._observer.close)
        self._log_ends: dict[int, Feed[frozenset[TopicPartition], Reaches]] = {}
        self._lock = threading.Lock()

    def log_ends_of(self, broker: int) -> Feed[frozenset[TopicPartition], Reaches]:
        """How far that broker's copies reach."""
        with self._lock:
            if broker not in self._log_ends:
                asked = _Copies(self.cluster, broker, self._leaders)
                name = f"labs-sampler-{broker}"
                self._log_ends[broker] = Feed(name, asked.reaches, asked.hang_up)
            return self._log_ends[broker]

    def _snapshot(self, scopes: Sequence[Scope]) -> Callable[[Scope], ClusterSnapshot]:
        topics = {scope.topic for scope in scopes}
        asked = None if None in topics else {topic for topic in topics if topic}
        seen = self._observer.snapshot(asked)
        self._leaders.update(((p.topic, p.index), p.leader) for p in seen.partitions)
        return lambda scope: seen.of(*scope)


class _Copies:
    """One broker's copies, asked of that broker."""

    def __init__(
        self, cluster: Cluster, broker: int, leaders: dict[TopicPartition, int | None]
    ) -> None:
        self._connect = partial(cluster.line, broker, ANSWER_TIMEOUT_S)
        self._broker, self._leaders = broker, leaders
        self._line: BrokerConnection | None = None

    def reaches(
        self, wanted: Sequence[frozenset[TopicPartition]]
    ) -> Callable[[frozenset[TopicPartition]], Reaches]:
        """How far the copies of all wanted partitions reach.

        Raises:
            OSError, KafkaError, ValueError, struct.error: the broker does not answer.
        """
        asked = sorted(frozenset().union(*wanted))
        try:
            self._line = self._line or self._connect()
            ends = log_ends(self._line, asked)
            led = [place for place in asked if self._leaders.get(place) == self._broker]
            water = high_watermarks(self._line, led) if led else {}
        except FORESEEN:
            self.hang_up()
            raise
        time = now()
        return lambda places: {
            place: Reach(time, self._broker, ends[place], water.get(place))
            for place in places
            if place in ends
        }

    def hang_up(self) -> None:
        """Close the connection; the next question opens another."""
        if self._line is not None:
            self._line.close()
        self._line = None


#: Each lives as long as anybody has a subscription of it.
_SAMPLERS: WeakValueDictionary[Cluster, Sampler] = WeakValueDictionary()
_LOCK = threading.Lock()


def of(cluster: Cluster) -> Sampler:
    """The sampler of a cluster: the same one for all who ask in this process."""
    with _LOCK:
        sampler = _SAMPLERS.get(cluster)
        if sampler is None:
            sampler = _SAMPLERS[cluster] = Sampler(cluster)
        return sampler
