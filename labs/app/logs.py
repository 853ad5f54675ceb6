"""Show the nodes' log files, as `tail` does."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from labs.base.errors import BadInput, LabsError
from labs.base.streams import nobody_reads
from labs.kafka.cluster import Cluster, Node

LOOK_EVERY_S = 0.2


@runtime_checkable
class Speaks(Protocol):
    """A cluster whose nodes write no file here: it hands out what they say."""

    def log_lines(self, node_id: int, lines: int, follow: bool) -> Iterator[bytes]:
        """The last lines that a node wrote, and (`follow`) all that it goes on to write."""
        ...


def show_logs(cluster: Cluster, node_id: int | None, lines: int, follow: bool) -> None:
    """Print the last `lines` lines of a node's log (None: of each node's); `follow` goes on.

    Raises:
        BadInput: there is no such node.
        LabsError: nothing was ever started, so there are no logs.
    """
    nodes = _chosen(cluster.status().nodes, node_id)
    if isinstance(cluster, Speaks):
        _listen(cluster, nodes, lines, follow)
        return
    offsets = {node.log: _print_tail(node, lines, named=len(nodes) > 1) for node in nodes}
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            _follow(nodes, offsets)


def _listen(cluster: Speaks, nodes: list[Node], lines: int, follow: bool) -> None:
    """Print what the nodes say: one after the other, or (`follow`) all at once until Ctrl-C."""

    def print_all(node: Node) -> None:
        for line in cluster.log_lines(node.id, lines, follow):
            _print(node, line, named=len(nodes) > 1)

    if not follow:
        for node in nodes:
            print_all(node)
        return
    threads = [threading.Thread(target=print_all, args=[node], daemon=True) for node in nodes]
    for thread in threads:
        thread.start()
    with contextlib.suppress(KeyboardInterrupt):
        while any(thread.is_alive() for thread in threads) and not nobody_reads():
            time.sleep(LOOK_EVERY_S)


def _follow(nodes: list[Node], offsets: dict[str, int]) -> None:
    while not nobody_reads():
        time.sleep(LOOK_EVERY_S)
        for node in nodes:
            offsets[node.log] = _print_new(node, offsets[node.log], named=len(nodes) > 1)


def _chosen(nodes: list[Node], node_id: int | None) -> list[Node]:
    if nodes and not nodes[0].log:
        raise LabsError("this is somebody else's Kafka, whose logs can't be read here")
    if not nodes:
        raise LabsError("there are no logs yet", hint="start the cluster with `labs up`")
    chosen = [node for node in nodes if node_id in (None, node.id)]
    if not chosen:
        known = ", ".join(str(node.id) for node in nodes)
        raise BadInput(f"there is no node {node_id}: the cluster has {known}")
    return chosen


def _print_tail(node: Node, lines: int, named: bool) -> int:
    path = Path(node.log)
    if not path.exists():
        return 0
    with path.open("rb") as file:
        for line in deque(file, lines):
            _print(node, line, named)
        return file.tell()


def _print_new(node: Node, offset: int, named: bool) -> int:
    path = Path(node.log)
    if not path.exists():
        return 0
    if path.stat().st_size < offset:
        offset = 0  # the log was rotated
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):  # still being written
                break
            _print(node, line, named)
            offset += len(line)
    return offset


def _print(node: Node, line: bytes, named: bool) -> None:
    prefix = f"{node.role} {node.id} | " if named else ""
    print(prefix + line.decode("utf-8", "replace").rstrip("\n"))
    if nobody_reads():
        sys.exit(0)
