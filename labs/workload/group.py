"""A consumer group of real processes, and what each of them did.

>>> group = Group(cluster.bootstrap, topic)
>>> a = group.add("A", process_ms=5)     # a process starts; it imports its client meanwhile
>>> a.join()
>>> group.owners()                        # partition → member
{0: 'A', 1: 'A', 2: 'A'}
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from labs.base import python
from labs.base.clock import now
from labs.base.errors import LabsError
from labs.workload.consumers import KAFKA_PYTHON, departures
from labs.workload.history import Read
from labs.workload.member import Plan
from labs.workload.set_here import Departure

#: How long a clean close may take before the process is killed, s.
CLOSE_S = 8.0

#: Events after which a member owns nothing.
_GONE = ("killed", "left")


@dataclass(frozen=True, slots=True)
class Event:
    """What a member did at `time`, by its own word, or what was done to it (`killed`).

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


@dataclass(frozen=True, slots=True)
class Tenure:
    """A member owned a partition from `since` on; `until` None: it still does."""

    partition: int
    member: str
    since: float
    until: float | None = None


class Member:
    """The parent's end of one member's process."""

    def __init__(self, name: str, plan: Plan) -> None:
        self.name, self.plan = name, plan
        self.events: list[Event] = []
        self.reads: list[Read] = []
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the member
        self.joined = False
        self._process = subprocess.Popen(
            python.module("labs.workload.member", json.dumps(asdict(plan))),
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
        """From now on a record takes so long, and every poll so much more; and commit so."""
        self._order("pace", process_ms=process_ms, nap_s=nap_s, commit=commit or self.plan.commit)

    def seek(self, offsets: dict[int, int]) -> None:
        """Have it read on from these offsets, by partition."""
        self._order("seek", offsets=offsets)

    def leave(self) -> None:
        """Have it close its consumer, leave the group and end; does not wait."""
        self._order("close")

    def kill(self) -> float:
        """SIGKILL: no word to anybody. Returns when."""
        self._process.kill()
        time = now()
        self._process.wait()
        self._listener.join()  # what it told before still counts
        self.events.append(Event(time, self.name, "killed"))
        return time

    def _order(self, what: str, **more: Any) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone; `check` says so where it matters
            self._process.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
            self._process.stdin.flush()

    def await_end(self, timeout_s: float) -> None:
        """Wait until the process has ended by itself, at most so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
            self._listener.join(timeout_s)

    def close(self) -> None:
        """End the process, however it stands."""
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
        return any(event.kind in _GONE for event in list(self.events))

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
        words = self._words.read().decode("utf-8", "replace").strip().splitlines()
        last = words[-1] if words else f"exit code {self._process.returncode}"
        return f"member {self.name} of the group died: {last}"

    def reached(self, partition: int, since: float) -> int:
        """The offset up to which it has processed a partition that it owns since a time."""
        read = [r.offset + 1 for r in list(self.reads) if r.partition == partition
                and r.time >= since]  # fmt: skip
        told = [dict(e.offsets).get(partition, 0) for e in list(self.events) if e.kind == "at"
                and e.time >= since]  # fmt: skip
        return max(read[-1:] + told[-1:], default=0)


@dataclass
class Group:
    """Members of one group, reading one topic. `name` is new for each `Group`.

    `note` is told what each member's consumer sets otherwise than its default.
    """

    bootstrap: Sequence[str]
    topic: str
    client: str = KAFKA_PYTHON
    name: str = ""
    members: dict[str, Member] = field(default_factory=dict)
    note: Callable[[tuple[Departure, ...]], object] | None = None

    def __post_init__(self) -> None:
        self.name = self.name or f"{self.topic}-group-{uuid.uuid4().hex[:6]}"

    def add(self, name: str, **plan: Any) -> Member:
        """Start a member's process; it joins when told to. `plan`: see `Plan`."""
        given = {"client": self.client, **plan}
        wanted = Plan(topic=self.topic, bootstrap=self.bootstrap, group=self.name, **given)
        if self.note is not None:
            self.note(departures(wanted))
        member = Member(name, wanted)
        self.members[name] = member
        return member

    def close(self) -> None:
        """End every process."""
        for member in self.members.values():
            member.close()

    def leave(self) -> None:
        """Have every member leave cleanly, all at once; one that takes too long is ended."""
        for member in self.members.values():
            member.leave()
        for member in self.members.values():
            member.await_end(CLOSE_S)

    # -- what they did ---------------------------------------------------------------------------

    @property
    def reads(self) -> list[Read]:
        """Every record processed, in the order of the clock."""
        found = [read for member in self.members.values() for read in list(member.reads)]
        return sorted(found, key=lambda read: read.time)

    @property
    def events(self) -> list[Event]:
        """Every event, in the order of the clock."""
        found = [event for member in self.members.values() for event in list(member.events)]
        return sorted(found, key=lambda event: event.time)

    def behind(self, ends: Mapping[int, int]) -> str:
        """Why the group may not have processed all up to these ends; empty: it has.

        What counts is the position of each partition's last owner: a time without records proves
        nothing.

        Args:
            ends: partition → the log's end.
        """
        deaths = [member.death for member in self.members.values() if member.death]
        if deaths:
            return deaths[0]
        last: dict[int, Tenure] = {}
        for tenure in sorted(self.tenures(), key=lambda tenure: tenure.since):
            last[tenure.partition] = tenure
        for partition, end in sorted(ends.items()):
            owned = last.get(partition)
            if owned is None and end > 0:
                return f"nobody in the group owned partition {partition}"
            if owned is None:
                continue
            reached = self.members[owned.member].reached(partition, owned.since)
            if reached < end:
                failed = self.members[owned.member].errors[-1:]
                by = f" ({failed[0].error} in member {owned.member})" if failed else ""
                return (
                    f"the group came to offset {reached} of {end} in partition {partition}, and no"
                    f" further{by}"
                )
        return ""

    def owners(self) -> dict[int, str]:
        """Partition → the member that owns it now, by the members' own word.

        Raises:
            LabsError: a member's process died by itself.
        """
        for member in self.members.values():
            member.check()
        held = sorted((t for t in self.tenures() if t.until is None), key=lambda t: t.since)
        owners = {tenure.partition: tenure.member for tenure in held}  # the latest claim counts
        return dict(sorted(owners.items()))

    def tenures(self) -> Iterator[Tenure]:
        """Who owned what, and when, by the members' own word."""
        for member in self.members.values():
            since: dict[int, float] = {}
            for event in list(member.events):
                if event.kind == "assigned":
                    for partition in event.partitions:
                        since.setdefault(partition, event.time)
                    continue
                taken = since if event.kind in _GONE else event.partitions
                if event.kind in (*_GONE, "revoked", "lost"):
                    for partition in list(taken):
                        start = since.pop(partition, None)
                        if start is not None:
                            yield Tenure(partition, member.name, start, event.time)
            for partition, start in since.items():
                yield Tenure(partition, member.name, start)

    def share_of(self, name: str) -> list[int]:
        """The partitions that a member owns now."""
        return [partition for partition, owner in self.owners().items() if owner == name]
