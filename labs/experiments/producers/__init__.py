"""Chapter 2: what a producer does with a record before, while and after it is sent."""

from __future__ import annotations

from labs.experiments.producers.clients import CLIENTS
from labs.experiments.producers.in_flight import IN_FLIGHT
from labs.experiments.producers.keys import GROWING, KEYS, ORDER, PARTITIONERS
from labs.experiments.producers.pace import BATCHING, SENDING
from labs.experiments.producers.pressure import FULL_BUFFER
from labs.experiments.producers.retrying import RESTART, RETRIES

CHAPTER = 2
EXPERIMENTS = (
    SENDING,
    BATCHING,
    CLIENTS,
    KEYS,
    ORDER,
    GROWING,
    PARTITIONERS,
    RETRIES,
    IN_FLIGHT,
    RESTART,
    FULL_BUFFER,
)
