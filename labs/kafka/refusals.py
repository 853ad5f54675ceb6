"""What every cluster of the learner's own allows, in the same words: local or in containers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from labs.base.errors import BadInput, LabsError
from labs.kafka.cluster import CONTROLLER_ID, Node, State

T = TypeVar("T")

MAX_BROKERS = 6


def known(nodes: Mapping[int, T], node_id: int) -> T:
    """The node of that id.

    Raises:
        BadInput: there is none; the sentence names those that there are.
    """
    if node_id not in nodes:
        names = ", ".join(str(i) for i in nodes)
        raise BadInput(
            f"there is no node {node_id}: the cluster has {names}"
            f" ({CONTROLLER_ID} is the controller)",
            hint="`labs status` shows them",
        )
    return nodes[node_id]


def require_state(node: Node, allowed: tuple[State, ...]) -> None:
    """Whatever is to be done to a node needs it in one of these states.

    Raises:
        LabsError: it is in another; the sentence says the way out.
    """
    if node.state not in allowed:
        ways = {
            State.RUNNING: "nothing needs to be done",
            State.PAUSED: f"`labs resume {node.id}` lets it go on",
            State.STOPPING: f"wait for its end, or end it with `labs kill {node.id}`",
            State.STOPPED: f"`labs start {node.id}` starts it",
            State.KILLED: f"`labs start {node.id}` starts it",
        }
        raise LabsError(f"{node.label} is {node.state}", hint=ways[node.state])


def require_room(brokers: int) -> None:
    """One broker more must fit.

    Raises:
        BadInput: there are enough.
    """
    if brokers >= MAX_BROKERS:
        raise BadInput(
            f"there are {MAX_BROKERS} brokers, and more would not fit a laptop",
            hint="`labs reset --hard` goes back to three",
        )


class Unfinished(LabsError):  # noqa: N818 - it names what happened
    """A node was told to stop, and had not ended in time."""

    def __init__(self, node: Node, seconds: float, log: Path | None) -> None:
        super().__init__(
            f"{node.label} did not finish its controlled shutdown in {seconds:g} s"
            " (it needs the controller for that)",
            log=log,
            hint=f"wait, or end it with `labs kill {node.id}`",
        )


class Disturbed(LabsError):  # noqa: N818 - it names what happened
    """Something was done to a node while a start waited for it; starting it again may help."""

    def __init__(self, node: Node, because: str = "") -> None:
        done = "told to stop" if node.state is State.STOPPING else str(node.state)
        super().__init__(
            f"{node.label} was {done} during the start" + (f" ({because})" if because else ""),
            hint="`labs status` shows how things stand, and `labs up` tries again",
        )


class NotReady(LabsError):  # noqa: N818 - it names what happened
    """The time to become ready ran out. `node` is who was waited for."""

    def __init__(self, node: Node, what: str) -> None:
        super().__init__(what, hint="look at `labs logs`, then try `labs up` again")
        self.node = node


#: What may end a change of a node that has begun: it took place, and belongs into the fault log.
CUT_SHORT = (Unfinished, KeyboardInterrupt)
