"""Chapter 11: Kafka Connect, and a real database in front of Kafka."""

from __future__ import annotations

from labs.chapters.connect.changes import CHANGES
from labs.chapters.connect.crud import CRUD
from labs.chapters.connect.dual_write import DUAL_WRITE
from labs.chapters.connect.sinks import POISON, SINK
from labs.chapters.connect.slot import SLOT

NUMBER = 11
EXPERIMENTS = (DUAL_WRITE, CHANGES, SLOT, SINK, POISON, CRUD)
