"""What is done to all servers beside Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from labs.base.errors import LabsError
from labs.base.progress import Tell
from labs.services.known import known, services
from labs.services.packages import Packages, locked

T = TypeVar("T")


def stop_all(tell: Tell, only_in_kafka: bool = False) -> list[str]:
    """Stop all of them; the products that were up. One that fails keeps no other from stopping.

    `only_in_kafka`: those that keep something in Kafka.

    Raises:
        LabsError: one could not be stopped.
    """
    found = services(tell, hold=False)
    meant = [one for one in found if one.server.needs_kafka or not only_in_kafka]
    was_up = _each(one.stop for one in meant)
    return [one.server.product for one, up in zip(meant, was_up, strict=True) if up]


def provide_all(tell: Tell) -> None:
    """Fetch what each of them is started from, and the packages that none of them needs.

    One that can't be had keeps no other from coming.

    Raises:
        LabsError: one could not be had here.
    """
    every: list[Callable[[], object]] = [
        partial(one.server.provide, tell) for one in services(tell, hold=False)
    ]
    every += [partial(Packages(name).ensure, tell) for name in locked() if name not in known()]
    _each(every)


def _each(all_of_them: Iterable[Callable[[], T]]) -> list[T]:
    """Do all of that. What fails once is told when all is done.

    Raises:
        LabsError: the first that failed.
    """
    results: list[T] = []
    failed: list[LabsError] = []
    for do in all_of_them:
        try:
            results.append(do())
        except LabsError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return results
