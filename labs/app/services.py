"""`labs services`: the servers beside Kafka, what they are, and what can be done to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from labs.app.logs import show
from labs.base import streams
from labs.base.progress import progress
from labs.services.known import service, services
from labs.services.service import Service
from labs.services.status import NodeStatus, ServiceStatus


def listing(as_json: bool) -> list[list[str]]:
    """Every server as a row of words; with `as_json` it is printed, and there are no rows."""
    seen = [one.status() for one in services(hold=False)]
    if as_json:
        streams.print_json([asdict(one) for one in seen])
        return []
    return table(seen)


def table(seen: Sequence[ServiceStatus]) -> list[list[str]]:
    """How servers stand, as rows of words below a head."""
    head = ["name", "what", "state", "ports", "memory", "download", "licence"]
    return [head, *(row for one in seen for row in _rows(one))]


def _rows(one: ServiceStatus) -> list[list[str]]:
    """A server's row, and below it one for each of its nodes where their states differ."""
    differ = len({node.state for node in one.nodes}) > 1
    own = [
        one.name,
        f"{one.product} {one.version}".strip(),  # the system's own has none until it is here
        one.state or one.told,
        "" if differ else _ports(one.nodes),
        f"{one.memory_mb} MB" if one.memory_mb else "–",
        f"{one.size_mb} MB{'' if one.download_mb else ', here'}",
        one.licence,
    ]
    each = [["", f"node {node.node}", node.state, _ports([node]), "", "", ""] for node in one.nodes]
    return [own, *(each if differ else [])]


def _ports(nodes: Sequence[NodeStatus]) -> str:
    """All that they listen on: `19104–19106, 19110`."""
    runs: list[list[int]] = []
    for port in sorted(port for node in nodes for port in node.ports.values()):
        if runs and port == runs[-1][-1] + 1:
            runs[-1].append(port)
        else:
            runs.append([port])
    told = [f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return ", ".join(told) or "–"


def start(name: str, hours: float) -> float | None:
    """Start a server, or adopt the one that runs, and keep it up; until when, by `base.clock`."""
    with progress() as tell:
        one = service(name, tell, hold=False)
        until = one.keep(hours)
        status = one.start()
    ports = ", ".join(map(str, status.ports))
    print(f"{status.product} {status.version} is up, on port {ports} of 127.0.0.1.")
    return until


def stop(name: str) -> None:
    """Stop a server."""
    with progress() as tell:
        one = service(name, tell, hold=False)
        was_up = one.stop()
    product = one.server.product
    print(f"{product} is down; what it holds stays." if was_up else f"{product} was not up.")


#: What is done to a server: the command's name → what it says, and how.
BREAKING: dict[str, tuple[str, Callable[[Service, int | None], None]]] = {
    "kill": ("was killed (SIGKILL)", Service.kill),
    "pause": ("is paused (SIGSTOP)", Service.pause),
    "resume": ("goes on (SIGCONT)", Service.resume),
}


def do(action: str, name: str, node: int | None) -> None:
    """Break or mend a server, or one of its nodes."""
    done, how = BREAKING[action]
    with progress() as tell:
        one = service(name, tell, hold=False)
        how(one, node)
    what = one.server.label(node) if node is not None else one.server.product
    print(f"{what} {done}.")


def show_logs(name: str, lines: int, follow: bool) -> None:
    """Print the last `lines` lines of a server's log, of each node's; `follow` goes on."""
    show(service(name, hold=False).logs(lines, follow), follow)
