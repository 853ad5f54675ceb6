"""Chapter 4: copies of a log, and what happens when those who keep them fall away."""

from __future__ import annotations

from labs.experiments.replication.controller import CONTROLLER
from labs.experiments.replication.copies import COPIES, DEAD_FOLLOWER
from labs.experiments.replication.last import LAST_STANDING
from labs.experiments.replication.leaders import FAILOVER, REJOIN
from labs.experiments.replication.loss import TRUNCATION, UNCLEAN

CHAPTER = 4
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
