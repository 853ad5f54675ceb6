"""Pulsar and RabbitMQ as a judge asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from labs.chapters.systems.beside import pulsar_address, pulsar_client_at, rabbitmq
from labs.exercise.judging import Judging
from labs.exercise.program import Program
from labs.exercise.verdict import CantTell
from labs.services.kinds.rabbitmq import USER
from labs.services.packages import Packages
from labs.services.service import Service
from labs.supervise.ports import HOST

T = TypeVar("T")


def pulsar(judging: Judging) -> tuple[Any, dict[str, Any]]:
    """A client of Pulsar, and the variables that tell a program of it."""
    url = _untimed(judging, lambda: pulsar_address(judging.tell))
    client = pulsar_client_at(url)
    return client, {"pulsar_url": url, "packages": str(Packages("pulsar").folder)}


def rabbit(judging: Judging) -> Service:
    """RabbitMQ, up.

    Raises:
        CantTell: it can't be had here.
    """
    one = _untimed(judging, lambda: rabbitmq(judging.tell))
    if one is None:
        raise CantTell("no_rabbitmq")
    return one


def wait_for_both(judging: Judging, workers: list[Program], until: Callable[[], object]) -> None:
    """Wait for something while all workers live.

    Raises:
        NotYet: it was in vain, or one of them ended.
    """

    def all_live() -> bool:
        for worker in workers:
            worker.require_alive()
        return bool(until())

    workers[0].wait(all_live, judging.patience_s)


def _untimed(judging: Judging, get: Callable[[], T]) -> T:
    """A start does not count as time for judging."""
    began = time.monotonic()
    found = get()
    judging.deadline += time.monotonic() - began
    return found


def amqp_url(one: Service) -> str:
    """Where its first node listens, with the password: for `pika.URLParameters`."""
    return f"amqp://{USER}:{one.facts['password']}@{HOST}:{one.records()[1].port}/%2F"
