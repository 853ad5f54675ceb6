"""What a group's coordinator tells of it, whichever protocol it speaks: its members, its epoch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.consumer import HeartbeatRequest
from kafka.protocol.consumer.metadata import (
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
    ConsumerProtocolType,
)
from kafka.protocol.metadata import CoordinatorType, FindCoordinatorRequest

from labs.kafka.cluster import Cluster
from labs.kafka.features import CONSUMER_GROUP_DESCRIBE
from labs.kafka.messages import ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest
from labs.kafka.wire import NO_ANSWER, BrokerConnection

T = TypeVar("T")

#: How long a broker may take to answer, s.
ANSWER_S = 5.0

#: A group of a few members has had fewer rebalances than this.
MOST_GENERATIONS = 100

#: The epoch of a static member that has closed (LEAVE_GROUP_STATIC_MEMBER_EPOCH).
AWAY = -2
#: The epoch with which a member leaves for good (LEAVE_GROUP_MEMBER_EPOCH).
LEAVING = -1

#: Kafka's error codes ILLEGAL_GENERATION and REBALANCE_IN_PROGRESS.
ILLEGAL_GENERATION, REBALANCING = 22, 27


@dataclass(frozen=True)
class MemberState:
    """A member as the group coordinator knows it.

    `instance`: its `group.instance.id`; empty: it is no static member. `partitions`: those it has.
    `away`: a static member of a KIP-848 group that has closed; it may come back. `topics`: those to
    which it has subscribed; a classic group does not tell them while it rebalances.
    """

    id: str
    instance: str = ""
    partitions: frozenset[int] = frozenset()
    away: bool = False
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True)
class GroupState:
    """A consumer group as its coordinator knows it.

    `new`: it speaks KIP-848's protocol. `stable`: no rebalance is under way.
    """

    new: bool = False
    stable: bool = False
    members: tuple[MemberState, ...] = ()


def described(cluster: Cluster, group: str) -> GroupState:
    """The group as it is now, whichever protocol it speaks; one without members, if there is none.

    It has none, too, while no broker coordinates it, as some seconds long after a broker's death.
    """
    return asked(cluster, group) or GroupState()


def asked(cluster: Cluster, group: str) -> GroupState | None:
    """The group as it is now; None: no broker could tell.

    Each broker is asked, for only the group's coordinator knows it.
    """
    return _first(cluster, lambda line: _new(line, group) or _classic(line, group))


def leave(cluster: Cluster, group: str, members: Iterable[MemberState]) -> bool:
    """Take members out of a KIP-848 group, as each of them does when it closes.

    No other request does that: the coordinator does not ask who sends a member's heartbeat. Returns
    whether it is a group of that protocol.
    """

    def told(line: BrokerConnection) -> bool | None:
        if _told(line, group) is None:
            return None
        request: Any = ConsumerGroupHeartbeatRequest
        for each in members:
            line.ask(request[0](group_id=group, member_id=each.id, member_epoch=LEAVING))
        return True

    return _first(cluster, told) or False


def epoch(cluster: Cluster, group: str) -> int | None:
    """What goes up with each rebalance: a group's epoch, or a classic group's generation.

    No request tells a generation, but a heartbeat of another one is refused. The right one counts
    as its member's own: so ask only when all members live. None: nobody could tell.
    """

    def told(line: BrokerConnection) -> int | None:
        if new := _told(line, group):
            return int(new.group_epoch)
        classic = _classic(line, group)
        return _generation(line, group, classic.members[0]) if classic and classic.members else None

    return _first(cluster, told)


def coordinators(cluster: Cluster, group: str, transactional_ids: Iterable[str]) -> set[int]:
    """The brokers that coordinate this group and these transactional ids (node ids)."""
    request: Any = FindCoordinatorRequest
    keys = [(group, CoordinatorType.GROUP)]
    keys += [(each, CoordinatorType.TRANSACTION) for each in transactional_ids]

    def told(line: BrokerConnection) -> set[int]:
        return {line.ask(request[3](key=key, key_type=kind)).node_id for key, kind in keys}

    return _first(cluster, told) or set()


def _first(cluster: Cluster, asked: Callable[[BrokerConnection], T | None]) -> T | None:
    """Ask one broker after another until one can tell; None: nobody could."""
    for node in cluster.status().serving:
        with contextlib.suppress(*NO_ANSWER), cluster.line(node.id, ANSWER_S) as line:
            if (found := asked(line)) is not None:
                return found
    return None


def _told(line: BrokerConnection, group: str) -> Any:
    """What this broker tells of a group of KIP-848's protocol; None: it has none of that name."""
    if CONSUMER_GROUP_DESCRIBE not in {key.api_key for key in line.versions.api_keys}:
        return None
    request: Any = ConsumerGroupDescribeRequest
    answer = line.ask(request[0](group_ids=[group], include_authorized_operations=False))
    told = answer.groups[0]
    return None if told.error_code else told


def _new(line: BrokerConnection, group: str) -> GroupState | None:
    told = _told(line, group)
    if told is None:
        return None
    members = (
        MemberState(
            m.member_id,
            m.instance_id or "",
            _of(m.assignment.topic_partitions),
            m.member_epoch == AWAY,
            frozenset(m.subscribed_topic_names),
        )
        for m in told.members
    )
    return GroupState(True, told.group_state == "Stable", tuple(members))


def _classic(line: BrokerConnection, group: str) -> GroupState | None:
    request: Any = DescribeGroupsRequest
    answer = line.ask(request[5](groups=[group], include_authorized_operations=False))
    told = answer.groups[0]
    if told.error_code:
        return None
    if told.protocol_type != ConsumerProtocolType:
        return GroupState()  # as Connect's workers: their members say other things
    members = (
        MemberState(
            m.member_id,
            m.group_instance_id or "",
            _assigned(m.member_assignment),
            topics=_subscribed(m.member_metadata),
        )
        for m in told.members
    )
    return GroupState(False, told.group_state == "Stable", tuple(members))


def _assigned(told: bytes) -> frozenset[int]:
    found = ConsumerProtocolAssignment.decode(told).assigned_partitions if told else ()
    return _of(found)


def _subscribed(told: bytes) -> frozenset[str]:
    return frozenset(ConsumerProtocolSubscription.decode(told).topics if told else ())


def _of(topics: Any) -> frozenset[int]:
    return frozenset(partition for topic in topics for partition in topic.partitions)


def _generation(line: BrokerConnection, group: str, member: MemberState) -> int | None:
    request: Any = HeartbeatRequest
    for generation in range(MOST_GENERATIONS):
        asked = request[3](
            group_id=group,
            generation_id=generation,
            member_id=member.id,
            group_instance_id=member.instance or None,
        )
        code = line.ask(asked).error_code
        if code != ILLEGAL_GENERATION:
            return generation if code in (0, REBALANCING) else None
    return None
