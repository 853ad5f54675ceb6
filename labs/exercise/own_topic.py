"""Why a topic that a learner has made takes no record, though all brokers run."""

from __future__ import annotations

from typing import NoReturn

from kafka.admin import ConfigResource, ConfigResourceType

from labs.exercise.judging import Judging
from labs.exercise.verdict import CantTell, NotYet
from labs.kafka.admin import ask
from labs.workload.topic import serving

_MINIMUM = "min.insync.replicas"
#: What a broker answers where a topic's settings forbid the record (kafka-python's names).
_FORBIDDEN = ("MessageSizeTooLarge", "RecordListTooLarge", "InvalidRecord", "InvalidTimestamp")


def explain_refusal(judging: Judging, topic: str, replicas: int, error: str) -> NoReturn:
    """Say why it refuses records: `error` is the last one's, `replicas` how many it has at least.

    Raises:
        NotYet: its settings are the reason.
        CantTell: they are not.
    """
    if (minimum := _minimum(judging, topic)) > replicas:
        raise NotYet("minimum_too_high", topic=topic, minimum=minimum, replicas=replicas)
    if error.startswith(_FORBIDDEN):
        raise NotYet("forbids_records", topic=topic, error=error)
    raise CantTell("never_takes", topic=topic, error=error)


def _minimum(judging: Judging, topic: str) -> int:
    asked = ConfigResource(ConfigResourceType.TOPIC, topic)
    told = ask(
        serving(judging.cluster),
        lambda client: client.describe_configs([asked], config_filter="all"),
    )
    return int(told["topic"][topic][_MINIMUM]["value"])
