"""Whether one broker has a topic's new settings, asked of that very broker.

A change is acknowledged by the controller; brokers learn of it a moment later, each in its own time
(KIP-631). An ordinary client asks whichever broker it likes.
"""

from __future__ import annotations

from collections.abc import Mapping

from kafka.protocol.admin import DescribeConfigsRequest

from labs.kafka.wire import BrokerConnection

TOPIC = 2  # Kafka's ConfigResource.Type

_Request = DescribeConfigsRequest[4]


def has_heard(broker: BrokerConnection, topic: str, settings: Mapping[str, str]) -> bool:
    """Whether this broker reports these settings of the topic.

    Raises:
        OSError: the broker is gone or does not answer.
    """
    wanted = _Request.DescribeConfigsResource(
        resource_type=TOPIC, resource_name=topic, configuration_keys=list(settings)
    )
    question = _Request(resources=[wanted], include_synonyms=False, include_documentation=False)
    told = {c.name: c.value for c in broker.ask(question).results[0].configs}
    return told == dict(settings)
