"""The nodes of the learner's own cluster, one by one: kill, pause, stop, start, and what was done.

Each is a fault, and is written down. Whoever changes something holds the home's lock meanwhile.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.kafka import faultlog
from labs.kafka.cluster import (
    ALIVE,
    ANSWERING,
    CONTROLLER_ID,
    DEAD,
    Cluster,
    Fault,
    Node,
    State,
    in_words,
    label_of,
)
from labs.kafka.config import SESSION_S
from labs.kafka.refusals import CUT_SHORT, Unfinished, known, require_room, require_state
from labs.kafka.registration import take_away
from labs.kafka.starting import Starting, brokers_of, controller_of, nodes_of
from labs.supervise.lifecycle import on_free_ports
from labs.supervise.runner import Runner

words = Words(__file__)

#: A JVM takes about that long until it asks the controller to be registered, s.
BOOT_S = 1.0


class Breakable(Cluster):
    """A cluster whose nodes may be broken and mended.

    Args:
        runner: who runs them.
        tell: hears what a start is doing.
    """

    def __init__(self, runner: Runner, tell: Tell = silent) -> None:
        self.runner = runner
        self.home = runner.home
        self.tell = tell
        self.starting = Starting(runner, lambda text, part: self.tell(text, part))

    def hush(self) -> None:
        self.tell = silent

    @property
    def can_break(self) -> bool:
        """Processes of ours can be broken at will."""
        return True

    def faults(self) -> list[Fault]:
        return faultlog.read(self.home.faults_file)

    def kill(self, node_id: int) -> None:
        with self._changing(node_id, "kill", ALIVE):
            self.runner.kill([node_id])
            self.runner.note([node_id], State.KILLED)

    def pause(self, node_id: int) -> None:
        with self._changing(node_id, "pause", (State.RUNNING,)):
            self.runner.freeze(node_id)

    def resume(self, node_id: int) -> None:
        with self._changing(node_id, "resume", (State.PAUSED,)):
            self.runner.thaw([node_id])

    def stop_broker(self, node_id: int) -> None:
        with self._changing(node_id, "stop", ANSWERING) as node:
            self.tell(words("stopping.node", label=node.label), None)
            self.runner.note([node_id], State.STOPPED)
            self.runner.terminate([node_id])
            if self.runner.wait_gone([node_id], self.runner.stop_timeout_s):
                raise Unfinished(node, self.runner.stop_timeout_s, self.runner.log_file(node_id))

    def start_broker(self, node_id: int, static: Mapping[str, str] | None = None) -> None:
        self.runner.provide(self.tell)
        self._require_up()
        self._require_controller(node_id)
        self.outlast_session(node_id)
        with self._changing(node_id, "start", (*DEAD, State.STOPPING)) as node:
            if node.state is State.STOPPING:
                self.starting.see_out([node])
            self.starting.serve(node_id, static)

    def add_broker(self) -> int:
        self.runner.provide(self.tell)
        self._require_up()
        with self.home.lock(tell=self.tell):
            self._require_up()
            brokers = [node.id for node in brokers_of(self.runner)]
            new = max(brokers) + 1
            require_room(len(brokers))
            self._require_controller(new)
            when = now()

            def added(attempt: int) -> None:
                try:
                    self.runner.add(new, attempt)
                    self.starting.serve(new)
                except BaseException:
                    with contextlib.suppress(LabsError):
                        take_away(self.runner, [new])  # or every later start would try again
                    raise

            on_free_ports(added)
            faultlog.record(self.home.faults_file, "add", new, when=when)
        return new

    @contextmanager
    def _changing(self, node_id: int, action: str, allowed: tuple[State, ...]) -> Iterator[Node]:
        """Hold the lock, hand out the node if its state allows it, then record the fault."""
        self._require_up()  # before the lock, whose file would make a home
        with self.home.lock(tell=self.tell):
            self._require_up()
            node = known(nodes_of(self.runner), node_id)
            require_state(node, allowed)
            with self._written_down(action, node_id):
                yield node

    def _require_up(self) -> None:
        if not self.runner.is_up:
            raise LabsError(words("not_up.what"), hint=words("not_up.hint"))

    @contextmanager
    def _written_down(self, action: str, node_id: int) -> Iterator[None]:
        """Record as a fault what the block does; also if it began and was cut short.

        Raises:
            LabsError: it was done, and can't be written down.
        """
        when, cut_short = now(), None
        try:
            yield
        except CUT_SHORT as error:
            cut_short = error
        try:
            faultlog.record(self.home.faults_file, action, node_id, when=when)
        except OSError as error:
            raise LabsError(
                words("unwritten.what", action=action, id=node_id, error=error.strerror),
                hint=words("unwritten.hint"),
            ) from None
        if cut_short:
            raise cut_short

    def _require_controller(self, node_id: int) -> None:
        """A broker that starts waits for the controller to let it in; none would say why.

        Raises:
            LabsError: the controller does not run.
        """
        controller = controller_of(self.runner)
        if node_id == CONTROLLER_ID or controller is None or controller.state is State.RUNNING:
            return
        cure = "resume" if controller.state is State.PAUSED else "start"
        raise LabsError(
            words("no_controller.what", state=in_words(controller.state)),
            hint=words("no_controller.hint", cure=cure, id=CONTROLLER_ID),
        )

    def outlast_session(self, node_id: int) -> None:
        """Wait while the controller still takes a dead broker for a living one.

        It would refuse it (DUPLICATE_BROKER_REGISTRATION), and who is refused asks again after
        0.1, 0.2, 0.4 … 3.2 s: a broker that starts too early may register seconds too late.
        """
        ends = [f.time for f in self.faults() if f.node == node_id and f.action in ("kill", "stop")]
        if not ends or node_id == CONTROLLER_ID:
            return
        left = ends[-1] + SESSION_S - BOOT_S - now()
        if 0 < left <= SESSION_S:  # of another boot's faults only the time of day is known
            self.tell(words("starting.outlasting", node=label_of(node_id)), None)
            time.sleep(left)
