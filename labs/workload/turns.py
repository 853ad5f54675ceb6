"""Turns for those that are compared: what else the machine does meanwhile must hit all alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def in_turns(compared: Sequence[T], rounds: int) -> Iterator[T]:
    """Everybody's turn, `rounds` times over, and each round begins with another one.

    With as many rounds as there are to compare (or a multiple), each is first, second … equally
    often: a cold start, or a machine that grows slower, favours nobody.

    >>> list(in_turns("AB", 2))
    ['A', 'B', 'B', 'A']
    """
    for number in range(rounds):
        first = number % len(compared)
        yield from (*compared[first:], *compared[:first])
