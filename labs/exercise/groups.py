"""What Kafka knows of the learner's consumer group: who is in it, and what it has committed."""

from __future__ import annotations

import contextlib

from kafka.admin import MemberToRemove

from labs.base.errors import LabsError
from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.exercise.coordinator import MemberState, asked, leave
from labs.kafka.admin import ask
from labs.kafka.cluster import Cluster
from labs.kafka.reset import is_connect
from labs.workload.topic import serving

words = Words(__file__)


def committed(cluster: Cluster, group: str, topic: str) -> dict[int, int]:
    """The group's committed offset of each partition of a topic; without those that have none."""
    found = ask(serving(cluster), lambda client: client.list_group_offsets({group: None}))[group]
    told = {place.partition: at.offset for place, at in found.items() if place.topic == topic}
    return {partition: offset for partition, offset in told.items() if offset >= 0}


def members(cluster: Cluster, group: str) -> tuple[MemberState, ...]:
    """The group's members, whichever protocol it speaks; none, where there is no such group.

    Raises:
        LabsError: no broker could tell in time.
    """
    told = wait_for(lambda: asked(cluster, group), words("awaited.coordinator", group=group))
    return told.members


def static_members(cluster: Cluster, group: str) -> list[str]:
    """The names (`group.instance.id`) of the group's static members."""
    return [member.instance for member in members(cluster, group) if member.instance]


def readers(cluster: Cluster, topic: str) -> dict[str, int]:
    """The groups with members that have subscribed to a topic, and how many each has.

    While a group rebalances, Kafka does not tell to what its members have subscribed.
    """
    named = ask(serving(cluster), lambda client: client.list_groups())
    names = [group["group_id"] for group in named if not is_connect(group)]
    counts = {g: sum(topic in m.topics for m in members(cluster, g)) for g in names}
    return {group: count for group, count in counts.items() if count}


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
