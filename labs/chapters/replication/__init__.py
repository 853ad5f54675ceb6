"""Chapter 4: copies of a log, and what happens when those who keep them fall away."""

from __future__ import annotations

from labs.chapters.replication.controller import CONTROLLER
from labs.chapters.replication.copies import COPIES, DEAD_FOLLOWER
from labs.chapters.replication.last import LAST_STANDING
from labs.chapters.replication.leaders import FAILOVER, REJOIN
from labs.chapters.replication.loss import TRUNCATION, UNCLEAN

NUMBER = 4
EXPERIMENTS = (
    COPIES,
    DEAD_FOLLOWER,
    FAILOVER,
    REJOIN,
    TRUNCATION,
    UNCLEAN,
    LAST_STANDING,
    CONTROLLER,
)
