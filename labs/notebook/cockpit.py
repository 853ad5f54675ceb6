"""The live picture with buttons: see the cluster, break it, watch it mend itself.

>>> from labs import cockpit
>>> cockpit(cluster, "flights")            # in a notebook: the picture, a row of buttons, a log
>>> cockpit(cluster).run("kill", 1)        # what the Kill button of broker 1 does; blocks

One thread looks at the cluster twice a second, and every 80 ms while somebody waits for an
election. It alone writes the picture and the log, straight from that thread: a task on the
kernel's main loop would stand still as long as a cell runs, which is just when one wants to look.
These widgets only ever speak to the browser, never back, so there is nothing to race with.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import Any, TypeVar

import ipywidgets as w

from labs.base.clock import now, wall
from labs.base.errors import BadInput, LabsError
from labs.charts.style import FONT, INK, MUTED
from labs.charts.topology import headline, topology_svg
from labs.kafka.cluster import ALIVE, CONTROLLER_ID, DEAD, Cluster, Fault, Node, State
from labs.observe.snapshot import ClusterSnapshot, Observer

T = TypeVar("T")

SLOW_S = 0.5  # between two looks
FAST_S = 0.08  # between two looks while an election is awaited: the resolution of the ms shown
AWAIT_S = 30.0  # after so long without the expected change, look slowly again
SLEEP_AFTER_S = 600.0  # nobody pressed and nothing changed: stop looking
EVENTS = 6  # lines of the log


@dataclass(frozen=True)
class _Action:
    """One button: the cluster's method, the words for it, and when it makes sense."""

    method: str
    doing: str
    done: str
    icon: str
    tip: str
    allowed: tuple[State, ...]


ACTIONS = {
    "kill": _Action(
        "kill", "killing", "was killed", "bolt",
        "SIGKILL: gone without a word", ALIVE,
    ),
    "pause": _Action(
        "pause", "pausing", "was paused", "pause",
        "SIGSTOP: keeps its connections, answers nobody", (State.RUNNING,),
    ),
    "resume": _Action(
        "resume", "resuming", "was resumed", "play",
        "SIGCONT: goes on where it stood", (State.PAUSED,),
    ),
    "stop": _Action(
        "stop_broker", "stopping", "was stopped", "power-off",
        "SIGTERM: hands its leaderships over, then ends", (State.RUNNING,),
    ),
    "start": _Action(
        "start_broker", "starting", "was started", "play-circle",
        "Start it again, on its old data", (State.STOPPING, *DEAD),
    ),
}  # fmt: skip
_SLOTS = (("kill",), ("pause", "resume"), ("stop", "start"))  # one of each pair is to be seen
_MENDING = {State.PAUSED: "resume", **dict.fromkeys((State.STOPPING, *DEAD), "start")}
_OTHERS = {"add": "was added", "configure": "was configured", "reset": "was reset"}
_SILENCING = ("kill", "pause", "stop")
_WAKING = ("resume", "start")


# --- what happened --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One line of the log. `time` is in seconds since the epoch."""

    time: float
    text: str


class Chronicle:
    """Turns faults and snapshots into events, and measures from the one to the other.

    A measured time is that of the first snapshot which shows the change, less that of the fault. It
    is too long by at most one sampling interval, and what a snapshot takes where nobody answers.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []  # the last few, oldest first
        self._told: int | None = None  # how many of the cluster's faults we have seen
        self._last: dict[int, Fault] = {}  # the last fault of each node
        self._own: list[Fault] = []  # announced by us, not yet told by the cluster
        self._leaders: dict[str, int] = {}  # the last broker that led, by partition
        self._orphans: set[str] = set()
        self._isr: dict[str, frozenset[int]] = {}

    def announce(self, action: str, node: int) -> Fault:
        """Note a fault at the moment it begins: a stop is recorded only when it has ended."""
        fault = Fault(now(), action, node)
        self._own.append(fault)
        self._happened(fault)
        return fault

    def withdraw(self, fault: Fault) -> None:
        """It did not happen after all."""
        if fault in self._own:
            self._own.remove(fault)
        self._last = {n: f for n, f in self._last.items() if f is not fault}
        self._forget(fault)

    def observe(self, faults: Sequence[Fault], snapshot: ClusterSnapshot) -> None:
        """Take in what the cluster recorded and what it looks like."""
        if self._told is None:
            self._told = len(faults)  # what was before us is not our story
        if self._told > len(faults):
            self._told = 0  # the record was wiped, and begins anew
        for fault in faults[self._told :]:
            self._recorded(fault)
        self._told = len(faults)
        if snapshot.reachable:
            self._leader_moves(snapshot)
            self._isr_changes(snapshot)

    def awaiting(self, snapshot: ClusterSnapshot) -> bool:
        """Whether a recent fault has not shown all of its effect yet."""
        recent = {
            node: fault.action in _SILENCING
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
        self._tell(fault.time, _sentence(fault))

    def _forget(self, fault: Fault) -> None:
        self.events = [e for e in self.events if e != Event(fault.time, _sentence(fault))]

    def _leader_moves(self, s: ClusterSnapshot) -> None:
        moves: dict[tuple[int | None, int], list[str]] = {}
        for p in s.partitions:
            before = self._leaders.get(p.name)
            if p.leader is None:
                if before is not None and p.name not in self._orphans:
                    moves.setdefault((None, before), []).append(p.name)
                    self._orphans.add(p.name)
                continue
            back = p.name in self._orphans
            if before is not None and (before != p.leader or back):
                moves.setdefault((p.leader, p.leader if back else before), []).append(p.name)
            self._orphans.discard(p.name)
            self._leaders[p.name] = p.leader
        for (leader, cause), names in moves.items():
            what = f"broker {leader} leads" if leader is not None else "no broker leads"
            causes = _WAKING if leader == cause else _SILENCING
            since = self._since(cause, causes, s.time, subject=leader)
            self._tell(s.time, f"{what} {_some(names)}{since}")

    def _isr_changes(self, s: ClusterSnapshot) -> None:
        changes: dict[tuple[int, str], list[str]] = {}
        for p in s.partitions:
            now, before = frozenset(p.isr), self._isr.get(p.name)
            if before is not None:
                for broker in sorted(now ^ before):
                    verb = "is back in the ISR of" if broker in now else "left the ISR of"
                    changes.setdefault((broker, verb), []).append(p.name)
            self._isr[p.name] = now
        for (broker, verb), names in changes.items():
            causes = _WAKING if verb.startswith("is back") else _SILENCING
            since = self._since(broker, causes, s.time, subject=broker)
            self._tell(s.time, f"broker {broker} {verb} {_some(names)}{since}")

    def _since(
        self, node: int, causes: tuple[str, ...], when: float, subject: int | None = None
    ) -> str:
        """The time since the node's last fault, if that can have caused what is told."""
        fault = self._last.get(node)
        if fault is None or fault.action not in causes or when - fault.time > 10 * AWAIT_S:
            return ""
        who = "it" if node == subject else _node_name(node)
        return f", {1000 * (when - fault.time):,.0f} ms after {who} {ACTIONS[fault.action].done}"

    def _tell(self, when: float, text: str) -> None:
        # A fault may be told after what followed from it, so the order is that of the clock.
        events = sorted([*self.events, Event(when, text)], key=lambda event: event.time)
        self.events = events[-EVENTS:]


def _sentence(fault: Fault) -> str:
    done = ACTIONS[fault.action].done if fault.action in ACTIONS else _OTHERS.get(fault.action)
    detail = f" ({fault.detail})" if fault.detail else ""
    return f"{_node_name(fault.node)} {done or fault.action}{detail}"


def _node_name(node: int | None) -> str:
    if node is None:
        return "the cluster"
    return "the controller" if node == CONTROLLER_ID else f"broker {node}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more"


# --- the widget -----------------------------------------------------------------------------------


class Cockpit:
    """The cluster as a live picture, with buttons that break and mend it.

    Display it as the last line of a cell, or put its `widget` into a layout of your own.
    For browser tests it carries the classes `t-board`, `t-status`, `t-log`, `t-refresh`, `t-mend`
    and, for each broker, `t-kill-1`, `t-pause-1`, `t-resume-1`, `t-stop-1`, `t-start-1`.

    Args:
        cluster: the cluster to look at and to break.
        topic: show only this one; None shows all but Kafka's own.
    """

    def __init__(self, cluster: Cluster, topic: str | None = None) -> None:
        self.cluster = cluster
        self.chronicle = Chronicle()
        self.snapshot: ClusterSnapshot | None = None
        self.failure: BaseException | None = None  # what ended the thread, if anything did
        self._observer = Observer(cluster, topic)
        self._looking = threading.Lock()  # one look at a time, so that none overtakes another
        self._lock = threading.RLock()  # guards everything below, and the chronicle
        self._busy: dict[int, str] = {}
        self._complaint = ""
        self._touched = time.monotonic()
        self._drawn: object = None
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._build()

    # -- for the reader ------------------------------------------------------------------------

    @property
    def widget(self) -> w.Widget:
        """The widget itself, for layouts; asking for it starts the looking."""
        self._start_looking()
        return self._box

    def run(self, action: str, broker_id: int) -> None:
        """Do what the button does, and wait until it is done.

        Args:
            action: one of "kill", "pause", "resume", "stop", "start".
            broker_id: 1, 2, 3 …; 100 is the controller.

        Raises:
            BadInput: there is no such action or broker.
            LabsError: it could not be done. The status line tells it, too.
        """
        if action not in ACTIONS:
            raise BadInput(f"there is no action {action!r}", hint=f"one of {', '.join(ACTIONS)}")
        self._start_looking()
        what, who = ACTIONS[action], _node_name(broker_id)
        began = time.monotonic()
        with self._doing(broker_id, f"{what.doing} {who} …"), self._announced(action, broker_id):
            getattr(self.cluster, what.method)(broker_id)
        self._say(f"{who[:1].upper()}{who[1:]} {what.done} (that took {_ms(began)}).")

    def mend(self) -> None:
        """Resume every paused node, start every dead or stopping one, the controller first; blocks.

        Raises:
            LabsError: one of them can't be started.
        """
        broken = [n for n in self.cluster.status().nodes if n.state in _MENDING]
        for node in sorted(broken, key=lambda n: n.id, reverse=True):
            with suppress(
                LabsError
            ):  # somebody may mend as we do: by the button and by a cell, say
                self.run(_MENDING[node.state], node.id)
        self.cluster.start()  # it looks at all of them, and tells what can't be mended
        self._say("Every node runs.")

    def refresh(self) -> ClusterSnapshot:
        """Look at once, and go on looking."""
        self._touch()
        self._start_looking()
        return self._look()

    def wait_for_leader(self, topic: str, partition: int = 0) -> int:
        """The broker that leads a partition and runs; waits until there is one.

        Kafka goes on naming a dead leader until the controller has given it up: that one is not
        meant.

        Raises:
            LabsError: no broker runs, or none has come to lead within `AWAIT_S`.
        """

        def leads(seen: ClusterSnapshot) -> int | None:
            found = seen.partition(topic, partition)
            led = found is not None and found.leader is not None and seen.running(found.leader)
            return found.leader if found and led else None

        return self._wait_for(f"no broker that runs leads {topic}-{partition}", leads)

    def wait_for_full_isr(self, topic: str, partition: int = 0) -> None:
        """Wait until every replica of a partition is in its ISR.

        Raises:
            LabsError: no broker runs, or it has not come to that within `AWAIT_S`.
        """

        def is_full(seen: ClusterSnapshot) -> bool | None:
            found = seen.partition(topic, partition)
            return True if found and not found.out_of_sync else None

        self._wait_for(f"the ISR of {topic}-{partition} lacks a replica", is_full)

    def _wait_for(self, otherwise: str, wanted: Callable[[ClusterSnapshot], T | None]) -> T:
        deadline = time.monotonic() + AWAIT_S
        while (found := wanted(seen := self.refresh())) is None:
            if time.monotonic() > deadline or not any(seen.running(n.id) for n in seen.brokers):
                raise LabsError(otherwise, hint="press *Mend all*, and run this again")
            time.sleep(FAST_S)
        return found

    def close(self) -> None:
        """Stop looking; the last picture stays."""
        with self._lock:
            self._closed = True
        self._wake.set()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)
        self._observer.close()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The live widget, and a still picture for pages without a kernel (GitHub, nbviewer)."""
        with self._complained():
            self.refresh()
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_() or {})
        if self.snapshot:
            bundle["image/svg+xml"] = topology_svg(self.snapshot)
            bundle["text/plain"] = headline(self.snapshot)
        return bundle

    # -- building ------------------------------------------------------------------------------

    def _build(self) -> None:
        self._picture = w.HTML()
        self._picture.add_class("t-picture")
        self._status = w.HTML()
        self._status.add_class("t-status")
        self._log = w.HTML()
        self._log.add_class("t-log")
        self._columns: dict[int, dict[str, w.Button]] = {}
        self._buttons = w.HBox(
            layout=w.Layout(max_width="900px", padding="0 20px", grid_gap="14px")
        )
        bar = w.HBox(
            [self._status, *self._tools()],
            layout=w.Layout(max_width="900px", align_items="center", padding="4px 20px"),
        )
        self._status.layout.flex = "1 1 auto"
        self._box = w.VBox([w.HTML(_CSS), self._picture, self._buttons, bar, self._log])
        self._box.add_class("t-board")
        self._say("")

    def _tools(self) -> list[w.Button]:
        mend = _button("Mend all", "wrench", "Resume every paused node, start every dead one")
        refresh = _button("Refresh", "refresh", "Look now")
        mend.add_class("t-mend")
        refresh.add_class("t-refresh")
        mend.on_click(lambda _: self._in_background(self.mend))
        refresh.on_click(lambda _: self._in_background(self.refresh))
        return [mend, refresh] if self.cluster.can_break else [refresh]

    def _column(self, broker: int) -> dict[str, w.Button]:
        buttons = {}
        for name, action in ACTIONS.items():
            button = _button(name.capitalize(), action.icon, f"{action.tip} (broker {broker})")
            button.layout = w.Layout(flex="1 1 0", width="auto", min_width="0")
            button.add_class("labs-act")
            button.add_class(f"t-{name}-{broker}")
            button.on_click(partial(self._clicked, name, broker))
            buttons[name] = button
        return buttons

    # -- pressing ------------------------------------------------------------------------------

    def _clicked(self, action: str, broker: int, _: object = None) -> None:
        # In whatever thread the kernel runs callbacks: say so at once, and do the work elsewhere.
        self._say(f"{ACTIONS[action].doing} broker {broker} …")
        for button in self._columns.get(broker, {}).values():
            button.disabled = True
        self._in_background(partial(self.run, action, broker))

    def _in_background(self, work: Any) -> None:
        self._touch()

        def quietly() -> None:
            with self._complained():
                work()

        threading.Thread(target=quietly, name="labs-cockpit-action", daemon=True).start()

    @contextmanager
    def _complained(self) -> Iterator[None]:
        """A LabsError becomes a sentence in the status line; a bug stays loud."""
        try:
            yield
        except LabsError as error:
            self._say(str(error), bad=True)
        except Exception as error:
            self._say(f"A bug in the cockpit: {error!r}", bad=True)
            raise

    @contextmanager
    def _doing(self, node: int, what: str) -> Iterator[None]:
        with self._lock:
            self._busy[node] = what
        self._say(what)
        self._touch()
        try:
            yield
        except LabsError as error:
            self._say(str(error), bad=True)
            raise
        finally:
            with self._lock:
                self._busy.pop(node, None)
            self._touch()

    @contextmanager
    def _announced(self, action: str, node: int) -> Iterator[None]:
        with self._lock:
            fault = self.chronicle.announce(action, node)
        try:
            yield
        except BaseException:
            with self._lock:
                self.chronicle.withdraw(fault)
            raise

    def _say(self, text: str, *, bad: bool = False) -> None:
        role = "alert" if bad else "status"
        mark = "⚠ " if bad else ""
        self._status.value = (
            f'<div role="{role}" aria-live="polite" class="labs-status{" labs-bad" * bad}">'
            f"{mark}{escape(text)}</div>"
        )

    # -- looking -------------------------------------------------------------------------------

    def _touch(self) -> None:
        self._touched = time.monotonic()
        self._wake.set()

    def _start_looking(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._closed = False
                self._thread = threading.Thread(
                    target=self._watch, name="labs-cockpit", daemon=True
                )
                self._thread.start()

    def _watch(self) -> None:
        while not self._closed:
            self._wake.clear()
            try:
                self._look()
                self._cleared()
            except LabsError as error:
                self._complain(str(error))
            except BaseException as error:
                self.failure = error
                self._say(f"A bug in the cockpit: {error!r}", bad=True)
                raise
            if time.monotonic() - self._touched > SLEEP_AFTER_S:
                self._rest()
            else:
                self._wake.wait(self._pause())

    def _look(self) -> ClusterSnapshot:
        """Take a snapshot, write it into the log, and draw what changed."""
        with self._looking:
            snapshot = self._observer.snapshot()
            faults = self.cluster.faults()
            with self._lock:
                self.chronicle.observe(faults, snapshot)
                self.snapshot = snapshot
                self._draw(snapshot)
        return snapshot

    def _rest(self) -> None:
        self._say("Resting: nothing happened for 10 minutes. Press Refresh to go on.")
        self._wake.wait()
        if "Resting" in self._status.value:  # whoever woke us may have spoken already
            self._say("")

    def _pause(self) -> float:
        """How long to wait for the next look, s."""
        with self._lock:
            busy = bool(self._busy)
            waiting = self.snapshot is not None and self.chronicle.awaiting(self.snapshot)
        return FAST_S if busy or waiting else SLOW_S

    def _draw(self, snapshot: ClusterSnapshot) -> None:
        # Only what changed goes to the browser: the time alone is no change.
        told = (replace(snapshot, time=0), tuple(self.chronicle.events), dict(self._busy))
        if told == self._drawn:
            return
        self._drawn, self._touched = told, time.monotonic()
        self._picture.value = topology_svg(snapshot)
        self._log.value = _log_html(self.chronicle.events)
        if self.cluster.can_break:
            self._draw_buttons(snapshot)

    def _draw_buttons(self, snapshot: ClusterSnapshot) -> None:
        ids = [n.id for n in snapshot.brokers]
        if ids != list(self._columns):
            self._columns = {i: self._columns.get(i) or self._column(i) for i in ids}
            self._buttons.children = [
                w.HBox(list(buttons.values()), layout=w.Layout(flex="1 1 0", width="auto"))
                for buttons in self._columns.values()
            ]
        for node in snapshot.brokers:
            self._enable(node)

    def _enable(self, node: Node) -> None:
        buttons = self._columns[node.id]
        for slot in _SLOTS:
            possible = [a for a in slot if node.state in ACTIONS[a].allowed]
            seen = possible[0] if possible else slot[0]
            for name in slot:
                buttons[name].layout.display = None if name == seen else "none"
                buttons[name].disabled = name not in possible or node.id in self._busy

    def _complain(self, text: str) -> None:
        if text != self._complaint:  # once, not twice a second
            self._complaint = text
            self._say(text, bad=True)

    def _cleared(self) -> None:
        if self._complaint:
            self._complaint = ""
            self._say("The cluster is back in sight.")


_CSS = f"""<style>
.labs-status, .labs-log {{ font-family: {FONT}; font-size: 13px; line-height: 1.5; }}
.labs-status {{ min-height: 1.5em; color: var(--jp-ui-font-color1, {INK}); white-space: normal; }}
.labs-bad {{ color: var(--jp-error-color1, #A03C00); font-weight: 600; }}
.labs-log {{ margin: 0 20px; min-height: 130px; color: var(--jp-ui-font-color1, {INK}); }}
.t-board {{ container-type: inline-size; }}
.labs-act {{ padding: 0 4px; }}
@container (max-width: 800px) {{ .labs-act .fa {{ display: none; }} }}
.labs-log td {{ padding: 0 14px 0 0; text-align: left; vertical-align: top; }}
.labs-log time {{ color: var(--jp-ui-font-color2, {MUTED}); font-variant-numeric: tabular-nums; }}
</style>"""


def _button(label: str, icon: str, tip: str) -> w.Button:
    return w.Button(description=label, icon=icon, tooltip=tip, layout=w.Layout(width="auto"))


def _log_html(events: Sequence[Event]) -> str:
    rows = "".join(
        f"<tr><td><time>{_clock(event.time)}</time></td><td>{escape(event.text)}</td></tr>"
        for event in reversed(events)
    )
    nothing = "<tr><td>Nothing has happened yet.</td></tr>"
    table = f'<table aria-label="What happened, latest first">{rows or nothing}</table>'
    return f'<div class="labs-log">{table}</div>'  # of one height, so that nothing below it jumps


def _clock(when: float) -> str:
    epoch_s = wall(when)
    ms = int(1000 * epoch_s) % 1000
    return f"{time.strftime('%H:%M:%S', time.localtime(epoch_s))}.{ms:03d}"


def _ms(began: float) -> str:
    return f"{1000 * (time.monotonic() - began):,.0f} ms"
