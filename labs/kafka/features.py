"""What only some Kafkas can do, asked of the Kafka itself before an experiment relies on it.

A version number would not tell: a cluster may run new software and have left a feature as it was
before an upgrade (KIP-584), and whoever runs it may have turned the feature off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labs.base.words import Words
from labs.kafka.cluster import Cluster

if TYPE_CHECKING:
    from labs.kafka.wire import BrokerConnection

words = Words(__file__)

#: Keys of Kafka's protocol, and the version of the first that librdkafka 2.16 speaks (Kafka 4.0).
CONSUMER_GROUP_HEARTBEAT, CONSUMER_GROUP_DESCRIBE = 68, 69
HEARTBEAT_VERSION = 1

#: Kafka's error code UNSUPPORTED_VERSION.
UNSUPPORTED_VERSION = 35

#: How long a broker may take to answer, s.
ANSWER_S = 5.0


@dataclass(frozen=True)
class Feature:
    """Something that a Kafka may lack, by its id. `lacking`: why this broker can't do it, or "".

    It gets a connection to the broker, and a name that no group of the learner's has.
    """

    id: str
    lacking: Callable[[BrokerConnection, str], str]

    def missing(self, cluster: Cluster) -> str:
        """Why the cluster can't do it; empty if it can, or if no broker answers that."""
        from labs.kafka.wire import NO_ANSWER

        for node in cluster.status().serving:
            try:
                with cluster.line(node.id, ANSWER_S) as line:
                    why = self.lacking(line, cluster.named("may-i"))
            except NO_ANSWER:
                continue  # whoever runs the experiment will tell of it
            return words(f"feature.missing.{self.id}", why=why) if why else ""
        return ""


def _no_new_groups(line: BrokerConnection, group: str) -> str:
    """KIP-848's protocol was tried out in 3.7 to 3.9 and is final from 4.0 on.

    The feature `group.version` must be 1, and the brokers' setting
    `group.coordinator.rebalance.protocols` must name `consumer`. Otherwise a broker still lists
    these requests and refuses each one (KafkaApis.isConsumerGroupProtocolEnabled), so one is sent:
    to describe a group, which needs the fewest rights.
    """
    from labs.kafka import messages

    known = {key.api_key: key.max_version for key in line.versions.api_keys}
    if known.get(CONSUMER_GROUP_HEARTBEAT, -1) < HEARTBEAT_VERSION:
        return words("feature.lacking.since")
    request: Any = messages.ConsumerGroupDescribeRequest
    answer = line.ask(request[0](group_ids=[group], include_authorized_operations=False))
    if not any(told.error_code == UNSUPPORTED_VERSION for told in answer.groups):
        return ""
    levels = {f.name: f.max_version_level for f in line.versions.finalized_features or ()}
    if levels.get("group.version", 0) < 1:
        return words("feature.lacking.group_version")
    return words("feature.lacking.left_out")


def _no_share_groups(line: BrokerConnection, _group: str) -> str:
    """KIP-932's groups are for use since Kafka 4.2; the feature `share.version` turns them on."""
    levels = {f.name: f.max_version_level for f in line.versions.finalized_features or ()}
    if levels.get("share.version", 0) >= 1:
        return ""
    return words("feature.lacking.share_version")


SHARE_GROUPS = Feature("share_groups", _no_share_groups)
NEW_GROUPS = Feature("new_groups", _no_new_groups)
