"""Chapter 5: consumer groups, how they share out work, and how they lose or repeat it."""

from __future__ import annotations

from labs.experiments.consumers.commits import COMMITS
from labs.experiments.consumers.lag import LAG
from labs.experiments.consumers.places import REPLAY, RESET_POLICY
from labs.experiments.consumers.rebalance import REBALANCE
from labs.experiments.consumers.sharing import MEMBERS
from labs.experiments.consumers.staying import MAX_POLL, STATIC_MEMBER
from labs.experiments.consumers.transactions import HUNG_TRANSACTION, LAST_OFFSET

CHAPTER = 5
EXPERIMENTS = (
    MEMBERS,
    REBALANCE,
    STATIC_MEMBER,
    MAX_POLL,
    COMMITS,
    RESET_POLICY,
    REPLAY,
    LAG,
    HUNG_TRANSACTION,
    LAST_OFFSET,
)
