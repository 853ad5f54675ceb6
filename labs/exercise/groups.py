"""What Kafka knows of the learner's consumer group: who is in it, and what it has committed."""

from __future__ import annotations

import contextlib
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove
from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError

from labs.base.errors import LabsError
from labs.kafka.admin import ask
from labs.kafka.cluster import Cluster
from labs.kafka.reset import is_connect
from labs.workload.topic import serving


def committed(cluster: Cluster, group: str, topic: str) -> dict[int, int]:
    """The group's committed offset of each partition of a topic; without those that have none."""
    found = ask(serving(cluster), lambda client: client.list_group_offsets({group: None}))[group]
    told = {place.partition: at.offset for place, at in found.items() if place.topic == topic}
    return {partition: offset for partition, offset in told.items() if offset >= 0}


def members(cluster: Cluster, group: str) -> list[str]:
    """The ids of the group's members; none, where there is no such group."""
    return [member["member_id"] for member in _described(cluster, group)]


def static_members(cluster: Cluster, group: str) -> list[str]:
    """The names (`group.instance.id`) of the group's static members."""
    found = (member.get("group_instance_id") for member in _described(cluster, group))
    return [name for name in found if name]


def _described(cluster: Cluster, group: str) -> list[dict[str, Any]]:
    def asked(client: KafkaAdminClient) -> list[dict[str, Any]]:
        told = client.describe_groups([group])[group]
        error = told.get("error") or ""
        if error and GroupIdNotFoundError.__name__ not in error:
            raise CoordinatorNotAvailableError(error)  # as after a broker's death: `ask` again
        return told.get("members") or []

    return ask(serving(cluster), asked)


def readers(cluster: Cluster, topic: str) -> dict[str, int]:
    """The groups with members that have subscribed to a topic, and how many each has.

    While a group rebalances, Kafka does not tell to what its members have subscribed.
    """
    named = ask(serving(cluster), lambda client: client.list_groups())
    names = [group["group_id"] for group in named if not is_connect(group)]
    found = {group: _described(cluster, group) for group in names}
    counts = {group: sum(_reads(each, topic) for each in found[group]) for group in found}
    return {group: count for group, count in counts.items() if count}


def _reads(member: dict[str, Any], topic: str) -> bool:
    subscription = member.get("member_metadata")
    return isinstance(subscription, dict) and topic in subscription.get("topics", ())


def remove_dead(cluster: Cluster, group: str) -> list[str]:
    """Take a killed program's members out of its group, as an operator can (LeaveGroup, KIP-345).

    Else its next life waits until the session of the last one is over, 45 s by default. Where
    Kafka does not do it (KIP-848's protocol has another request), the wait stays. Returns who was
    in it.
    """
    dead = members(cluster, group)
    if dead:
        gone = [MemberToRemove(member_id=member) for member in dead]
        with contextlib.suppress(LabsError):
            ask(serving(cluster), lambda client: client.remove_group_members(group, gone))
    return dead
