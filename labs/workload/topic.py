"""A topic for one run: made anew, and copied by every replica before its first record comes."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from kafka import KafkaAdminClient
from kafka.protocol.admin import DescribeLogDirsRequest

from labs.base.clock import now
from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.kafka.admin import ask
from labs.kafka.cluster import Cluster
from labs.kafka.wire import NO_ANSWER
from labs.observe.sampler import watch

words = Words(__file__)

#: A follower may begin to copy a new topic so much later, s: what it asked before, its leader may
#: hold for 0.5 s (`replica.fetch.wait.max.ms`); and where it asks before the leader knows that it
#: leads (UNKNOWN_TOPIC_OR_PARTITION in its log), it asks again after the lab's
#: `replica.fetch.backoff.ms`. No request shows whether an empty topic is copied.
COPYING_S = 0.7

#: How long a broker may take to tell of its disk, s.
ANSWER_S = 1.0


def serving(cluster: Cluster) -> list[str]:
    """`host:port` of the brokers that run, else of all.

    A client that begins with these need not wait for a dead one: kafka-python 3.0 picks its
    first broker at random, may pick a dead one time and again, and waits longer each time.
    """
    alive = [node.address for node in cluster.status().serving]
    return alive or list(cluster.bootstrap)


def fresh_name(cluster: Cluster, prefix: str) -> str:
    """A name that nobody has used: the learner's own, `prefix` and six signs."""
    return f"{cluster.named(prefix)}{uuid.uuid4().hex[:6]}"


def make_topic(
    cluster: Cluster,
    name: str,
    partitions: int = 1,
    replicas: int = 3,
    settings: Mapping[str, str] | None = None,
    sleep: Callable[[float], object] = time.sleep,
    keep: Collection[str] = (),
    assignments: Sequence[Sequence[int]] = (),
) -> float:
    """Create a topic of a `fresh_name`; delete those of earlier runs, which begin alike.

    `keep`: topics of this run. `assignments`: the brokers of each partition, the preferred leader
    first, instead of so many `partitions` and `replicas`. Returns when each replica will have begun
    to copy it, by `labs.base.clock`.

    Raises:
        LabsError: the cluster refused, or not all replicas were there in time.
    """
    placed = {index: list(brokers) for index, brokers in enumerate(assignments)}
    numbers = {"num_partitions": partitions, "replication_factor": replicas}
    wanted = {
        **({"assignments": placed} if placed else numbers),
        "configs": dict(settings or {}),
    }
    sizes = list(map(len, assignments)) or [replicas] * partitions

    def make(client: KafkaAdminClient) -> None:
        old = [topic for topic in client.list_topics() if topic.startswith(name[:-6])]
        old = [topic for topic in old if topic not in keep]
        if name in old:
            return  # an earlier try created it, only its answer was lost
        if old:
            client.delete_topics(old, raise_errors=False)
        client.create_topics({name: wanted})

    ask(serving(cluster), make)
    copied = now() + COPYING_S

    def whole() -> bool:
        told = watching.look().partitions
        seen = [p for p in told if p.leader is not None and not p.out_of_sync]
        return [len(p.replicas) for p in sorted(seen, key=lambda p: p.index)] == sizes

    with watch(cluster, name) as watching:
        wait_for(whole, words("awaited.replicas", topic=name), sleep=sleep)
    return copied


def delete_topics(cluster: Cluster, topics: Collection[str]) -> None:
    """Delete topics, with all that is in them.

    Raises:
        LabsError: the cluster did not answer.
    """
    ask(serving(cluster), lambda client: client.delete_topics(list(topics), raise_errors=False))


def fullest(cluster: Cluster, topics: Collection[str]) -> int:
    """How much these topics take on the disk of the broker that has most of them, bytes.

    Brokers that do not answer are left out.
    """
    request: Any = DescribeLogDirsRequest
    sizes = [0]
    for node in cluster.status().serving:
        with contextlib.suppress(*NO_ANSWER), cluster.line(node.id, ANSWER_S) as line:
            disks = line.ask(request[1](topics=None)).results
            held = [topic for disk in disks for topic in disk.topics if topic.name in topics]
            sizes.append(sum(part.partition_size for topic in held for part in topic.partitions))
    return max(sizes)
