"""Brokers, partitions and states in a sentence: "brokers 1 and 2", "flights-0 and 2 more"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from labs.base.words import Words
from labs.kafka.cluster import Node, State
from labs.observe.snapshot import Partition

words = Words(__file__)


def listed(each: Sequence[str], last: str = "and") -> str:
    """`1, 2 and 3`; `last` is `and` or `or`."""
    if len(each) < 2:
        return "".join(each)
    return words(f"list.{last}", before=", ".join(each[:-1]), last=each[-1])


def begun(text: str) -> str:
    """As the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def numbers(ids: Iterable[int], last: str = "and") -> str:
    """`1, 2 and 3`, in order."""
    return listed([str(id) for id in sorted(ids)], last)


def brokers(ids: Sequence[int]) -> str:
    """`broker 1`, `brokers 2 and 3`."""
    return words("brokers", count=len(ids), ids=numbers(ids))


def partitions(each: Sequence[Partition]) -> str:
    """Their names; of many, the first two and how many more."""
    names = [partition.name for partition in each]
    if len(names) > 3:
        names[2:] = [words("list.more", count=len(names) - 2)]
    return listed(names)


def nodes(each: Iterable[Node]) -> str:
    """Which of them are in which state."""
    groups: dict[State, list[int]] = {}
    for node in each:
        groups.setdefault(node.state, []).append(node.id)
    told = [
        words("nodes", count=len(ids), brokers=brokers(ids), state=words(f"state.{state}"))
        for state, ids in groups.items()
    ]
    return listed(told)
