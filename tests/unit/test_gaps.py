"""The longest time without a record, partition by partition."""

from __future__ import annotations

from labs.experiment.lanes import gap_ms
from labs.workload.history import Read


def read(partition: int, time: float) -> Read:
    return Read(0, partition, 0, 0, time=time)


def test_a_partition_that_nobody_read_has_the_whole_time() -> None:
    assert gap_ms([], range(2), 0, 10) == {0: 10_000, 1: 10_000}


def test_the_last_record_before_counts_and_the_end() -> None:
    reads = [read(0, 1), read(0, 4), read(0, 6), read(1, 2)]
    assert gap_ms(reads, range(3), 3, 7) == {0: 3000, 1: 5000, 2: 4000}
