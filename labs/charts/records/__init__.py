"""Pictures of a chapter's own records: where they lie, and how long a client waited for them."""

from __future__ import annotations

from labs.charts.records.by_partition import by_partition
from labs.charts.records.waits import Ack, longest_wait_s, waits

__all__ = ["Ack", "by_partition", "longest_wait_s", "waits"]
