"""Kafka's messages that kafka-python 3.0 does not have, as Kafka defines them (KIP-848).

Each is a class of its name with its definition beside it, for kafka-python's encoder.
"""

from __future__ import annotations

from kafka.protocol.api_message import ApiMessage


class ConsumerGroupDescribeRequest(ApiMessage, load_json=__name__):  # type: ignore[misc, call-arg]
    """Ask for groups of KIP-848's protocol."""


class ConsumerGroupDescribeResponse(ApiMessage, load_json=__name__):  # type: ignore[misc, call-arg]
    """The groups, each with an error of its own."""


class ConsumerGroupHeartbeatRequest(ApiMessage, load_json=__name__):  # type: ignore[misc, call-arg]
    """A member of such a group joins it, stays in it, or leaves it."""


class ConsumerGroupHeartbeatResponse(ApiMessage, load_json=__name__):  # type: ignore[misc, call-arg]
    """What the member is to do."""
