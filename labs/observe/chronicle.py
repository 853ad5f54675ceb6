"""What happened to the cluster, in sentences: the faults, and what followed from each.

A measured time is the time of the first snapshot that shows the change, minus the time of the
fault. It is too long by one sampling interval at most, and by the time a snapshot takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labs.base.clock import now
from labs.base.words import Words
from labs.kafka.actions import ACTIONS
from labs.kafka.cluster import Fault, label_of
from labs.observe.snapshot import ClusterSnapshot

words = Words(__file__)

#: How many events are kept.
EVENTS = 6
#: For how long an effect of a fault is awaited, s.
AWAIT_S = 30.0
#: A change that comes later than this is not an effect of the fault, s.
CAUSE_S = 10 * AWAIT_S


@dataclass(frozen=True)
class Event:
    """One sentence. `time` is by `labs.base.clock`; `fault`: what it tells of, if it is one."""

    time: float
    text: str
    fault: Fault | None = None


class Chronicle:
    """Turns faults and snapshots into events, and measures from the one to the other."""

    def __init__(self) -> None:
        self.events: list[Event] = []  # the last few, oldest first
        self._told: int | None = None  # how many of the cluster's faults have been told
        self._last: dict[int, Fault] = {}  # the last fault of each node
        self._own: list[Fault] = []  # announced, not yet recorded by the cluster
        self._leaders: dict[str, int] = {}  # the last broker that led, by partition
        self._leaderless: set[str] = set()
        self._isr: dict[str, frozenset[int]] = {}

    def announce(self, action: str, node: int) -> Fault:
        """Note a fault at the moment it begins: a stop is recorded only when it has ended."""
        fault = Fault(now(), action, node)
        self._own.append(fault)
        self._happened(fault)
        return fault

    def withdraw(self, fault: Fault) -> None:
        """Take back an announced fault: it did not happen."""
        if fault in self._own:
            self._own.remove(fault)
        self._last = {n: f for n, f in self._last.items() if f is not fault}
        self._forget(fault)

    def observe(self, faults: Sequence[Fault], snapshot: ClusterSnapshot) -> None:
        """Add the faults that the cluster recorded, and the changes that a snapshot shows."""
        if self._told is None:
            self._told = len(faults)  # earlier faults are not told
        if self._told > len(faults):
            self._told = 0  # the record was wiped, and begins anew
        for fault in faults[self._told :]:
            self._recorded(fault)
        self._told = len(faults)
        if snapshot.reachable:
            self._leader_changes(snapshot)
            self._isr_changes(snapshot)

    def awaiting(self, snapshot: ClusterSnapshot) -> bool:
        """Whether a recent fault has not shown all of its effect yet."""
        recent = {
            node: ACTIONS[fault.action].silences
            for node, fault in self._last.items()
            if snapshot.time - fault.time < AWAIT_S
        }
        return any(
            (broker in p.isr or broker == p.leader) == silenced
            for p in snapshot.partitions
            for broker in p.replicas
            if (silenced := recent.get(broker)) is not None
        )

    def _recorded(self, fault: Fault) -> None:
        for own in self._own:
            if (own.action, own.node) == (fault.action, fault.node):
                self._own.remove(own)
                self._forget(own)  # the cluster's own time stamp is the better one
                break
        self._happened(fault)

    def _happened(self, fault: Fault) -> None:
        if fault.node is not None and fault.action in ACTIONS:  # not so a change of settings
            self._last[fault.node] = fault
        self._tell(fault.time, _sentence(fault), fault)

    def _forget(self, fault: Fault) -> None:
        self.events = [event for event in self.events if event.fault is not fault]

    def _leader_changes(self, s: ClusterSnapshot) -> None:
        changes: dict[tuple[int | None, int], list[str]] = {}
        for p in s.partitions:
            before = self._leaders.get(p.name)
            if p.leader is None:
                if before is not None and p.name not in self._leaderless:
                    changes.setdefault((None, before), []).append(p.name)
                    self._leaderless.add(p.name)
                continue
            back = p.name in self._leaderless
            if before is not None and (before != p.leader or back):
                changes.setdefault((p.leader, p.leader if back else before), []).append(p.name)
            self._leaderless.discard(p.name)
            self._leaders[p.name] = p.leader
        for (leader, cause), names in changes.items():
            what = "nobody_leads" if leader is None else "leads"
            told = words(f"chronicle.{what}", broker=leader, partitions=_some(names))
            self._change(told, cause, s.time, silenced=leader != cause, subject=leader)

    def _isr_changes(self, s: ClusterSnapshot) -> None:
        changes: dict[tuple[int, bool], list[str]] = {}
        for p in s.partitions:
            isr, before = frozenset(p.isr), self._isr.get(p.name)
            if before is not None:
                for broker in sorted(isr ^ before):
                    changes.setdefault((broker, broker in isr), []).append(p.name)
            self._isr[p.name] = isr
        for (broker, back), names in changes.items():
            what = "back_in_isr" if back else "left_isr"
            told = words(f"chronicle.{what}", broker=broker, partitions=_some(names))
            self._change(told, broker, s.time, silenced=not back, subject=broker)

    def _change(
        self, told: str, node: int, when: float, *, silenced: bool, subject: int | None
    ) -> None:
        """Tell a change, and how long after the node's last fault, if that can have caused it."""
        fault = self._last.get(node)
        if fault and when - fault.time <= CAUSE_S and ACTIONS[fault.action].silences == silenced:
            who = words("chronicle.it") if node == subject else label_of(node)
            done, after_ms = ACTIONS[fault.action].done, 1000 * (when - fault.time)
            told = words("chronicle.after", told=told, ms=after_ms, node=who, done=done)
        self._tell(when, told)

    def _tell(self, when: float, text: str, fault: Fault | None = None) -> None:
        # A fault may be recorded after its effect was seen, so events are sorted by time.
        events = sorted([*self.events, Event(when, text, fault)], key=lambda event: event.time)
        self.events = events[-EVENTS:]


def _sentence(fault: Fault) -> str:
    node = words("chronicle.cluster") if fault.node is None else label_of(fault.node)
    others = words.under("chronicle.others")  # what is done to no single node's process
    known = fault.action in ACTIONS
    done = ACTIONS[fault.action].done if known else others.get(fault.action, fault.action)
    how = "done_with" if fault.detail else "done"
    return words(f"chronicle.{how}", node=node, done=done, detail=fault.detail)


def _some(names: Sequence[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return words("chronicle.some", first=names[0], more=len(names) - 1)
