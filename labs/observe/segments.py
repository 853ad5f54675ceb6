"""One broker's copy of a partition as it lies on that broker's disk, byte for byte.

A broker keeps each partition in a folder `<topic>-<partition>`; its records are in *segments*,
files named after the offset of their first record. They can be read whatever the process does:
running, paused or dead. In a segment lie *batches*, each with the codec that it was compressed by.
A batch of *control* records holds a transaction's marker, and no record of anybody's (KIP-98). What
compaction takes away leaves a gap between offsets (KIP-58).

Beside the segments lie two small texts of Kafka's own:

- `leader-epoch-checkpoint`: at which offset each leader epoch began (KIP-101),
- `replication-offset-checkpoint`, one for all partitions: the high watermark, written every 5 s
  (`replica.high.watermark.checkpoint.interval.ms`) and when a broker shuts down in good order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka.errors import KafkaError
from kafka.record import MemoryRecords

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.kafka.cluster import Cluster

words = Words(__file__)

#: Batches with epochs and checksums of their own: since Kafka 0.11 (KIP-98).
OLDEST_MAGIC = 2


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
    last wrote down, None if it has written none yet. `log_end`: the offset that the next record
    will get here. `unread`: why some of it could not be read, usually empty; then `records` and
    `log_end` cover what lies before that.
    """

    broker: int
    files: tuple[str, ...]
    records: tuple[Stored, ...]
    epochs: dict[int, int]
    checkpoint: int | None
    log_end: int
    unread: str = ""

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
        raise LabsError(words("disk.no_copy", broker=broker, topic=topic, partition=partition))
    epochs = _rows(cluster, broker, f"{folder}/leader-epoch-checkpoint")
    files = {path.rpartition("/")[2]: content for path, content in segments.items()}
    log = _read(files)
    return Copy(
        broker=broker,
        files=tuple(files),
        records=tuple(log.records),
        epochs={int(epoch): int(start) for epoch, start in epochs},
        checkpoint=_high_watermark(cluster, broker, topic, partition),
        log_end=log.end,
        unread=log.unread,
    )


def first_difference(one: Copy, other: Copy) -> int | None:
    """The first offset at which two copies disagree, or one of them ends; None if they are equal.

    A copy that merely ends sooner differs from there on, too.
    """
    for mine, theirs in zip(one.records, other.records, strict=False):
        if mine != theirs:
            return min(mine.offset, theirs.offset)
    if len(one.records) == len(other.records) and one.log_end == other.log_end:
        return None
    return min(one.log_end, other.log_end)


@dataclass
class _Log:
    """What has been read of a copy so far."""

    records: list[Stored] = field(default_factory=list)
    end: int = 0
    unread: str = ""


def _read(segments: Mapping[str, bytes]) -> _Log:
    """Read segments in order, up to the last one's end or to a batch that can't be read.

    The last segment may end in the middle of a batch, or in zeros: that one is being written, or
    its broker died over it. Anywhere else it is damage.
    """
    log = _Log()
    for number, (name, content) in enumerate(segments.items(), start=1):
        log.end = max(log.end, int(name.partition(".")[0]))
        why, rest = _read_segment(log, content)
        if rest and not why and number < len(segments):
            why = words("disk.cut_short")
        if why:
            log.unread = words("disk.unread", name=name, offset=log.end, why=why)
            break
    return log


def _read_segment(log: _Log, content: bytes) -> tuple[str, int]:
    """Add a segment's records; why the rest can't be read, and how many bytes that is."""
    batches, position, why = MemoryRecords(content), 0, ""
    while batches.has_next() and not why:
        if content.startswith(bytes(12), position) and not any(content[position:]):
            break  # room that was only reserved
        try:
            batch = batches.next_batch()
            why = _take(log, batch)
            position += batch.size_in_bytes
        except KafkaError:
            why = words("disk.shorter_than_head")
    return why, len(content) - position


def _take(log: _Log, batch: Any) -> str:
    """Add a batch's records; the reason if that can't be done."""
    if batch.magic < OLDEST_MAGIC:
        return words("disk.old_format", magic=batch.magic)
    if not batch.validate_crc():
        return words("disk.damaged")
    try:
        records = [] if batch.is_control_batch else list(batch)
    except Exception as error:  # each codec's library has errors of its own
        return words("disk.packed", error=f"{type(error).__name__}: {error}")
    log.records += [Stored(r.offset, batch.leader_epoch, r.key, r.value) for r in records]
    log.end = batch.next_offset
    return ""


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
