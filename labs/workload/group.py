"""A consumer group of real processes, and what each of them did.

>>> group = Group(cluster.bootstrap, topic)
>>> a = group.add("A", process_ms=5)     # a process starts; it imports its client meanwhile
>>> a.join()
>>> group.owners()                        # partition → member
{0: 'A', 1: 'A', 2: 'A'}
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labs.base.words import Words
from labs.workload.consumers import KAFKA_PYTHON, departures
from labs.workload.history import Read
from labs.workload.member import GONE, Event, Member
from labs.workload.member_process import Plan
from labs.workload.set_here import Departure

words = Words(__file__)

#: How long a clean close may take before the process is killed, s.
CLOSE_S = 8.0


@dataclass(frozen=True, slots=True)
class Tenure:
    """A member owned a partition from `since` on; `until` None: it still does."""

    partition: int
    member: str
    since: float
    until: float | None = None


@dataclass
class Group:
    """Members of one group, reading one topic. `name` is new for each `Group`.

    `note` is called with the settings of each member that are not at their defaults.
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
                return words("group.no_owner", partition=partition)
            if owned is None:
                continue
            reached = self.members[owned.member].reached(partition, owned.since)
            if reached < end:
                failed = self.members[owned.member].errors[-1:]
                values = {"reached": reached, "end": end, "partition": partition}
                if not failed:
                    return words("group.behind", **values)
                error, member = failed[0].error, owned.member
                return words("group.behind_by_error", error=error, member=member, **values)
        return ""

    def owners(self) -> dict[int, str]:
        """Partition → the member that owns it now, as the members report it.

        Raises:
            LabsError: a member's process died by itself.
        """
        for member in self.members.values():
            member.check()
        held = sorted((t for t in self.tenures() if t.until is None), key=lambda t: t.since)
        owners = {tenure.partition: tenure.member for tenure in held}  # the latest claim counts
        return dict(sorted(owners.items()))

    def tenures(self) -> Iterator[Tenure]:
        """Which member owned which partition, and when, as the members report it."""
        for member in self.members.values():
            since: dict[int, float] = {}
            for event in list(member.events):
                if event.kind == "assigned":
                    for partition in event.partitions:
                        since.setdefault(partition, event.time)
                    continue
                taken = since if event.kind in GONE else event.partitions
                if event.kind in (*GONE, "revoked", "lost"):
                    for partition in list(taken):
                        start = since.pop(partition, None)
                        if start is not None:
                            yield Tenure(partition, member.name, start, event.time)
            for partition, start in since.items():
                yield Tenure(partition, member.name, start)

    def share_of(self, name: str) -> list[int]:
        """The partitions that a member owns now."""
        return [partition for partition, owner in self.owners().items() if owner == name]
