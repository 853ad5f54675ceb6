"""What one can do to a node: how it is called, by which signal it comes, when it is possible.

>>> ACTIONS["kill"].do(cluster, 1)
"""

from __future__ import annotations

from dataclasses import dataclass

from labs.kafka.cluster import ALIVE, DEAD, Cluster, State


@dataclass(frozen=True)
class Action:
    """Something done to one node.

    `method`: the cluster's. `doing`, `done`: for sentences (“killing broker 1”, “broker 1 was
    killed”). `signal`: what the process gets, if it is one. `means`: what that does to it.
    `allowed`: the states in which it is possible. `silences`: the node answers no more afterwards;
    else it answers again.
    """

    method: str
    doing: str
    done: str
    signal: str
    means: str
    allowed: tuple[State, ...]
    silences: bool

    @property
    def tip(self) -> str:
        """Signal and meaning, for a button or a command's help."""
        return f"{self.signal}: {self.means}" if self.signal else self.means

    def do(self, cluster: Cluster, node_id: int) -> None:
        """Do it; returns when it is done.

        Raises:
            BadInput: the cluster has no such node.
            LabsError: it could not be done.
        """
        getattr(cluster, self.method)(node_id)


#: By the names that the commands, the buttons and the recorded faults have.
ACTIONS = {
    "kill": Action(
        "kill", "killing", "was killed",
        "SIGKILL", "it ends at once", ALIVE, silences=True,
    ),
    "pause": Action(
        "pause", "pausing", "was paused",
        "SIGSTOP", "it keeps its connections and answers nobody", (State.RUNNING,), silences=True,
    ),
    "resume": Action(
        "resume", "resuming", "was resumed",
        "SIGCONT", "it goes on where it was paused", (State.PAUSED,), silences=False,
    ),
    "stop": Action(
        "stop_broker", "stopping", "was stopped",
        "SIGTERM", "it hands its leaderships over, then ends", (State.RUNNING,), silences=True,
    ),
    "start": Action(
        "start_broker", "starting", "was started",
        "", "it starts again, on its old data", (State.STOPPING, *DEAD), silences=False,
    ),
}  # fmt: skip

#: What brings a node in that state back.
MENDING = {State.PAUSED: "resume", **dict.fromkeys((State.STOPPING, *DEAD), "start")}
