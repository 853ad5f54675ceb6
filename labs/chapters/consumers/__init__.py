"""Chapter 5: consumer groups, how they divide the work, and how they lose or repeat it."""

from __future__ import annotations

from labs.chapters.consumers.commits import COMMITS
from labs.chapters.consumers.lag import LAG
from labs.chapters.consumers.places import REPLAY, RESET_POLICY
from labs.chapters.consumers.sharing import MEMBERS

NUMBER = 5
EXPERIMENTS = (
    MEMBERS,
    COMMITS,
    RESET_POLICY,
    REPLAY,
    LAG,
)
