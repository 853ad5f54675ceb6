"""What every cluster of the learner's own allows, in the same words: local or in containers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from labs.base.errors import BadInput, LabsError
from labs.base.words import Words
from labs.kafka.cluster import CONTROLLER_ID, Node, State, in_words

words = Words(__file__)

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
            words("refused.no_node", id=node_id, names=names, controller=CONTROLLER_ID),
            hint=words("shows_them"),
        )
    return nodes[node_id]


def require_state(node: Node, allowed: tuple[State, ...]) -> None:
    """Whatever is to be done to a node needs it in one of these states.

    Raises:
        LabsError: it is in another; the sentence says the way out.
    """
    if node.state not in allowed:
        what = words("refused.state", node=node.label, state=in_words(node.state))
        raise LabsError(what, hint=words(f"refused.way.{node.state}", id=node.id))


def require_room(brokers: int) -> None:
    """One broker more must fit.

    Raises:
        BadInput: there are enough.
    """
    if brokers >= MAX_BROKERS:
        raise BadInput(
            words("refused.room", count=MAX_BROKERS),
            hint=words("refused.room_hint"),
        )


class Unfinished(LabsError):  # noqa: N818 - it names what happened
    """A node was told to stop, and had not ended in time."""

    def __init__(self, node: Node, seconds: float, log: Path | None) -> None:
        super().__init__(
            words("unfinished.what", label=node.label, seconds=seconds),
            log=log,
            hint=words("unfinished.hint", id=node.id),
        )


class Disturbed(LabsError):  # noqa: N818 - it names what happened
    """Something was done to a node while a start waited for it; starting it again may help."""

    def __init__(self, node: Node, because: str = "") -> None:
        what = words(f"disturbed.{node.state}", node=node.label)
        if because:
            what = words("disturbed.because", what=what, because=because)
        super().__init__(what, hint=words("disturbed.hint"))


class NotReady(LabsError):  # noqa: N818 - it names what happened
    """The time to become ready ran out. `node` is who was waited for."""

    def __init__(self, node: Node, what: str) -> None:
        super().__init__(what, hint=words("not_ready.hint"))
        self.node = node


#: What may end a change of a node that has begun: it took place, and belongs into the fault log.
CUT_SHORT = (Unfinished, KeyboardInterrupt)
