"""One broker's copy of a partition as it lies on that broker's disk, byte for byte.

A broker keeps each partition in a folder `<topic>-<partition>`; its records are in *segments*,
files named after the offset of their first record. They can be read whatever the process does:
running, paused or dead. Beside them lie two small texts of Kafka's own:

- `leader-epoch-checkpoint`: at which offset each leader epoch began (KIP-101),
- `replication-offset-checkpoint`, one for all partitions: the high watermark, written every 5 s
  (`replica.high.watermark.checkpoint.interval.ms`) and when a broker shuts down in good order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords

from labs.cluster.protocol import Cluster
from labs.errors import LabsError


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as it lies on a disk. `epoch` is that of the leader which first wrote it."""

    offset: int
    epoch: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True)
class Copy:
    """One broker's copy: `records` in the order in which they lie in the files.

    `epochs`: leader epoch → its first offset. `checkpoint`: the high watermark that this broker
    last wrote down, None if it has written none yet.
    """

    broker: int
    files: tuple[str, ...]
    records: tuple[Stored, ...]
    epochs: dict[int, int]
    checkpoint: int | None

    @property
    def log_end(self) -> int:
        """The offset that the next record will get here."""
        return self.records[-1].offset + 1 if self.records else 0

    def at(self, offset: int) -> Stored | None:
        """The record with that offset, if this copy has it."""
        return next((record for record in self.records if record.offset == offset), None)


def read_copy(cluster: Cluster, broker: int, topic: str, partition: int = 0) -> Copy:
    """Read one broker's copy of a partition from its files; Kafka is not asked.

    Raises:
        LabsError: the broker's disk can't be read, or it has no copy.
    """
    folder = f"{topic}-{partition}"
    segments = cluster.files(broker, f"{folder}/*.log")
    if not segments:
        raise LabsError(f"broker {broker} has no copy of {topic}-{partition} on its disk")
    epochs = _rows(cluster, broker, f"{folder}/leader-epoch-checkpoint")
    return Copy(
        broker=broker,
        files=tuple(path.rpartition("/")[2] for path in segments),
        records=tuple(record for file in segments.values() for record in _records(file)),
        epochs={int(epoch): int(start) for epoch, start in epochs},
        checkpoint=_high_watermark(cluster, broker, topic, partition),
    )


def first_difference(one: Copy, other: Copy) -> int | None:
    """The first offset at which two copies disagree, or one of them ends; None if they are equal.

    A copy that merely ends sooner differs from there on, too.
    """
    for mine, theirs in zip(one.records, other.records, strict=False):
        if mine != theirs:
            return min(mine.offset, theirs.offset)
    if len(one.records) == len(other.records):
        return None
    return min(one.log_end, other.log_end)


def _records(segment: bytes) -> Iterator[Stored]:
    """The records of one segment, up to its end or to a batch that is only half written."""
    batches = MemoryRecords(segment)
    try:
        while batches.has_next():
            batch: Any = batches.next_batch()
            if batch.magic < 2 or not batch.validate_crc():
                return
            for record in batch:
                yield Stored(record.offset, batch.leader_epoch, record.key, record.value)
    except CorruptRecordError:
        return


def _rows(cluster: Cluster, broker: int, path: str) -> list[list[str]]:
    """A checkpoint file's rows: below its version and their number, the words of each line.

    None where it is not written yet, or is just being replaced.
    """
    lines = cluster.files(broker, path).get(path, b"").decode().splitlines()
    return [line.split() for line in lines[2:]]


def _high_watermark(cluster: Cluster, broker: int, topic: str, partition: int) -> int | None:
    for name, index, offset in _rows(cluster, broker, "replication-offset-checkpoint"):
        if (name, int(index)) == (topic, partition):
            return int(offset)
    return None
