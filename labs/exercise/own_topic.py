"""Why a topic that a learner has made takes no record, though all brokers run."""

from __future__ import annotations

from typing import NoReturn

from labs.exercise.verdict import CantTell, NotYet

#: What a broker answers where a topic's settings forbid the record (kafka-python's names). A
#: `min.insync.replicas` above the number of replicas does not: the lower of both counts (KIP-966).
_FORBIDDEN = ("MessageSizeTooLarge", "RecordListTooLarge", "InvalidRecord", "InvalidTimestamp")


def explain_refusal(topic: str, error: str) -> NoReturn:
    """Say why it refuses records: `error` is what came of the last one.

    Raises:
        NotYet: its settings are the reason.
        CantTell: they are not.
    """
    if error.startswith(_FORBIDDEN):
        raise NotYet("forbids_records", topic=topic, error=error)
    raise CantTell("never_takes", topic=topic, error=error)
