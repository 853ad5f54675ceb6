"""One member of a consumer group, seen from its parent: the orders that it gets, and what it did.

The member itself is a process of its own (`labs.workload.member_process`, or `share_process`).
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import tempfile
import threading
from dataclasses import asdict, dataclass
from typing import Any

from labs.base import python
from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.words import Words
from labs.workload.consumers import SHARE
from labs.workload.history import Read
from labs.workload.member_process import Plan

words = Words(__file__)

#: Events after which a member owns nothing.
GONE = ("killed", "left")


@dataclass(frozen=True, slots=True)
class Event:
    """What a member did at `time`, as it reports, or what was done to it (`killed`).

    `partitions`: those assigned, revoked or lost. `offsets`: those committed, or how far it has
    read (`at`). `count`: records of a poll. `text`: an error's words; `error`: its name.
    """

    time: float
    member: str
    kind: str
    partitions: tuple[int, ...] = ()
    offsets: tuple[tuple[int, int], ...] = ()
    count: int = 0
    error: str = ""
    text: str = ""


class Member:
    """One member. It starts its process at once, and joins the group on `join`."""

    def __init__(self, name: str, plan: Plan) -> None:
        self.name, self.plan = name, plan
        self.events: list[Event] = []
        self.reads: list[Read] = []
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the member
        self.joined = False
        program = "share_process" if plan.protocol == SHARE else "member_process"
        self._process = subprocess.Popen(
            python.module(f"labs.workload.{program}", json.dumps(asdict(plan))),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            start_new_session=True,  # Jupyter interrupts its whole process group
        )
        self._listener = threading.Thread(target=self._listen, name="labs-member", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    # -- orders --------------------------------------------------------------------------------

    def join(self) -> None:
        """Have it join the group."""
        self.joined = True
        self._order("join")

    def pace(self, process_ms: float, nap_s: float = 0.0, commit: str | None = None) -> None:
        """Change how long a record takes, how long every poll takes besides, and when to commit."""
        self._order("pace", process_ms=process_ms, nap_s=nap_s, commit=commit or self.plan.commit)

    def seek(self, offsets: dict[int, int]) -> None:
        """Have it read on from these offsets, by partition."""
        self._order("seek", offsets=offsets)

    def leave(self) -> None:
        """Have it close its consumer, leave the group and end; does not wait."""
        self._order("close")

    def freeze(self) -> None:
        """SIGSTOP: it does nothing any more, and its connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT after `freeze`."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> float:
        """SIGKILL: it tells nobody. Returns the time."""
        self._process.kill()
        time = now()
        self._process.wait()
        self._listener.join()  # what it reported before still counts
        self.events.append(Event(time, self.name, "killed"))
        return time

    def _order(self, what: str, **more: Any) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone; `check` says so where it matters
            self._process.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
            self._process.stdin.flush()

    def await_end(self, timeout_s: float) -> None:
        """Wait until the process has ended by itself, at most `timeout_s`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
            self._listener.join(timeout_s)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout, self._words):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    # -- what it did -----------------------------------------------------------------------------

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith(b"\n"):
                self._heard(json.loads(line))

    def _heard(self, told: dict[str, Any]) -> None:
        if told["e"] == "done":
            number, partition, offset, digest = told["r"]
            read = Read(number, partition, offset, digest, None, told["t"], self.name)
            self.reads.append(read)
            return
        offsets = tuple((int(p), o) for p, o in told.get("o", {}).items())
        self.events.append(
            Event(
                told["t"],
                self.name,
                told["e"],
                tuple(told.get("p", ())),
                offsets,
                told.get("n", 0),
                told.get("kind", ""),
                told.get("text", ""),
            )
        )

    def first(self, kind: str, after: float = 0.0) -> Event | None:
        """The first event of a kind after a time; None: there is none."""
        return next((e for e in list(self.events) if e.kind == kind and e.time >= after), None)

    @property
    def errors(self) -> list[Event]:
        """What its client raised."""
        return [event for event in list(self.events) if event.kind == "error"]

    @property
    def gone(self) -> bool:
        """Whether it has left, or was killed."""
        return any(event.kind in GONE for event in list(self.events))

    def check(self) -> None:
        """Raise if the process died by itself.

        Raises:
            LabsError: it did; the sentence holds its last words.
        """
        if self.death:
            raise LabsError(self.death)

    @property
    def death(self) -> str:
        """That it died by itself, and its last words; empty: it did not."""
        if self._process.poll() in (None, 0) or self.gone:
            return ""
        self._words.seek(0)
        said = self._words.read().decode("utf-8", "replace").strip().splitlines()
        last = said[-1] if said else words("group.exit_code", code=self._process.returncode)
        return words("group.died", member=self.name, last=last)

    def reached(self, partition: int, since: float) -> int:
        """The offset up to which it has processed a partition that it owns since a time."""
        read = [r.offset + 1 for r in list(self.reads) if r.partition == partition
                and r.time >= since]  # fmt: skip
        told = [dict(e.offsets).get(partition, 0) for e in list(self.events) if e.kind == "at"
                and e.time >= since]  # fmt: skip
        return max(read[-1:] + told[-1:], default=0)
