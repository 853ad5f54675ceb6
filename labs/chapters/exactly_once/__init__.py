"""Chapter 6: what makes a record count once, and what does not."""

from __future__ import annotations

from labs.chapters.exactly_once.epochs import EPOCHS
from labs.chapters.exactly_once.in_flight import IN_FLIGHT
from labs.chapters.exactly_once.restart import RESTART
from labs.chapters.exactly_once.retrying import RETRIES
from labs.chapters.exactly_once.transactions import HUNG_TRANSACTION, LAST_OFFSET
from labs.chapters.exactly_once.transform import TRANSFORM
from labs.chapters.exactly_once.zombie import ZOMBIE

NUMBER = 6
EXPERIMENTS = (
    RETRIES,
    IN_FLIGHT,
    RESTART,
    TRANSFORM,
    ZOMBIE,
    EPOCHS,
    HUNG_TRANSACTION,
    LAST_OFFSET,
)
