"""A process of its own that sends messages at a rate to one system, and reads them.

It gets its job as JSON in a line on stdin, then a task as JSON in each further line. It says
`ready` and then, for each task, `done` with what it saw (`Seen`), packed.

The load is open: a message is due when the schedule says so, not when the last answer came. One
that can't be sent in time is late, and its wait counts from when it was due. No more than `WINDOW`
messages are without an answer at a time. A load in a hurry has no schedule: each message is due
when there is room for it.

    python -m labs.chapters.systems.load_process
"""

from __future__ import annotations

import base64
import json
import sys
import time
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from labs.base.clock import now
from labs.chapters.systems.load_clients import MADE, Client
from labs.kafka.security import adopt

READY, DONE = "ready", "done"

WINDOW = 4000
#: How many are sent at once at most, before answers are taken.
AT_ONCE = 100
#: So long it looks for answers at most, s: a reader's messages come unheard.
LOOK_S = 0.001
#: A reader has caught up with a writer that goes on when it is this close behind, s.
CLOSE_S = 0.1


@dataclass(frozen=True)
class Job:
    """Whom it serves: `password` is RabbitMQ's."""

    system: str
    address: str
    name: str
    password: str = ""


@dataclass(frozen=True)
class Task:
    """A load.

    `rate`: messages/s, for so many `seconds`. `hurried`: so many messages as fast as they are taken
    instead, and no longer than that. `reading`: somebody reads meanwhile. `catching_up`: it ends as
    soon as the reader has caught up. `drain_s`: how long answers, and the reader, are waited for
    afterwards.
    """

    rate: float
    seconds: float
    hurried: int = 0
    reading: bool = True
    catching_up: bool = False
    drain_s: float = 10.0


@dataclass
class Seen:
    """What became of one task's messages; all times by `labs.base.clock`.

    Attributes:
        first: the number of its first message.
        due, sent, acknowledged: of each; 0: not yet.
        at_last: when each of all messages until now was acknowledged, if the task sent none.
        order, read: all that was read meanwhile, in that order, and when; -1: not as it was sent.
        asked: when it was asked for; then a reader connects, or leaves.
        began, ended, over: when it began, when the last was due, when all was answered and read.
        waiting: how many waited to be read, as it went: (when, how many).
        refused: how many got an error.
        blocked: whether the server told the writer to wait.
        overdue: those never sent: how long each was overdue at the end, s.
        cpu: the part of a core that this process used.
    """

    first: int
    asked: float
    began: float
    due: Sequence[float] = ()
    sent: Sequence[float] = ()
    acknowledged: Sequence[float] = ()
    at_last: Sequence[float] = ()
    order: Sequence[int] = ()
    read: Sequence[float] = ()
    ended: float = 0.0
    over: float = 0.0
    waiting: list[tuple[float, int]] = field(default_factory=list)
    refused: int = 0
    blocked: bool = False
    overdue: Sequence[float] = ()
    cpu: float = 0.0


def packed(seen: Seen) -> str:
    """As a word on a line; what may be hundreds of thousands of numbers goes as their bytes."""
    told = {n: v.tobytes() if isinstance(v, array) else v for n, v in vars(seen).items()}
    return base64.b64encode(zlib.compress(msgspec.msgpack.encode(told), 1)).decode()


def unpacked(word: str) -> Seen:
    """From a line."""
    told = msgspec.msgpack.decode(zlib.decompress(base64.b64decode(word)))
    for name, value in told.items():
        if isinstance(value, bytes):
            told[name] = array("q" if name == "order" else "d", value)
    return Seen(**told)


class Load:
    """The life of one client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reading = False

    def do(self, task: Task) -> Seen:
        """Send what the task wants, hear all answers, and tell what was seen."""
        client = self._client
        cpu, refused, asked, came = time.process_time(), client.refused, now(), len(client.order)
        self._read_or_not(task.reading)
        seen = Seen(len(client.acknowledged), asked, now())
        due, sent = array("d"), array("d")
        client.blocked = False
        looked = seen.began
        while (at := now()) < seen.began + task.seconds:
            if task.hurried and len(due) == task.hurried:
                break
            owed = task.hurried or int((at - seen.began) * task.rate) + 1
            for _ in range(min(owed - len(due), AT_ONCE, WINDOW - client.unanswered)):
                due.append(now() if task.hurried else seen.began + len(due) / task.rate)
                sent.append(now())
                client.send()
            following = at + LOOK_S if task.hurried else seen.began + len(due) / task.rate
            client.serve(min(max(following - now(), 0.0), LOOK_S))
            if at - looked > CLOSE_S / 2:
                looked = at
                seen.waiting.append((at, client.unread))
                if task.catching_up and client.unread < max(task.rate * CLOSE_S, 1):
                    break
        seen.ended = now()
        owed = 0 if task.hurried else int((seen.ended - seen.began) * task.rate)
        seen.overdue = [
            seen.ended - seen.began - number / task.rate for number in range(len(due), owed)
        ]
        self._await(task.drain_s, seen)
        seen.over = now()
        seen.cpu = (time.process_time() - cpu) / (seen.over - seen.began)
        seen.due, seen.sent = due, sent
        seen.acknowledged = client.acknowledged[seen.first :]
        seen.at_last = () if due else client.acknowledged[:]
        seen.order = client.order[came:]
        seen.read = array("d", (client.read[n] if n >= 0 else 0.0 for n in seen.order))
        seen.refused, seen.blocked = client.refused - refused, client.blocked
        return seen

    def _read_or_not(self, reading: bool) -> None:
        if reading and not self._reading:
            self._client.begin_reading()
        if self._reading and not reading:
            self._client.end_reading()
        self._reading = reading

    def _await(self, drain_s: float, seen: Seen) -> None:
        client, until = self._client, now() + drain_s
        while client.unanswered or (self._reading and client.unread):
            client.serve(LOOK_S)
            if now() > until:
                return
            if now() - (seen.waiting or [(0.0, 0)])[-1][0] > CLOSE_S / 2:
                seen.waiting.append((now(), client.unread))
        seen.waiting.append((now(), client.unread))


def main(job: Job) -> None:
    """Do task after task until nobody gives one."""
    sys.setswitchinterval(0.001)  # answers come in other threads
    load = Load(MADE[job.system](job.address, job.name, job.password))
    print(READY, flush=True)
    for line in sys.stdin:
        print(DONE, packed(load.do(Task(**json.loads(line)))), flush=True)


if __name__ == "__main__":
    adopt()
    if _line := sys.stdin.readline():  # nothing: whoever started it is gone
        main(Job(**json.loads(_line)))
