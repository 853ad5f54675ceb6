"""A member of a consumer group, as a process: `python -m labs.workload.member_process JSON`.

It reads orders on stdin and reports what it does on stdout, one JSON object a line; when stdin
ends, its parent is gone, and it ends at once. `labs.workload.member` is the parent's end.

Orders: `{"do": "join"}`, `close`, `pace` (with `process_ms`, `nap_s` and
`commit`), `seek` (with `offsets`).
Reports, each with `t` (s, by `labs.base.clock`) and `e`: `ready`, `assigned`, `revoked`, `lost`,
`polled`, `done` (a record was processed), `at` (its positions, when a poll brought nothing and all
is processed), `committed`, `error`, `left`; of a share group also `refused` (a record that it can't
process, with the number of its deliveries).
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from labs.base.clock import now
from labs.kafka.security import adopt
from labs.workload.consumers import Client, Record, connect
from labs.workload.records import number_of


@dataclass(frozen=True)
class Plan:
    """What a member is to be.

    `protocol`: range or cooperative-sticky (the classic group protocol), consumer (KIP-848), or
    share: a member of a share group (KIP-932; `share_process`).
    `commit`: auto (the client does it by itself), before (processing), after (it), position (after
    it, the client's own position), or never.
    `asynchronous`: a thread of its own processes while the next poll goes on.
    `process_ms`: what one record takes; `nap_s`: what every poll that brings records takes besides.
    `fails`: the numbers of records that it can't process; `on_failure`: how a member of a share
    group acknowledges these, by release or reject.
    """

    client: str
    topic: str
    bootstrap: Sequence[str]
    group: str
    protocol: str = "range"
    commit: str = "auto"
    asynchronous: bool = False
    process_ms: float = 0.0
    nap_s: float = 0.0
    max_records: int = 500
    fails: Sequence[int] = ()
    on_failure: str = "release"
    options: Mapping[str, Any] | None = None


class MemberProcess:
    """Polls, processes, commits, and reports each of these."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.commit = plan, plan.commit
        self.process_ms, self.nap_s = plan.process_ms, plan.nap_s
        self.orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._out = threading.Lock()
        self._work: queue.SimpleQueue[list[Record]] = queue.SimpleQueue()
        self._in_work = 0
        self._reported: dict[int, int] = {}

    def tell(self, event: str, **more: Any) -> None:
        """Write one line to the parent; in one write, so that a SIGKILL cuts none in two."""
        line = json.dumps({"e": event, "t": now(), **more}) + "\n"
        with self._out:
            os.write(1, line.encode())

    def moved(self, event: str, partitions: Iterable[int]) -> None:
        """Partitions were assigned, revoked or lost."""
        self._reported = {}
        self.tell(event, p=sorted(partitions))

    def run(self) -> None:
        """Wait for the order to join, and work until the order to close."""
        threading.Thread(target=self._listen, daemon=True).start()
        importlib.import_module(self.plan.client.replace("-python", "").replace("-", "_"))
        self.tell("ready")
        while self.orders.get()["do"] != "join":
            pass
        client = self.connect()
        if self.plan.asynchronous:
            threading.Thread(target=self._work_on, daemon=True).start()
        try:
            while self._obey(client):
                self.step(client)
        except Exception as error:
            self.failed(error)
        client.close()
        self.tell("left")

    def connect(self) -> Any:
        """A client that joins with its first poll."""
        return connect(self.plan, self.moved)

    def _listen(self) -> None:
        for line in sys.stdin:
            self.orders.put(json.loads(line))
        os._exit(0)  # the parent is gone

    def _obey(self, client: Client) -> bool:
        """Follow the orders since the last call; False: close."""
        while not self.orders.empty():
            order = self.orders.get()
            if order["do"] == "close":
                while self._in_work:  # a clean end finishes what was begun
                    time.sleep(0.01)
                return False
            if order["do"] == "pace":
                self.process_ms, self.nap_s = order["process_ms"], order["nap_s"]
                self.commit = order["commit"]
            elif order["do"] == "seek":
                client.seek({int(p): offset for p, offset in order["offsets"].items()})
        return True

    def step(self, client: Client) -> None:
        """Poll once, process what came, and commit."""
        records = client.poll(self.plan.max_records)
        if not records:
            self._report_positions(client)
            return
        self.tell("polled", n=len(records))
        if self.commit == "before":
            self._commit(client, records)
        if self.plan.asynchronous:
            self._in_work += 1
            self._work.put(records)
        else:
            if self.nap_s:
                time.sleep(self.nap_s)
            self._process(records)
        if self.commit in ("after", "position"):
            self._commit(client, records)

    def _report_positions(self, client: Client) -> None:
        """Report the positions, once all that was read is processed."""
        if self._in_work:
            return
        positions = client.positions()
        if positions != self._reported:
            self.tell("at", o=positions)
            self._reported = positions

    def _work_on(self) -> None:
        while True:
            self._process(self._work.get())
            self._in_work -= 1

    def _process(self, records: Iterable[Record]) -> None:
        for partition, offset, value in records:
            if self.process_ms:
                time.sleep(self.process_ms / 1000)
            self.done(partition, offset, value)

    def done(self, partition: int, offset: int, value: bytes) -> None:
        """A record was processed."""
        self.tell("done", r=[number_of(value), partition, offset, crc32(value)])

    def _commit(self, client: Client, records: Iterable[Record]) -> None:
        offsets: dict[int, int] = {}
        for partition, offset, _ in records:
            offsets[partition] = offset + 1
        try:
            client.commit(None if self.commit == "position" else offsets)
        except Exception as error:
            self.failed(error)
        else:
            self.tell("committed", o=offsets)

    def failed(self, error: Exception) -> None:
        """A call to the client raised."""
        self.tell("error", kind=type(error).__name__, text=str(error))


if __name__ == "__main__":
    adopt()
    MemberProcess(Plan(**json.loads(sys.argv[1]))).run()
