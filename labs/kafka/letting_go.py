"""Who keeps something in Kafka lets go of it before a reset takes it away.

Kafka knows none of them: each says here what it does then.
"""

from __future__ import annotations

from collections.abc import Callable

from labs.base.progress import Tell

_before: list[Callable[[Tell], object]] = []


def before_reset(do: Callable[[Tell], object]) -> None:
    """Have this done before each reset by this process."""
    _before.append(do)


def let_go(tell: Tell) -> None:
    """Do all of it.

    Raises:
        LabsError: somebody could not let go.
    """
    for do in _before:
        do(tell)
