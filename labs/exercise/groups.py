"""What Kafka knows of the learner's consumer group: who is in it, and what it has committed."""

from __future__ import annotations

import contextlib
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove
from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError

from labs.base.errors import LabsError
from labs.exercise.coordinator import MemberState, described, leave
from labs.kafka.admin import ask
from labs.kafka.cluster import Cluster
from labs.kafka.reset import is_connect
from labs.workload.topic import serving


def committed(cluster: Cluster, group: str, topic: str) -> dict[int, int]:
    """The group's committed offset of each partition of a topic; without those that have none."""
    found = ask(serving(cluster), lambda client: client.list_group_offsets({group: None}))[group]
    told = {place.partition: at.offset for place, at in found.items() if place.topic == topic}
    return {partition: offset for partition, offset in told.items() if offset >= 0}


def members(cluster: Cluster, group: str) -> tuple[MemberState, ...]:
    """The group's members, whichever protocol it speaks; none, where there is no such group."""
    found = described(cluster, group)
    if found.new:
        return found.members
    told = _described(cluster, group)
    return tuple(MemberState(m["member_id"], m.get("group_instance_id") or "") for m in told)


def static_members(cluster: Cluster, group: str) -> list[str]:
    """The names (`group.instance.id`) of the group's static members."""
    return [member.instance for member in members(cluster, group) if member.instance]


def _described(cluster: Cluster, group: str) -> list[dict[str, Any]]:
    """The members of a group of the classic protocol."""

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
    counts = {group: _reading(cluster, group, topic) for group in names}
    return {group: count for group, count in counts.items() if count}


def _reading(cluster: Cluster, group: str, topic: str) -> int:
    found = described(cluster, group)
    if found.new:
        return sum(topic in member.topics for member in found.members)
    return sum(_reads(each, topic) for each in _described(cluster, group))


def _reads(member: dict[str, Any], topic: str) -> bool:
    subscription = member.get("member_metadata")
    return isinstance(subscription, dict) and topic in subscription.get("topics", ())


def remove_dead(cluster: Cluster, group: str) -> tuple[MemberState, ...]:
    """Take a killed program's members out of its group, whichever protocol it speaks.

    Else its next life waits until the session of the last one is over, 45 s by default. From a
    classic group an operator, too, can take members (LeaveGroup, KIP-345). Returns who was in it.
    """
    dead = members(cluster, group)
    if dead and not leave(cluster, group, dead):
        gone = [MemberToRemove(member_id=member.id) for member in dead]
        with contextlib.suppress(LabsError):
            ask(serving(cluster), lambda client: client.remove_group_members(group, gone))
    return dead
