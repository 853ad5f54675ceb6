"""Chapter 3: what an acknowledgement promises, and what it costs."""

from __future__ import annotations

from labs.chapters.acks.below import MIN_ISR_TABLE, TWO_BROKERS_DOWN
from labs.chapters.acks.crash import LEADER_CRASH
from labs.chapters.acks.errors import FAILED_BUT_WRITTEN, JAVA_ERROR
from labs.chapters.acks.speed import LATENCY
from labs.chapters.acks.stall import PAUSED_FOLLOWER

NUMBER = 3
EXPERIMENTS = (
    LATENCY,
    LEADER_CRASH,
    PAUSED_FOLLOWER,
    MIN_ISR_TABLE,
    TWO_BROKERS_DOWN,
    FAILED_BUT_WRITTEN,
    JAVA_ERROR,
)
