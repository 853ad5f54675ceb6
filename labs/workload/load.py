"""A producer at a fixed rate whose every record is written down.

The schedule is open: record *n* is due at `start + n / rate` whatever became of the others, and
its latency counts from when it was due. A client that waited for each answer before it sends the
next would hide every stall behind a record that was never sent (coordinated omission).
"""

from __future__ import annotations

import gc
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from labs.base.clock import now
from labs.workload.history import History, Judge, Outcome, Payload, Send
from labs.workload.outcomes import after_one_try, after_retries, never_sent
from labs.workload.records import flight_payload

#: How long a load waits at its end for the answers that are still due, s.
FLUSH_S = 5.0

#: The garbage collector looks at new objects when there are this many; 700 is Python's default.
YOUNG_OBJECTS = 20_000


class Load:
    """Sends numbered records from a thread of its own until `stop`.

    Args:
        history: where every send is written down.
        producer: sends them; the caller closes it.
        topic: where to.
        rate: records/s; 0 for as fast as the client can.
        count: stop after this many records; None goes on.
        payload: number → (key, value).
        partition: send all there; None leaves the choice to the client's partitioner.
        each: called with the future of every record as soon as `send()` has returned, in the
            sending thread: what it waits for, the next record waits for, too.
    """

    def __init__(
        self,
        history: History,
        producer: KafkaProducer,
        topic: str,
        rate: float,
        count: int | None = None,
        payload: Payload | None = None,
        partition: int | None = None,
        each: Callable[[Any], object] | None = None,
    ) -> None:
        self.history, self.producer, self.topic = history, producer, topic
        self.rate, self.count, self.partition = rate, count, partition
        self.sends: list[Send] = []
        self.began = self.stopped = 0.0  # on the clock; 0: it was not stopped
        self.failure: BaseException | None = None
        self._payload = payload or flight_payload()
        self._each = each
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="labs-load", daemon=True)
        # An answer "not written" is final only if no earlier attempt can have been written.
        self._judge: Judge = after_one_try if producer.config["retries"] == 0 else after_retries
        self._silent = producer.config["acks"] == 0

    def start(self) -> Load:
        """Begin to send."""
        self._thread.start()
        return self

    def stop(self, flush_s: float = FLUSH_S) -> None:
        """Send no more; wait up to `flush_s` for answers, then take what is open for unknown.

        Raises:
            Exception: whatever ended the sending before its time.
        """
        self.stopped = self.stopped or now()
        self._stop.set()
        self.wait(flush_s)

    def wait(self, flush_s: float = FLUSH_S) -> None:
        """Wait until `count` records are sent and answered, or `flush_s` after the last send."""
        self._thread.join()
        deadline = time.monotonic() + flush_s
        while time.monotonic() < deadline and any(
            send.outcome is Outcome.PENDING for send in reversed(self.sends)
        ):
            time.sleep(0.01)
        if self.failure is not None:
            raise self.failure

    @property
    def overdue(self) -> list[float]:
        """When each record was due that was not sent before the load was stopped."""
        if not self.stopped:
            return []
        return due_not_sent(self.began, self.rate, len(self.sends), self.stopped, self.count)

    @property
    def sending(self) -> bool:
        """Whether it still sends."""
        return self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._send_all()
        except BaseException as error:
            self.failure = error

    def _send_all(self) -> None:
        """Few calls of Python functions are made here: every record pays for each of them."""
        invoke, payload, judge = self.history.invoke, self._payload, self._judge
        stopped = self._stop.is_set
        begin = self.began = now()
        number = 0
        while not stopped() and number != self.count:
            at = now()
            due = begin + number / self.rate if self.rate else at
            if due > at:
                if self._stop.wait(due - at):
                    return
                at = now()
            send = invoke(payload, due, at, judge)
            self.sends.append(send)
            number += 1
            try:
                future = self.producer.send(
                    self.topic, send.value, send.key, partition=self.partition
                )
            except Exception as error:  # it never left the client
                send.judge = never_sent
                send.failure(error)
                if not isinstance(error, KafkaError):
                    raise
                continue
            if self._silent:
                send.outcome, send.error = Outcome.UNKNOWN, "acks=0: no answer is ever sent"
                future.add_callback(send.placed)
            else:
                future.chain(send)
            if self._each is not None:
                with suppress(KafkaError):  # what became of the record is written down already
                    self._each(future)


def due_not_sent(
    began: float, rate: float, sent: int, until: float, count: int | None = None
) -> list[float]:
    """When each record was due that an open schedule should have sent by then, and did not.

    Args:
        began: when the first was due.
        rate: records/s; 0 is no schedule, and owes nothing.
        sent: how many were sent.
        until: when the schedule ended.
        count: how many there were to send in all; None: no end.
    """
    due = math.ceil(round((until - began) * rate, 6)) if rate else 0
    end = due if count is None else min(due, count)
    return [began + number / rate for number in range(sent, end)]


@contextmanager
def undisturbed() -> Iterator[None]:
    """Have Python's garbage collector look less often, and only at what is new.

    A kernel with the labs' imports holds some 115,000 objects, and one look at all of them took
    65 ms here: time that the client lacks, and a pause that would be taken for Kafka's.
    """
    before = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, *before[1:])
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
