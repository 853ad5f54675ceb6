"""Chapter 7: how groups share work, who is removed, how they are restarted, and share groups."""

from __future__ import annotations

from labs.chapters.groups.converting import CONVERTING
from labs.chapters.groups.expiry import EXPIRY
from labs.chapters.groups.locks import LOCKS
from labs.chapters.groups.poison import POISON
from labs.chapters.groups.queue import QUEUE
from labs.chapters.groups.rebalance import REBALANCE
from labs.chapters.groups.rolling import ROLLING
from labs.chapters.groups.slow import MAX_POLL, SILENT
from labs.chapters.groups.static import STATIC_MEMBER

NUMBER = 7
EXPERIMENTS = (
    REBALANCE,
    CONVERTING,
    SILENT,
    MAX_POLL,
    STATIC_MEMBER,
    ROLLING,
    EXPIRY,
    QUEUE,
    LOCKS,
    POISON,
)
