"""What one can do to a node: how it is called, by which signal it comes, when it is possible.

>>> ACTIONS["kill"].do(cluster, 1)
"""

from __future__ import annotations

from dataclasses import dataclass

from labs.base.words import Words
from labs.kafka.cluster import ALIVE, DEAD, Cluster, State

words = Words(__file__)


@dataclass(frozen=True)
class Action:
    """Something done to one node.

    `method`: the cluster's. `signal`: what the process gets, if it is one. `allowed`: the states in
    which it is possible. `silences`: the node answers no more afterwards; else it answers again.
    """

    name: str
    method: str
    signal: str
    allowed: tuple[State, ...]
    silences: bool

    @property
    def doing(self) -> str:
        """For a sentence: “killing broker 1”."""
        return words(f"action.{self.name}.doing")

    @property
    def done(self) -> str:
        """For a sentence: “broker 1 was killed”."""
        return words(f"action.{self.name}.done")

    @property
    def tip(self) -> str:
        """Signal and meaning, for a button or a command's help."""
        means = words(f"action.{self.name}.means")
        return f"{self.signal}: {means}" if self.signal else means

    def do(self, cluster: Cluster, node_id: int) -> None:
        """Do it; returns when it is done.

        Raises:
            BadInput: the cluster has no such node.
            LabsError: it could not be done.
        """
        getattr(cluster, self.method)(node_id)


#: By the names that the commands, the buttons and the recorded faults have.
ACTIONS = {
    action.name: action
    for action in (
        Action("kill", "kill", "SIGKILL", ALIVE, silences=True),
        Action("pause", "pause", "SIGSTOP", (State.RUNNING,), silences=True),
        Action("resume", "resume", "SIGCONT", (State.PAUSED,), silences=False),
        Action("stop", "stop_broker", "SIGTERM", (State.RUNNING,), silences=True),
        Action("start", "start_broker", "", (State.STOPPING, *DEAD), silences=False),
    )
}

#: What brings a node in that state back.
MENDING = {State.PAUSED: "resume", **dict.fromkeys((State.STOPPING, *DEAD), "start")}
