"""Chapter 2: what a producer does with a record before, while and after it is sent."""

from __future__ import annotations

from labs.chapters.producers.clients import CLIENTS
from labs.chapters.producers.keys import GROWING, KEYS, ORDER, PARTITIONERS
from labs.chapters.producers.pace import BATCHING, SENDING
from labs.chapters.producers.pressure import FULL_BUFFER

NUMBER = 2
EXPERIMENTS = (
    SENDING,
    BATCHING,
    CLIENTS,
    KEYS,
    ORDER,
    GROWING,
    PARTITIONERS,
    FULL_BUFFER,
)
