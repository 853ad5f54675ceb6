"""Chapter 5: consumer groups, how they divide the work, and how they lose or repeat it."""

from __future__ import annotations

from labs.chapters.consumers.commits import COMMITS
from labs.chapters.consumers.lag import LAG
from labs.chapters.consumers.places import REPLAY, RESET_POLICY
from labs.chapters.consumers.rebalance import REBALANCE
from labs.chapters.consumers.sharing import MEMBERS
from labs.chapters.consumers.staying import MAX_POLL, STATIC_MEMBER

NUMBER = 5
EXPERIMENTS = (
    MEMBERS,
    REBALANCE,
    STATIC_MEMBER,
    MAX_POLL,
    COMMITS,
    RESET_POLICY,
    REPLAY,
    LAG,
)
