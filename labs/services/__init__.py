"""Servers beside Kafka: each file in `kinds` describes one, and nobody lists them.

>>> from labs import services
>>> database = services.postgres()      # starts it, or adopts the one that runs
>>> services.start("registry")          # in the background, while you read

They are processes of this machine, listen on loopback, and live in `services/` below `LABS_HOME`. A
notebook that has asked for one holds it; some minutes after the last holder has ended, its watchdog
stops it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labs.base import variables
from labs.base.progress import progress


def start(*names: str) -> None:
    """Have these servers start, and return at once; whoever asks for one later waits for it.

    What must be downloaded first is told with its size.

    Raises:
        BadInput: there is no such server.
    """
    from labs.services.ahead import start_ahead

    # Where a notebook runs without a learner, what it shows is to be the same on each machine.
    unattended = variables.number(variables.UNATTENDED, 0, 0, 1)
    for name in names:
        if (told := start_ahead(name)) and not unattended:
            print(f"… {told}", flush=True)


def __getattr__(name: str) -> Callable[[], Any]:
    """`services.postgres` is a function that gives what a program speaks to PostgreSQL with."""
    from labs.services.ahead import hear
    from labs.services.known import known, service

    if name not in known():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def handle() -> Any:
        with progress() as tell:
            hear(name, tell)
            return service(name, tell).handle()

    return handle
