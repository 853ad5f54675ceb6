"""All servers of one runner come up and stop together: Kafka's nodes, or one server beside Kafka.

Who knows what they are says by a function when all of them run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from labs.base.progress import Tell
from labs.supervise.runner import PortTaken, Runner, State

#: How often other ports are tried.
PORT_ATTEMPTS = 4


def adopt_or_start(
    runner: Runner, adopt: Callable[[], bool], bring_up: Callable[[], None], tell: Tell
) -> None:
    """Have all of them up for as long as this process lives.

    `adopt` says whether they are up already, else `bring_up` is called; both hold the home's lock.
    """
    try:
        with runner.home.lock(tell=tell):
            runner.home.prepare()
            adopted = adopt()
            if not adopted:
                runner.home.require_room()
            runner.hold()
            if not adopted:
                bring_up()
    except BaseException:
        runner.give_back()
        raise


def bring_up(runner: Runner, make_whole: Callable[[], None], tell: Tell) -> None:
    """Have all of them run, and note how long that took. Hold the home's lock.

    `make_whole` starts what does not run, and returns when all of it is ready.
    """
    began = time.monotonic()

    def attempted(attempt: int) -> None:
        with runner.starting(attempt, tell):
            make_whole()
            runner.note_ready(time.monotonic() - began)

    on_free_ports(attempted)


def on_free_ports(start: Callable[[int], None]) -> None:
    """Start something; where another program takes a port meanwhile, again with the next ones.

    `start` gets how often that has happened.

    Raises:
        PortTaken: it happened time and again.
    """
    for attempt in range(PORT_ATTEMPTS):
        try:
            start(attempt)
            return
        except PortTaken:
            if attempt == PORT_ATTEMPTS - 1:
                raise


def stop(runner: Runner, groups: Sequence[Collection[int]], patience_s: float) -> None:
    """Stop all of them for good, one group after the other. Hold the home's lock.

    What we are about is written down first: should we be killed, the watchdog ends the rest.
    """
    servers = [server for group in groups for server in group]
    runner.note(servers, State.STOPPED)
    runner.thaw(servers)
    for group in groups:
        runner.terminate(group)
        end(runner, group, patience_s)
    runner.reap()
    runner.let_go()


def end(runner: Runner, leaving: Collection[int], patience_s: float) -> None:
    """Wait for servers that were told to stop; SIGKILL to those that do not end in time."""
    left = runner.wait_gone(leaving, patience_s)
    if left:
        runner.kill(left)
