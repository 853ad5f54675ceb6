"""Chapter 3: what an acknowledgement promises, and what it costs."""

from __future__ import annotations

from labs.experiments.acks.below import MIN_ISR_TABLE, TWO_BROKERS_DOWN
from labs.experiments.acks.crash import LEADER_CRASH
from labs.experiments.acks.errors import FAILED_BUT_WRITTEN, JAVA_ERROR
from labs.experiments.acks.speed import LATENCY
from labs.experiments.acks.stall import PAUSED_FOLLOWER

CHAPTER = 3
EXPERIMENTS = (
    LATENCY,
    LEADER_CRASH,
    PAUSED_FOLLOWER,
    MIN_ISR_TABLE,
    TWO_BROKERS_DOWN,
    FAILED_BUT_WRITTEN,
    JAVA_ERROR,
)
