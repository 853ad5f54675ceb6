"""The live picture with buttons: see the cluster, break it, watch it recover.

>>> from labs import cockpit
>>> cockpit(cluster, "flights")            # in a notebook: the picture, a row of buttons, a log
>>> cockpit(cluster).run("kill", 1)        # what the Kill button of broker 1 does; blocks

It subscribes to the sampler: twice a second, and every 80 ms while an election is awaited. The
sampler's thread writes the picture and the log: a task on the kernel's main loop would stop
while a cell runs, which is just when one wants to look. These widgets only ever speak to the
browser, never back, so there is nothing to race with.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import ipywidgets as w

from labs.base.errors import BadInput, LabsError
from labs.base.words import Words
from labs.charts.topology import headline, topology_svg
from labs.kafka.actions import ACTIONS, MENDING
from labs.kafka.cluster import Cluster, label_of
from labs.notebook.cockpit_view import CockpitView
from labs.observe.chronicle import AWAIT_S, Chronicle
from labs.observe.feed import FORESEEN
from labs.observe.sampler import Watching, watch
from labs.observe.snapshot import ClusterSnapshot

T = TypeVar("T")

SLOW_S = 0.5  # between two looks
FAST_S = 0.08  # between two looks while an election is awaited: the resolution of the ms shown
REST_AFTER_S = 600.0  # nobody pressed and nothing changed: stop looking
words = Words(__file__)


class Cockpit:
    """The cluster as a live picture, with buttons that break and repair it.

    Display it as the last line of a cell, or put its `widget` into a layout of your own.

    Args:
        cluster: the cluster to look at and to break.
        topic: show only this one; None shows all but Kafka's own.
    """

    def __init__(self, cluster: Cluster, topic: str | None = None) -> None:
        self.cluster, self.topic = cluster, topic
        self.chronicle = Chronicle()
        self.snapshot: ClusterSnapshot | None = None
        self.failure: Exception | None = None  # the bug that ended the looking, if one did
        self._lock = threading.RLock()  # guards all that follows, and the chronicle
        self._watching: Watching | None = None
        self._busy: set[int] = set()
        self._complaint = ""
        self._resting = False
        self._touched = time.monotonic()
        self._view = CockpitView(
            press=self._pressed,
            refresh=partial(self._in_background, self.refresh),
            mend=partial(self._in_background, self.mend),
            can_break=cluster.can_break,
        )

    # -- for the reader ------------------------------------------------------------------------

    @property
    def widget(self) -> w.Widget:
        """The widget itself, for layouts; asking for it starts the looking."""
        if self._watching is None:
            self._look_on()
        return self._view.box

    def run(self, action: str, broker_id: int) -> None:
        """Do what the button does, and wait until it is done.

        Args:
            action: one of "kill", "pause", "resume", "stop", "start".
            broker_id: 1, 2, 3 …; 100 is the controller.

        Raises:
            BadInput: there is no such action or broker.
            LabsError: it could not be done. The status line shows it, too.
        """
        if action not in ACTIONS:
            raise BadInput(
                words("cockpit.no_action", action=action),
                hint=words("one_of", options=", ".join(ACTIONS)),
            )
        what, who = ACTIONS[action], label_of(broker_id)
        began = time.monotonic()
        with (
            self._doing(broker_id, words("cockpit.doing", doing=what.doing, node=who)),
            self._announced(action, broker_id),
        ):
            what.do(self.cluster, broker_id)
        took_ms = 1000 * (time.monotonic() - began)
        node = f"{who[:1].upper()}{who[1:]}"
        self._view.say(words("cockpit.done", node=node, done=what.done, took_ms=took_ms))

    def mend(self) -> None:
        """Resume every paused node, start every dead or stopping one, the controller first; blocks.

        Raises:
            LabsError: one of them can't be started.
        """
        broken = [n for n in self.cluster.status().nodes if n.state in MENDING]
        for node in sorted(broken, key=lambda n: n.id, reverse=True):
            with suppress(LabsError):  # another may repair it: the button and a cell, say
                self.run(MENDING[node.state], node.id)
        self.cluster.start()  # it looks at all of them, and raises where one can't be started
        self._view.say(words("cockpit.mended"))

    def refresh(self) -> ClusterSnapshot:
        """Look at once, and go on looking.

        Raises:
            LabsError: the state of the cluster is not known.
        """
        return self._look_on().look()

    def wait_for_leader(self, topic: str, partition: int = 0) -> int:
        """The broker that leads a partition and runs; waits until there is one.

        Kafka names a dead leader until the controller has fenced it: that one does not count.

        Raises:
            LabsError: no broker runs, or none became the leader within `AWAIT_S`.
        """

        def leads(seen: ClusterSnapshot) -> int | None:
            found = seen.partition(topic, partition)
            led = found is not None and found.leader is not None and seen.running(found.leader)
            return found.leader if found and led else None

        return self._wait_for(words("cockpit.no_leader", topic=topic, partition=partition), leads)

    def wait_for_full_isr(self, topic: str, partition: int = 0) -> None:
        """Wait until every replica of a partition is in its ISR.

        Raises:
            LabsError: no broker runs, or a replica is still missing after `AWAIT_S`.
        """

        def is_full(seen: ClusterSnapshot) -> bool | None:
            found = seen.partition(topic, partition)
            return True if found and not found.out_of_sync else None

        self._wait_for(words("cockpit.isr_lacks", topic=topic, partition=partition), is_full)

    def _wait_for(self, otherwise: str, wanted: Callable[[ClusterSnapshot], T | None]) -> T:
        deadline = time.monotonic() + AWAIT_S
        while (found := wanted(seen := self.refresh())) is None:
            if time.monotonic() > deadline or not any(seen.running(n.id) for n in seen.brokers):
                raise LabsError(otherwise, hint=words("cockpit.repair"))
            time.sleep(FAST_S)
        return found

    def close(self) -> None:
        """Stop looking; the last picture stays."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.close()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The live widget, and a still picture for pages without a kernel (GitHub, nbviewer)."""
        with self._complained():
            self.refresh()
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_() or {})
        if self.snapshot:
            bundle["image/svg+xml"] = topology_svg(self.snapshot)
            bundle["text/plain"] = headline(self.snapshot)
        return bundle

    # -- pressing ------------------------------------------------------------------------------

    def _pressed(self, action: str, broker: int) -> None:
        # In whatever thread the kernel runs callbacks: say so at once, and do the work elsewhere.
        self._view.say(words("cockpit.doing", doing=ACTIONS[action].doing, node=label_of(broker)))
        self._view.disable(broker)
        self._in_background(partial(self.run, action, broker))

    def _in_background(self, work: Callable[[], object]) -> None:
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
            self._view.say(str(error), bad=True)
        except Exception as error:
            self._view.say(words("cockpit.bug", error=error), bad=True)
            raise

    @contextmanager
    def _doing(self, node: int, what: str) -> Iterator[None]:
        with self._lock:
            self._busy.add(node)
        self._look_on()
        self._view.say(what)
        try:
            yield
        except LabsError as error:
            self._view.say(str(error), bad=True)
            raise
        finally:
            with self._lock:
                self._busy.discard(node)
            self._look_on()

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

    # -- looking -------------------------------------------------------------------------------

    def _look_on(self) -> Watching:
        """Subscribe if need be. Somebody is interested, so the time until the rest begins anew."""
        with self._lock:
            self._touched = time.monotonic()
            if self._watching is None or not self._watching.open:
                self._watching = watch(
                    self.cluster, self.topic, every_s=SLOW_S, hear=self._seen, fail=self._unseen
                )
                if self._resting:
                    self._resting = False
                    self._view.say("")
            self._watching.every_s = self._pace_s()
            return self._watching

    def _pace_s(self) -> float:
        """From one look to the next, s."""
        waiting = self.snapshot is not None and self.chronicle.awaiting(self.snapshot)
        return FAST_S if self._busy or waiting else SLOW_S

    def _seen(self, snapshot: ClusterSnapshot) -> None:
        """Write a snapshot into the log, and draw what changed."""
        try:
            faults = self.cluster.faults()
            with self._lock:
                self.chronicle.observe(faults, snapshot)
                self.snapshot = snapshot
                if self._view.draw(snapshot, self.chronicle.events, self._busy):
                    self._touched = time.monotonic()
        except Exception as error:
            self._unseen(error)
            if not isinstance(error, FORESEEN):
                raise
        else:
            if self._complaint:
                self._complaint = ""
                self._view.say(words("cockpit.back"))
            self._go_on_or_rest()

    def _unseen(self, error: Exception) -> None:
        if not isinstance(error, FORESEEN):
            self.failure = error
            self._view.say(words("cockpit.bug", error=error), bad=True)
            return
        if str(error) != self._complaint:  # once, not twice a second
            self._complaint = str(error)
            self._view.say(str(error), bad=True)
        self._go_on_or_rest()

    def _go_on_or_rest(self) -> None:
        with self._lock:
            if self._watching is None:
                return
            self._watching.every_s = self._pace_s()
            if time.monotonic() - self._touched > REST_AFTER_S:
                self._watching.close()
                self._resting = True
                self._view.say(words("cockpit.resting"))
