"""Those that keep something in Kafka stop before a reset takes it away: else they go on without it.

It is said to each process that imports `labs`, and loads nothing until there is a reset.
"""

from __future__ import annotations

from labs.base.progress import Tell
from labs.base.words import Words
from labs.kafka.letting_go import before_reset

words = Words(__file__)


def stop_before_reset() -> None:
    """Have each reset by this process begin with that."""
    before_reset(_stop_in_kafka)


def _stop_in_kafka(tell: Tell) -> None:
    from labs.services.together import stop_all

    for product in stop_all(tell, only_in_kafka=True):
        tell(words("in_kafka.down", product=product), None)
