"""One clock for all: who led, who was in the ISR, how far each copy reached, and what was done.

A thread a broker asks that broker alone, every `EVERY_S`: a paused one holds up nobody but its own
line. One more asks the cluster for leader, ISR and epoch. Nothing is interpolated; what nobody
could tell is a gap.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.kafka.cluster import Cluster, Node, Role
from labs.kafka.wire import BrokerConnection
from labs.observe.offsets import high_watermarks, log_ends
from labs.observe.snapshot import Observer, Partition

#: From one look to the next, s, where the machine keeps up.
EVERY_S = 0.04
ANSWER_TIMEOUT_S = 0.5

#: Where nobody answered for longer, s, nothing is said of when something happened meanwhile.
GAP_S = 1.0

_NO_ANSWER = (OSError, ValueError, LabsError)


@dataclass(frozen=True, slots=True)
class Sight:
    """What the cluster said of a partition from `time` on; `partition` None: nobody answered."""

    time: float
    partition: Partition | None


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one broker's copy reached at `time`; `high_watermark` None: it did not lead."""

    time: float
    broker: int
    log_end: int
    high_watermark: int | None


class Timeline:
    """Samples one topic from `start` to `stop`; everything it saw can be asked meanwhile.

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
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to look."""
        brokers = [n for n in self.cluster.status().nodes if n.role is Role.BROKER]
        jobs: list[Callable[[], None]] = [self._watch_cluster]
        jobs += [lambda node=node: self._watch_broker(node) for node in brokers]  # type: ignore[misc]
        for job in jobs:
            thread = threading.Thread(target=job, name="labs-timeline", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Look no more; what was seen stays."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=2 * ANSWER_TIMEOUT_S + 1)
        self._threads.clear()

    # -- looking -----------------------------------------------------------------------------

    def _ticks(self) -> Iterator[None]:
        """One tick every `EVERY_S` until stopped; a late one is not made up for."""
        due = now()
        while not self._stop.wait(max(0.0, due - now())):
            yield
            due = max(due + EVERY_S, now())

    def _led_by(self, partition: int) -> int | None:
        seen = self.latest(partition)
        return seen.leader if seen else None

    def _watch_cluster(self) -> None:
        observer = Observer(self.cluster, self.topic, timeout_s=ANSWER_TIMEOUT_S)
        try:
            for _ in self._ticks():
                try:
                    seen = observer.snapshot()
                except _NO_ANSWER:
                    continue
                for index in self.partitions:
                    self._sighted(index, seen.time, seen.partition(self.topic, index))
        finally:
            observer.close()

    def _sighted(self, index: int, time: float, partition: Partition | None) -> None:
        sights = self.sights[index]
        if not sights or sights[-1].partition != partition:
            sights.append(Sight(time, partition))

    def _watch_broker(self, node: Node) -> None:
        line: BrokerConnection | None = None
        for _ in self._ticks():
            try:
                if line is None:
                    line = self.cluster.line(node.id, ANSWER_TIMEOUT_S)
                reached = log_ends(line, self.topic, self.partitions)
                led = [p for p in self.partitions if self._led_by(p) == node.id]
                water = high_watermarks(line, self.topic, led) if led else {}
            except _NO_ANSWER:
                if line is not None:
                    line.close()
                line = None
                continue
            time = now()
            for index, log_end in reached.items():
                self.reaches[index].append(Reach(time, node.id, log_end, water.get(index)))
        if line is not None:
            line.close()

    # -- asking ------------------------------------------------------------------------------

    def leader_at(self, partition: int, time: float) -> int | None:
        """Who led then, by what had been seen."""
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
        """When, after a time, the partition was first seen to be so; None: that can't be told.

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
