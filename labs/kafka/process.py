"""Start a node's JVM and send it signals; read from its log why it died."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from labs.kafka.cluster import State
from labs.kafka.config import properties
from labs.kafka.installation import Installation, format_storage, jvm_environment, own_tmp
from labs.kafka.state import ClusterState, NodeState, marks, process_of
from labs.supervise.home import Home
from labs.supervise.identity import birth, living

LOG_LIMIT_BYTES = 5_000_000

#: The JVMs that this very process started, by pid: only a parent learns how its child ended.
_children: dict[int, subprocess.Popen[bytes]] = {}


def spawn(
    home: Home,
    installation: Installation,
    cluster: ClusterState,
    node: NodeState,
    static: Mapping[str, str] | None = None,
) -> int:
    """Start the node's JVM and note its pid and birth in `node` (saving is the caller's).

    `static`: settings that come on top of the lab's, for this start only. Returns where in the
    node's log its words begin, bytes.
    """
    folder = home.data / node.name
    folder.mkdir(parents=True, exist_ok=True)
    format_storage(installation, folder / "records", cluster.cluster_id, node.id)
    extra = "".join(f"{name}={value}\n" for name, value in (static or {}).items())
    (folder / "server.properties").write_text(properties(cluster, node) + extra, "utf-8")
    shutil.rmtree(folder / "tmp", ignore_errors=True)  # libraries that a killed JVM has unpacked
    log = home.log_of(node.name)
    rotate(log)
    with log.open("ab") as out, _uninterrupted():
        begins = out.tell()
        jvm = subprocess.Popen(
            installation.command((*marks(home.path, node.id), own_tmp(folder)), node.name),
            cwd=folder,
            env=jvm_environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            # Jupyter interrupts the kernel's whole process group; Kafka must not be in it.
            start_new_session=True,
        )
        _children[jvm.pid] = jvm
        node.pid = jvm.pid
        node.create_time = birth(psutil.Process(jvm.pid))
        node.wanted = State.RUNNING
    return begins


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C and its like wait until the end of the block.

    One that came while a JVM is being born would end us before we know whom to end in turn.
    """
    caught: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():  # only there do they arrive
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if callable(handler := signal.getsignal(number)):
                before[number] = handler
                signal.signal(number, lambda number, _frame: caught.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])


def rotate(log: Path) -> None:
    """Put a long log aside, so that a new one begins."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        shutil.move(log, log.with_suffix(".log.1"))


def send(home: Home, node: NodeState, number: signal.Signals) -> bool:
    """Signal the node's process; False where it no longer lives. Nobody else is ever hit."""
    process = _child(home, node) or process_of(home.path, node)
    if process is None:
        return False
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    return True


def wait_gone(home: Home, nodes: Iterable[NodeState], timeout_s: float) -> list[NodeState]:
    """Wait for the nodes' processes to end, and their ports to be free; returns those that live."""
    deadline = time.monotonic() + timeout_s
    left = list(nodes)
    while left and time.monotonic() < deadline:
        left = [node for node in left if is_alive(home, node) or _is_ending(node)]
        if left:
            time.sleep(0.02)
    return left


def _is_ending(node: NodeState) -> bool:
    """Whether its process is about to end: Linux takes the command line first, then the ports."""
    return living(node.pid, node.create_time) is not None


def is_alive(home: Home, node: NodeState) -> bool:
    """Whether the node's process lives; a dead child of ours is reaped in passing."""
    return (_child(home, node) or process_of(home.path, node)) is not None


def _child(home: Home, node: NodeState) -> subprocess.Popen[bytes] | None:
    """The node's process, if it lives and we are its parent.

    A parent knows whom it started. Others must read a command line, and that is empty in the moment
    in which a process becomes Java.
    """
    child = _children.get(node.pid or 0)
    if child is None or child.poll() is not None or not isinstance(child.args, list):
        return None
    return child if set(marks(home.path, node.id)) <= set(child.args) else None


#: A JVM that gets such a signal ends with 128 and its number.
_FROM_OUTSIDE = {
    code
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)
    for code in (-number, 128 + number)
}


def ended_from_outside(node: NodeState) -> bool:
    """Whether somebody's signal ended a child of ours; False where it ended by itself, or lives."""
    child = _children.get(node.pid or 0)
    return child is not None and child.poll() in _FROM_OUTSIDE


def ended_by(node: NodeState) -> str:
    """How a child of ours ended (`it was ended by SIGKILL`); '' where we can't know."""
    child = _children.get(node.pid or 0)
    code = child.poll() if child else None
    if code is None:
        return ""
    if code >= 0:
        return f"it ended with exit code {code}"
    name = signal.Signals(-code).name
    memory = " (the system does that when memory runs out)" if name == "SIGKILL" else ""
    return f"it was ended by {name}{memory}"


#: The speaker's name comes first in our nodes' logs, and last in those of the official image.
_LOG_LINE = re.compile(
    r"^\[[\d ,:-]+\] (?P<level>[A-Z]+) (?:[\w$]+\.[\w.$]+ - )?(?P<text>.*?)(?: \([\w.$]+\))?$"
)
_EXCEPTION = re.compile(r"^(?:Caused by: )?[\w.$]+(?:Exception|Error)\b.*")
_JVM = re.compile(
    r"^(?:Error|Exception|Unrecognized|Invalid|Could not|\[error|# [A-Z])", re.IGNORECASE
)


def last_error(log: Path, since: int = 0) -> str:
    """The last error in a log after byte `since`, with its deepest cause; '' if there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(since)
        return error_in(file.read())


def error_in(log: bytes) -> str:
    """The last error in what a node has said, with its deepest cause; '' if there is none."""
    lines = log.decode("utf-8", "replace").splitlines()
    last, cause = "", ""
    for line in lines:
        entry = _LOG_LINE.match(line)
        if entry:
            if entry["level"] in ("ERROR", "FATAL"):
                last, cause = entry["text"], ""
        elif _EXCEPTION.match(line):
            found = line.removeprefix("Caused by: ")
            cause = found if ": " in found or not cause else cause  # a bare name says little
        elif _JVM.match(line):
            last, cause = line, ""
    text = f"{last} ({cause})" if last and cause and cause not in last else last or cause
    return text.strip().rstrip(".")
