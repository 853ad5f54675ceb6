"""Ports on loopback, below the range from which the system hands out ephemeral ones (32768)."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

from labs.base import variables
from labs.base.errors import LabsError

HOST = "127.0.0.1"
FIRST, LAST, BLOCK = 19090, 31990, 10
#: How long a port of a process that was killed may be waited for, s.
LET_GO_S = 2.0


def port_is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        return _bind(probe, port)


def is_let_go(port: int) -> bool:
    """Whether a port is free, or becomes so within `LET_GO_S`.

    A JVM that was killed counts as over (a zombie) while its last threads still hold its sockets.
    """
    deadline = time.monotonic() + LET_GO_S
    while not port_is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def choose_ports(count: int, wished: list[int] | None = None, skip: int = 0) -> list[int]:
    """`count` ports that are free together: the `wished` ones if they are, else a fresh block.

    All are held open until the last is found, so that no two are the same. `skip` passes over
    that many free blocks: somebody took the last choice between our look and our use.

    Raises:
        LabsError: no block of free ports is left.
        BadInput: `LABS_FIRST_PORT` is no port to begin with.
    """
    if wished and all(wished) and not skip and _all_free(wished):
        return wished
    for start in range(first(), LAST, BLOCK):
        block = list(range(start, start + count))
        if _all_free(block):
            if not skip:
                return block
            skip -= 1
    raise LabsError(
        f"no {count} free ports in a row were found on {HOST} between {first()} and {LAST}",
        hint="close programs that listen there (`ss -ltnp` names them) and try again",
    )


def first() -> int:
    """Where to begin to look: what starts at the same moment should begin at different places.

    Raises:
        BadInput: `LABS_FIRST_PORT` is no port to begin with.
    """
    return variables.number("LABS_FIRST_PORT", FIRST, 1024, LAST - 1)


def is_open(port: int, timeout_s: float = 0.2, host: str = HOST) -> bool:
    """Whether something listens on `port`."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:  # a name that is not known any more, too
        return False


def _all_free(ports: list[int]) -> bool:
    with ExitStack() as held:
        return all(_bind(held.enter_context(socket.socket()), port) for port in ports)


def _bind(sock: socket.socket, port: int) -> bool:
    # As the JVM does: a port whose last connection has just been closed counts as free.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen()
    except OSError:
        return False
    return True
