"""A leader that hangs while the program goes on sending: which calls wait?"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import accumulate

from confluent_kafka import Producer

from labs.base.clock import now
from labs.base.figures import graded, ms
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.native import again, native_producer, poll_until, produce
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.story import marks
from labs.experiment.views import Lines, Point
from labs.workload import Load, Payload, flight_payload
from labs.workload.history import Outcome, Send
from labs.workload.load import due_not_sent

words = Words(__file__)

PYTHON, NATIVE = "kafka-python", "confluent-kafka"
WAIT, GIVE_UP = "wait", "give_up"
FLUSH_S = 12.0
POLL_S = 0.02

#: A call that took longer than this held its caller up, ms.
HELD_MS = 200.0


class _NativeLoad:
    """An open-loop load by confluent-kafka that handles a full queue as a program must."""

    def __init__(self, run: Run, producer: Producer, rate: float, wait: bool) -> None:
        self._run, self._producer, self._rate, self._wait = run, producer, rate, wait
        self.sends: list[Send] = []
        self.returned: list[float] = []
        self.failure: BaseException | None = None
        self.began = self.stopped = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="labs-native", daemon=True)
        self._thread.start()
        run.closing(self._end)

    def stop(self, flush_s: float) -> None:
        """Send no more, and wait for answers."""
        self._end()
        poll_until(self._producer, lambda: len(self._producer) == 0, flush_s)
        if self.failure is not None:
            raise self.failure

    @property
    def overdue(self) -> list[float]:
        """When that was due which the program had not come to when it was told to stop."""
        return due_not_sent(self.began, self._rate, len(self.sends), self.stopped)

    def _end(self) -> None:
        self.stopped = self.stopped or now()
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            self._send_all()
        except BaseException as error:
            self.failure = error

    def _send_all(self) -> None:
        payload, number = flight_payload(), 0
        begin = self.began = now()
        while not self._stop.is_set():
            due = begin + number / self._rate
            while (left := due - now()) > 0 and not self._stop.is_set():
                self._producer.poll(min(left, POLL_S))
            self._send(payload, due)
            self.returned.append(now())
            number += 1

    def _send(self, payload: Payload, due: float) -> None:
        try:
            self.sends.append(produce(self._run, self._producer, payload, due))
            return
        except BufferError:
            send = self._run.history.sends[-1]
            self.sends.append(send)
        while self._wait and send.outcome is Outcome.FAIL and not self._stop.is_set():
            self._producer.poll(POLL_S)  # answers make room
            try:
                again(self._run, self._producer, send)
            except BufferError:
                continue


def _start(run: Run) -> tuple[Load | _NativeLoad, list[float]]:
    """A load, and when each of its calls returned."""
    if run["client"] == PYTHON:
        returned: list[float] = []
        producer = run.producer()
        producer.partitions_for(run.topic)  # what blocks is to be the buffer, not the metadata
        return run.load(producer, run["rate"], each=lambda _: returned.append(now())), returned
    native = native_producer(run, acks="all", queue_buffering_max_messages=run["limit_records"])
    native.list_topics(run.topic, timeout=FLUSH_S)
    load = _NativeLoad(run, native, run["rate"], wait=run["when_full"] == WAIT)
    return load, load.returned


def _full_buffer(run: Run) -> None:
    run.make_topic()
    leader = run.leader()
    load, returned = _start(run)
    run.sleep(1)
    run.fault("pause", leader)
    run.say(words("full_buffer.says.paused", leader=leader))
    run.sleep(run["pause_s"])
    run.fault("resume", leader)
    run.sleep(1)
    load.stop(FLUSH_S)
    sends = load.sends
    held = [(back - s.invoked) * 1000 for s, back in zip(sends, returned, strict=False)]
    waiting = _waiting(run, sends)
    refused = sum(s.error == "BufferError" for s in sends)
    # Who waits gives none up: the record that has no room at the end is due, and not sent.
    unsent, rejected = (refused, 0) if run["when_full"] == WAIT else (0, refused)
    unsent += len(load.overdue)
    run.measurements |= {
        "longest_call_ms": round(max(held), 1),
        "most_waiting_records": int(max(count for _, count in waiting)),
        "rejected_records": rejected,
        "due_not_sent_records": unsent,
    }
    longest = ms(max(held))
    told = f"full_buffer.told.{'some_unsent' if unsent else 'all_sent'}"
    run.conclude(words(told, leader=leader, longest=longest, **run.values))
    calls = [(s.invoked - run.began, took) for s, took in zip(sends, held, strict=False)]
    _show(run, waiting, calls, longest)


def _waiting(run: Run, sends: Sequence[Send]) -> list[Point]:
    """(s, how many records were sent and not answered) after each change."""
    inside = [s for s in sends if s.error != "BufferError"]
    changes = [(s.invoked, 1) for s in inside]
    changes += [(s.completed, -1) for s in inside if s.completed]
    changes.sort()
    depths = accumulate(step for _, step in changes)
    return [(time - run.began, depth) for (time, _), depth in zip(changes, depths, strict=True)]


def _show(run: Run, waiting: list[Point], calls: list[Point], longest: str) -> None:
    faults = marks(run.faults, run.began)
    run.show(
        Lines(
            words("full_buffer.title.waiting", **run.values),
            {run["client"]: waiting},
            "elapsed_s",
            "unanswered_records",
            faults,
            steps=True,
            names=words.under("shown"),
        )
    )
    run.show(
        Lines(
            words("full_buffer.title.call", longest=longest),
            {"call": [(time, max(took, 0.001)) for time, took in calls]},
            "elapsed_s",
            "call_ms",
            faults,
            dots=True,
            log_y=True,
            names=words.under("shown"),
        )
    )


_BLOCKS, _RAISES, _GOES_ON = "blocks", "raises", "goes_on"


def _what_send_did(result: Result) -> str | None:
    if float(result.measurements["rejected_records"] or 0):
        return _RAISES
    longest = float(result.measurements["longest_call_ms"] or 0)
    return graded(longest, [(HELD_MS, _GOES_ON)], _BLOCKS)


FULL_BUFFER = Experiment(
    "producers.full_buffer",
    words,
    (
        Choice("client", (PYTHON, NATIVE), PYTHON),
        Number("rate", 100, 1000, 300, "records/s", 100),
        Number("pause_s", 1, 5, 2, "s", 0.5),
        Number("limit_records", 50, 5000, 200, "records", 50),
        Choice(
            "when_full",
            (WAIT, GIVE_UP),
            WAIT,
            formerly={"wait for room": WAIT, "give the record up": GIVE_UP},
        ),
    ),
    _full_buffer,
    Options((_BLOCKS, _RAISES, _GOES_ON), _what_send_did),
)
