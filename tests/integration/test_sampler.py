"""The sampler on a real cluster: what it sends, and who is none the worse for whom."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from labs.kafka.admin import admin
from labs.kafka.cluster import BROKER_IDS
from labs.kafka.local import LocalCluster
from labs.kafka.wire import BrokerConnection
from labs.notebook.cockpit import Cockpit
from labs.observe.healing import heal
from labs.observe.sampler import Reaches, watch, watch_log_ends
from labs.observe.snapshot import ClusterSnapshot
from labs.observe.timeline import EVERY_S, Timeline
from tests.helpers import wait_until

#: So many snapshots each subscriber gets while the requests are counted.
SNAPSHOTS = 40
METADATA = ("DescribeClusterRequest", "DescribeTopicPartitionsRequest")
LOG_ENDS = "ListOffsetsRequest"
#: Questions under way as the counting begins and ends, or asked again of a busy broker; of 40.
ON_ITS_WAY = 5


@pytest.fixture
def topic(cluster: LocalCluster) -> str:
    name = f"sampled-{uuid4().hex[:6]}"
    with admin(cluster.bootstrap) as client:
        client.create_topics({name: {"num_partitions": 2, "replication_factor": 3}})
    return name


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How many requests of each kind go out to brokers. Each is a real one, and is answered."""
    counted: Counter[str] = Counter()
    ask = BrokerConnection.ask

    def counting(self: BrokerConnection, request: Any) -> Any:
        counted[type(request).__name__] += 1
        return ask(self, request)

    monkeypatch.setattr(BrokerConnection, "ask", counting)
    yield counted
    assert threads() == []


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("labs-sampler")]


def until_seen(timelines: list[Timeline]) -> None:
    for timeline in timelines:
        wait_until(timeline.log_ends, "log ends were seen", 30)
        wait_until(lambda t=timeline: t.high_watermark() is not None, "the watermark was seen", 30)  # type: ignore[misc]


@pytest.mark.parametrize("subscribers", [1, 3])
def test_however_many_subscribe_each_answer_is_asked_for_once(
    cluster: LocalCluster, topic: str, sent: Counter[str], subscribers: int
) -> None:
    timelines = [Timeline(cluster, topic, 2) for _ in range(subscribers)]
    heard: list[list[ClusterSnapshot]] = [[] for _ in timelines]
    for timeline in timelines:
        timeline.start()
    until_seen(timelines)
    watching = [watch(cluster, topic, every_s=EVERY_S, hear=got.append) for got in heard]
    before, readings_before = Counter(sent), [len(t.reaches[0]) for t in timelines]
    wait_until(lambda: min(map(len, heard)) >= SNAPSHOTS, "snapshots", 60)
    requests = Counter(name.partition("_")[0] for name in (sent - before).elements())
    snapshots = min(map(len, heard))
    readings = min(len(t.reaches[0]) - n for t, n in zip(timelines, readings_before, strict=True))
    for subscription in watching:
        subscription.close()
    for timeline in timelines:
        timeline.stop()
    # What one subscriber got was asked for once for all.
    assert set(requests) >= {*METADATA, LOG_ENDS}
    assert all(requests[name] <= snapshots + ON_ITS_WAY for name in METADATA), (requests, snapshots)
    # A broker is asked for its log ends, and where it leads for the high watermarks, too.
    assert requests[LOG_ENDS] <= 2 * (readings + 2 * ON_ITS_WAY), (requests, readings)
    assert readings > len(BROKER_IDS)


def test_timeline_cockpit_and_healing_share_each_answer(
    cluster: LocalCluster, topic: str, sent: Counter[str]
) -> None:
    timeline, cockpit = Timeline(cluster, topic, 2), Cockpit(cluster, topic)
    timeline.start()
    until_seen([timeline])
    heard: list[ClusterSnapshot] = []
    watching = watch(cluster, topic, every_s=EVERY_S, hear=heard.append)
    assert cockpit.refresh().reachable
    before, heard_before = Counter(sent), len(heard)
    for _ in range(SNAPSHOTS):
        heal(cluster)
        assert cockpit.refresh() is not None
    requests = Counter(name.partition("_")[0] for name in (sent - before).elements())
    answers = len(heard) - heard_before
    for subscriber in (watching, cockpit):
        subscriber.close()
    timeline.stop()
    # Each asked for every look of its own; whoever was asked, all of them heard the answer.
    assert all(2 * SNAPSHOTS <= requests[name] <= answers + ON_ITS_WAY for name in METADATA), (
        requests,
        answers,
    )


def test_a_subscriber_that_raises_or_leaves_takes_nothing_from_the_others(
    cluster: LocalCluster, topic: str, sent: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    escaped: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", escaped.append)
    timeline = Timeline(cluster, topic, 2)
    timeline.start()
    bad = watch(cluster, topic, every_s=EVERY_S, hear=lambda _: 1 / 0)
    bad_ends = watch_log_ends(cluster, 1, [(topic, 0)], EVERY_S, lambda _: 1 / 0)
    watch(cluster, every_s=EVERY_S).close()
    wait_until(lambda: len(escaped) == 2, "both were loud", 30)
    assert not bad.open and not bad_ends.open
    before = {broker: len(timeline.reaches[0]) for broker in BROKER_IDS}
    wait_until(lambda: len(timeline.reaches[0]) > before[1] + 30, "the timeline goes on", 30)
    assert {reach.broker for reach in timeline.reaches[0][-9:]} == set(BROKER_IDS)
    timeline.stop()


def test_a_dead_broker_and_a_vanished_topic_stop_nobody(
    cluster: LocalCluster, topic: str, sent: Counter[str]
) -> None:
    timeline = Timeline(cluster, topic, 2)
    timeline.start()
    everything: list[ClusterSnapshot] = []
    all_topics = watch(cluster, every_s=0.1, hear=everything.append)
    until_seen([timeline])
    cluster.kill(1)
    wait_until(lambda: _led_by_others(timeline), "others lead", 60)
    ends: list[Reaches] = []
    dead = watch_log_ends(cluster, 1, [(topic, 0)], EVERY_S, ends.append)
    cluster.start_broker(1)
    wait_until(lambda: ends, "broker 1 is asked again", 60)
    with admin(cluster.bootstrap) as client:
        client.delete_topics([topic])
    wait_until(lambda: timeline.latest() is None, "the topic is seen no more", 60)
    seen = len(everything)
    cluster.reset()
    wait_until(lambda: len(everything) > seen + 3, "the others go on", 60)
    assert everything[-1].reachable and topic not in everything[-1].topics
    for subscription in (dead, all_topics):
        subscription.close()
    timeline.stop()


def _led_by_others(timeline: Timeline) -> bool:
    seen = [timeline.latest(index) for index in timeline.partitions]
    return all(p is not None and p.leader in (2, 3) and 1 not in p.isr for p in seen)


def test_the_clusters_objects_share_one_sampler(
    cluster: LocalCluster, topic: str, sent: Counter[str]
) -> None:
    same = LocalCluster(cluster.home)
    heard: list[list[ClusterSnapshot]] = [[], []]
    watching = [
        watch(one, topic, every_s=EVERY_S, hear=got.append)
        for one, got in zip((cluster, same), heard, strict=True)
    ]
    wait_until(lambda: min(map(len, heard)) > 10, "snapshots", 30)
    assert threads() == ["labs-sampler"]
    for subscription in watching:
        subscription.close()
