"""What each client did and when: the evidence from which a verdict is made.

The words are Jepsen's (jepsen.io, "histories"): an operation is *invoked*, and completes as *ok*
(acknowledged), *fail* (Kafka's protocol rules out that it was written) or *unknown* (nobody can
say: a time-out, a broken connection, or `acks=0`, where no answer is ever sent). Which error leaves
which of them is in `labs.workload.outcomes`.

All times are in seconds, by `labs.base.clock.now`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from zlib import crc32

import msgspec

from labs.base.clock import now


class Outcome(StrEnum):
    """How an operation ended, as far as its client can know."""

    PENDING = "pending"
    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


_OK = Outcome.OK  # a member looked up by its name is a call of a Python function in 3.11

#: number → (key, value) of a record
Payload = Callable[[int], tuple[bytes | None, bytes]]

#: Turns an error into an outcome.
Judge = Callable[[BaseException], Outcome]


def nobody_knows(error: BaseException) -> Outcome:  # noqa: ARG001 - as every judge
    """After most errors a record may have been written all the same."""
    return Outcome.UNKNOWN


class Send(msgspec.Struct, gc=False):
    """One numbered record on its way into the log.

    `intended` is when the open-loop schedule wanted it sent, `invoked` when `send()` was called,
    `completed` when its answer came; `judge` turns an error into an outcome. `aborted`: it is
    part of a transaction that was never committed, so it is written, and read_committed skips it.

    `success` and `failure` have the names that kafka-python's futures know, so that a send can be
    chained to its future as it is: every object and every call more a record costs the client's
    rate (`make bench`). For that reason, too, the value is kept, and its digest made when asked;
    and it is a struct of msgspec, made in C, that the garbage collector need not look at, since no
    cycle goes through it.
    """

    number: int
    key: bytes | None
    value: bytes
    intended: float
    invoked: float
    completed: float | None = None
    outcome: Outcome = Outcome.PENDING
    partition: int | None = None
    offset: int | None = None
    error: str = ""
    judge: Judge = nobody_knows
    aborted: bool = False

    def success(self, metadata: Any) -> None:
        """It is written: where, says the client's RecordMetadata."""
        self.completed = now()
        self.partition, self.offset = metadata.partition, metadata.offset
        self.outcome = _OK

    def placed(self, metadata: Any) -> None:
        """With acks=0 the client calls it done when it is on the wire."""
        self.completed, self.partition = now(), metadata.partition

    def failure(self, error: BaseException) -> None:
        """It ended with an error."""
        self.completed, self.error = now(), type(error).__name__
        self.outcome = self.judge(error)

    @property
    def digest(self) -> int:
        """The CRC-32 of the whole value."""
        return crc32(self.value)

    @property
    def latency_s(self) -> float | None:
        """From the intended time of sending to the answer, so that a stall hides no wait.

        (Tene, "How NOT to Measure Latency": coordinated omission.)
        """
        return None if self.completed is None else self.completed - self.intended


@dataclass(frozen=True, slots=True)
class Read:
    """One record as a consumer saw it. `number` is None for a record that is none of ours."""

    number: int | None
    partition: int
    offset: int
    digest: int
    key: bytes | None = None
    time: float = 0.0
    member: str = ""


@dataclass(frozen=True)
class Log:
    """All that can be read of a topic: `ends` is the readable end by partition.

    `complete` is False where the reading could not be finished; `why` says why. `starts`: the log's
    start by partition, where that is known; earlier records were deleted.
    """

    reads: tuple[Read, ...]
    ends: dict[int, int] = field(default_factory=dict)
    complete: bool = True
    why: str = ""
    starts: dict[int, int] = field(default_factory=dict)

    def deleted(self, partition: int | None, offset: int | None) -> bool:
        """Whether an offset lies before the log's start."""
        if partition is None or offset is None:
            return False
        return offset < self.starts.get(partition, 0)


class History:
    """The sends of one run, in the order in which they were invoked; safe to share by threads."""

    def __init__(self) -> None:
        self.sends: list[Send] = []
        self._lock = threading.Lock()

    def invoke(
        self,
        payload: Payload,
        intended: float,
        invoked: float,
        judge: Judge = nobody_knows,
    ) -> Send:
        """Number a send that begins, make its record, and note it.

        In one step, since the value holds the number: two threads must not take the same one.
        """
        with self._lock:
            number = len(self.sends)
            key, value = payload(number)
            send = Send(number, key, value, intended, invoked, judge=judge)
            self.sends.append(send)
        return send

    @property
    def next_number(self) -> int:
        """The number that the next send will have."""
        return len(self.sends)

    def close(self, when: float) -> None:
        """Give every send without an answer an unknown outcome."""
        for send in self.sends:
            if send.outcome is Outcome.PENDING:
                send.outcome, send.error = Outcome.UNKNOWN, send.error or "no answer"
                send.completed = when
