"""Show what the nodes write to their logs, as `tail` does."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator, Mapping

from labs.base.errors import BadInput, LabsError
from labs.base.streams import nobody_reads
from labs.kafka.cluster import Cluster, Node
from labs.kafka.kafka_cluster import KafkaCluster

LOOK_EVERY_S = 0.2


def show_logs(cluster: Cluster, node_id: int | None, lines: int, follow: bool) -> None:
    """Print the last `lines` lines of a node's log (None: of each node's); `follow` goes on.

    Raises:
        BadInput: there is no such node.
        LabsError: nothing was ever started, so there are no logs.
    """
    nodes = _chosen(cluster.status().nodes, node_id)
    assert isinstance(cluster, KafkaCluster)  # any other has no logs
    show(
        {f"{node.role} {node.id}": cluster.log_lines(node.id, lines, follow) for node in nodes},
        follow,
    )


def show(logs: Mapping[str, Iterator[bytes]], follow: bool) -> None:
    """Print lines, each with its writer's name where there are several; `follow`: all at once."""

    def print_all(name: str) -> None:
        prefix = f"{name} | " if len(logs) > 1 else ""
        for line in logs[name]:
            print(prefix + line.decode("utf-8", "replace").rstrip("\n"))
            if nobody_reads():
                sys.exit(0)

    if not follow:
        for name in logs:
            print_all(name)
        return
    threads = [threading.Thread(target=print_all, args=[name], daemon=True) for name in logs]
    for thread in threads:
        thread.start()
    with contextlib.suppress(KeyboardInterrupt):
        while any(thread.is_alive() for thread in threads) and not nobody_reads():
            time.sleep(LOOK_EVERY_S)


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
