"""Segments as they may lie on a disk, made by kafka-python's own writer of batches."""

from __future__ import annotations

from typing import Any

import pytest
from kafka.record import MemoryRecordsBuilder
from kafka.record.util import calc_crc32c

from labs.base.errors import LabsError
from labs.chapters.replication.common import epochs_on_disk
from labs.observe.segments import Copy, first_difference, read_copy

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
COUNT = 50


def batch(first: int = 0, codec: int = 0, count: int = COUNT, magic: int = 2) -> bytes:
    builder = MemoryRecordsBuilder(magic, codec, 1 << 20, offset=first)
    for number in range(first, first + count):
        key = None if number % 2 else b"\xff\xfe"
        builder.append(timestamp=1, key=key, value=None if number % 5 else bytes(1000), headers=[])
    builder.close()
    return bytes(builder.buffer())


def with_head(made: bytes, last: int | None = None, control: bool = False) -> bytes:
    """The batch as compaction or a transaction's coordinator leaves it; its checksum is right."""
    changed = bytearray(made)
    if last is not None:
        changed[23:27] = last.to_bytes(4)
    changed[22] |= 0x20 * control
    changed[17:21] = calc_crc32c(memoryview(changed)[21:]).to_bytes(4)
    return bytes(changed)


class Disk:
    """What of a cluster is asked for a copy."""

    def __init__(self, **segments: bytes) -> None:
        self.segments = {f"t-0/{int(n[1:]):020}.log": s for n, s in segments.items()}

    def files(self, broker: int, pattern: str) -> dict[str, bytes]:
        return self.segments if pattern.endswith(".log") else {}


def copy_of(**segments: bytes) -> Copy:
    disk: Any = Disk(**segments)
    return read_copy(disk, 1, "t")


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_is_read(codec: str) -> None:
    copy = copy_of(s0=batch(codec=CODECS[codec]))
    assert (copy.log_end, copy.unread) == (COUNT, "")
    assert [r.offset for r in copy.records] == list(range(COUNT))
    assert [r.key for r in copy.records[:2]] == [b"\xff\xfe", None]
    assert copy.records[5].value == bytes(1000)


def test_an_empty_log_begins_where_its_segment_does() -> None:
    assert copy_of(s0=b"").log_end == 0
    assert copy_of(s4711=b"").log_end == 4711, "older segments were deleted"
    assert copy_of(s0=b"").unread == ""


def test_gaps_are_no_damage_and_count() -> None:
    """Compaction keeps a batch's first and last offset, whatever is left between them."""
    compacted = with_head(batch(count=3), last=99)
    copy = copy_of(s0=compacted, s500=batch(500, count=2))
    assert [r.offset for r in copy.records] == [0, 1, 2, 500, 501]
    assert (copy.log_end, copy.unread) == (502, "")
    assert copy_of(s0=compacted).log_end == 100


def test_a_marker_is_no_record_and_takes_an_offset() -> None:
    copy = copy_of(s0=batch() + with_head(batch(COUNT, count=1), control=True))
    assert (len(copy.records), copy.log_end, copy.unread) == (COUNT, COUNT + 1, "")
    assert first_difference(copy, copy_of(s0=batch())) == COUNT, "one copy lacks the marker"


@pytest.mark.parametrize("torn", [1, 11, 12, 40, 61, 100])
def test_a_last_batch_that_is_being_written_is_left_out(torn: int) -> None:
    copy = copy_of(s0=batch() + batch(COUNT)[:torn])
    assert (copy.log_end, len(copy.records), copy.unread) == (COUNT, COUNT, "")


def test_reserved_room_is_no_damage() -> None:
    assert copy_of(s0=batch() + bytes(5000)).unread == ""
    assert copy_of(s0=batch() + bytes(5)).unread == ""


def test_the_same_in_an_earlier_segment_is_damage() -> None:
    copy = copy_of(s0=batch() + batch(COUNT)[:70], s100=batch(100))
    assert copy.log_end == COUNT
    assert copy.unread.startswith(
        "00000000000000000000.log can't be read from offset 50 on: the fi"
    )


def test_a_damaged_batch_ends_the_reading_and_is_told() -> None:
    second = bytearray(batch(COUNT))
    second[100] ^= 1
    copy = copy_of(s0=batch() + bytes(second) + batch(2 * COUNT))
    assert (copy.log_end, len(copy.records)) == (COUNT, COUNT)
    assert copy.unread.endswith("from offset 50 on: a batch is damaged (its checksum is another)")
    assert first_difference(copy, copy_of(s0=batch())) is None


def test_a_view_tells_what_could_not_be_read() -> None:
    whole, damaged = copy_of(s0=batch()), copy_of(s0=batch() + b"\0" * 10 + b"\0\1" * 20)
    title = "Both copies, read from disk"
    assert epochs_on_disk(title, {"one": whole}).title == title
    told = epochs_on_disk(title, {"one": whole, "other": damaged}).title
    assert told.startswith(f"{title}; broker 1: 00000000000000000000.log can't be read from offset")


def test_nonsense_is_told() -> None:
    assert "shorter than its own head" in copy_of(s0=batch() + b"\0" * 10 + b"\0\1" * 20).unread
    assert "as before Kafka 0.11" in copy_of(s0=batch(magic=1)).unread


def test_what_can_not_be_unpacked_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = batch() + batch(COUNT, CODECS["snappy"])
    monkeypatch.setattr("kafka.codec.snappy", None)
    copy = copy_of(s0=packed)
    assert copy.log_end == COUNT
    assert "can't be unpacked (UnsupportedCodecError: " in copy.unread


def test_a_partition_that_is_nowhere() -> None:
    with pytest.raises(LabsError, match="no copy of t-0"):
        copy_of()
