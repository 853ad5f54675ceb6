"""The topic of a run: create it, watch it from then on, ask for its state."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import for_code
from kafka.protocol.admin import ElectionType

from labs.base.clock import now
from labs.base.words import Words
from labs.experiment.clients import Clients
from labs.experiment.story import story
from labs.experiment.views import Lines, Point, Story
from labs.kafka.heard import has_heard
from labs.kafka.wire import NO_ANSWER
from labs.observe.offsets import log_ends
from labs.observe.sampler import watch
from labs.observe.snapshot import Partition
from labs.observe.timeline import Timeline
from labs.workload import set_here
from labs.workload.set_here import Departure
from labs.workload.topic import fresh_name, make_topic

words = Words(__file__)

#: A broker reports a new setting a moment before it applies it, s.
APPLIED_S = 0.1


@dataclass
class Topic(Clients):
    """What a run does with its one topic. `timeline`: what was seen of it, if it is watched."""

    partitions: int = 1
    timeline: Timeline | None = None
    _topic_given: list[tuple[str, str]] = field(default_factory=list)
    _sent: list[Point] = field(default_factory=list)

    def make_topic(
        self,
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
        replicas: int = 3,
        watch: bool = True,
    ) -> str:
        """Create the run's topic and watch it; delete the topics of earlier runs."""
        start = f"{self.name.replace('.', '-').replace('_', '-')}-"
        self.topic, self.partitions = fresh_name(self.cluster, start), partitions
        settings = {"retention.ms": "-1", **self.cluster.limits, **(config or {})}
        copied = make_topic(self.cluster, self.topic, partitions, replicas, settings, self.sleep)
        self._topic_given += settings.items()
        if watch:
            self.timeline = Timeline(self.cluster, self.topic, partitions)
            self.timeline.start()
            self.closing(self.timeline.stop)
            self.wait(lambda: self.timeline and self.timeline.latest(), words("awaited.topic"))
            self.live.view = self.story
        self.sleep(max(0.0, copied - now()))
        self.began = now()
        if not watch:
            self.live.view = self.so_far
        return self.topic

    def set_topic(self, settings: Mapping[str, str]) -> None:
        """Change settings of the run's topic, and wait until partition 0's leader has them.

        Raises:
            LabsError: the leader did not have them in time.
        """
        self._topic_given += settings.items()
        self.cluster.set_topic_config(self.topic, settings)
        with self.cluster.line(self.leader(), timeout_s=5) as leader:
            heard = words("awaited.settings")
            self.wait(lambda: has_heard(leader, self.topic, settings), heard)
        self.sleep(APPLIED_S)

    def partition(self, index: int = 0) -> Partition:
        """The partition as it is now."""
        with watch(self.cluster, self.topic) as watching:
            return self.wait(
                lambda: watching.look().partition(self.topic, index),
                words("awaited.partition", topic=self.topic, partition=index),
            )

    def leader(self, index: int = 0) -> int:
        """The broker that leads now."""

        def led() -> tuple[int] | None:
            leader = self.partition(index).leader
            return None if leader is None else (leader,)  # somebody's brokers begin with 0

        return self.wait(led, words("awaited.leader"))[0]

    def followers(self, index: int = 0) -> list[int]:
        """The other replicas, in the order of their ids."""
        seen = self.partition(index)
        return sorted(set(seen.replicas) - {seen.leader})

    def elect(self, kind: ElectionType) -> str:
        """Ask for an election in partition 0 (KIP-460); the error's name, or ""."""
        asked = {self.topic: [0]}
        answer: Any = self.ask(lambda c: c.elect_leaders(kind, asked, raise_errors=False))
        codes = [p.error_code for r in answer.replica_election_results for p in r.partition_result]
        return for_code(codes[0]).__name__ if any(codes) else ""

    def log_ends(self) -> dict[int, int]:
        """The leaders' log end offsets, asked of the leaders themselves.

        Raises:
            LabsError: one did not answer in time.
        """
        found: dict[int, int] = {}
        for index in range(self.partitions):
            awaited = words("awaited.log_end", topic=self.topic, partition=index)
            found |= self.wait(partial(self._log_end, index), awaited)
        return found

    def _log_end(self, index: int) -> dict[int, int] | None:
        """The leader's answer; None where there is none: it is busy, or no longer leads."""
        with contextlib.suppress(*NO_ANSWER), self.cluster.line(self.leader(index)) as broker:
            told = log_ends(broker, [(self.topic, index)])
            return {place[1]: offset for place, offset in told.items()}
        return None

    def topic_departures(self) -> tuple[Departure, ...]:
        """Every setting of the topic that was ever not at its default, as the brokers report it."""
        topic = ConfigResource(ConfigResourceType.TOPIC, self.topic)
        told = self.ask(lambda client: client.describe_configs([topic], include_synonyms=True))
        return set_here.topic(told["topic"][self.topic], self._topic_given)

    def story(self, title: str = "") -> Story:
        """The life of partition 0 so far."""
        assert self.timeline is not None, "make_topic(watch=True) first"
        return story(self.timeline, title, self.began, self.faults, self.history.sends)

    def so_far(self) -> Lines:
        """How many records have been sent: drawn where the experiment draws nothing else.

        It only counts, so that it does not slow down a client that sends as fast as it can.
        """
        self._sent.append((self.elapsed(), self.history.next_number))
        sent = {"sent": tuple(self._sent)}
        return Lines("", sent, "elapsed_s", "records_sent")
