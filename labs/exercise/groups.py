"""What Kafka knows of the learner's consumer group: who is in it, and what it has committed."""

from __future__ import annotations

import contextlib

from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove
from kafka.errors import KafkaError

from labs.kafka.admin import ask
from labs.kafka.cluster import Cluster
from labs.workload.topic import serving


def committed(cluster: Cluster, group: str, topic: str) -> dict[int, int]:
    """The group's committed offset of each partition of a topic; without those that have none."""
    found = ask(serving(cluster), lambda client: client.list_group_offsets({group: None}))[group]
    told = {place.partition: at.offset for place, at in found.items() if place.topic == topic}
    return {partition: offset for partition, offset in told.items() if offset >= 0}


def members(cluster: Cluster, group: str) -> list[str]:
    """The ids of the group's members; none, where there is no such group."""

    def asked(client: KafkaAdminClient) -> list[str]:
        with contextlib.suppress(KafkaError):  # GroupIdNotFound
            told = client.describe_groups([group])[group]
            return [member["member_id"] for member in told.get("members") or ()]
        return []

    return ask(serving(cluster), asked)


def remove_dead(cluster: Cluster, group: str) -> list[str]:
    """Take a killed program's members out of its group, as an operator can (LeaveGroup, KIP-345).

    Else its next life waits until the session of the last one is over, 45 s by default. Where
    Kafka does not do it (KIP-848's protocol has another request), the wait stays. Returns who was
    in it.
    """
    dead = members(cluster, group)
    if dead:
        gone = [MemberToRemove(member_id=member) for member in dead]
        with contextlib.suppress(KafkaError):
            ask(serving(cluster), lambda client: client.remove_group_members(group, gone))
    return dead
