"""Kafka 4.3.1: a killed broker can't register again after a topic's ELR was cleared.

    .venv/bin/python -m tests.upstream.elr_cleared

starts a cluster of its own in a temporary folder, does what `elr_cleared.md` tells with Kafka's own
tools, prints what the controller says, and ends with 1 if the fault is there, with 0 if it is not.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from labs.app.cli import end_as_on_ctrl_c
from labs.base.errors import LabsError
from labs.kafka.local import LocalCluster
from labs.observe.sampler import watch
from labs.supervise.home import Home
from tests.kafka_tools import kafka_tool

TOPIC, VICTIM = "t", 3
#: What the controller says when it can't register the broker.
FAULT = "existed in isrMembers, but not in the topics map"
PATIENCE_S = 120.0
STACK_LINES = 12


def main() -> int:
    """Do it once; returns 1 if the broker can't come back."""
    with tempfile.TemporaryDirectory(prefix="labs-upstream-") as folder:
        os.environ["LABS_HOME"] = folder
        home = Home(Path(folder).resolve())
        cluster = LocalCluster(home)
        cluster.start()
        try:
            _clear_an_elr(cluster)
            return _kill_and_start(cluster, home.logs)
        finally:
            cluster.stop()


def _clear_an_elr(cluster: LocalCluster) -> None:
    where = ("--bootstrap-server", cluster.bootstrap[0])
    topics, configs = "org.apache.kafka.tools.TopicCommand", "kafka.admin.ConfigCommand"
    about = ("--topic", TOPIC)
    kafka_tool(topics, *where, "--create", *about, "--partitions", "1", "--replication-factor", "3",
               "--config", "min.insync.replicas=3")  # fmt: skip
    _step(f"SIGTERM to broker {VICTIM}: fewer in sync than min.insync.replicas, it is in the ELR")
    cluster.stop_broker(VICTIM)
    _until(cluster, elr=(VICTIM,))
    _step("min.insync.replicas=1: the controller clears the ELR (ClearElrRecord)")
    kafka_tool(configs, *where, "--alter", "--entity-type", "topics", "--entity-name", TOPIC,
               "--add-config", "min.insync.replicas=1")  # fmt: skip
    _until(cluster, elr=())
    _step("the topic is deleted; the broker starts again, after its orderly stop")
    kafka_tool(topics, *where, "--delete", *about)
    cluster.start_broker(VICTIM)


def _kill_and_start(cluster: LocalCluster, logs: Path) -> int:
    _step(f"SIGKILL to broker {VICTIM}, and a start: an unclean shutdown (KIP-966)")
    cluster.kill(VICTIM)
    try:
        cluster.start_broker(VICTIM)
    except LabsError as error:
        _step(str(error))
    lines = [line for path in logs.glob("*.log") for line in path.read_text("utf-8").splitlines()]
    said = [number for number, line in enumerate(lines) if FAULT in line]
    if not said:
        _step("all is well: the broker registered")
        return 0
    _step(f"the controller could not register it, {len(said)} times:")
    print(*lines[said[0] : said[0] + STACK_LINES], sep="\n")
    return 1


def _until(cluster: LocalCluster, elr: tuple[int, ...]) -> None:
    watching, deadline = watch(cluster, TOPIC), time.monotonic() + PATIENCE_S
    while (seen := watching.look().partition(TOPIC, 0)) is None or tuple(seen.elr) != elr:
        if time.monotonic() > deadline:
            sys.exit(f"waited in vain until the ELR was {elr}: {seen}")
        time.sleep(0.1)
    watching.close()


def _step(text: str) -> None:
    print(f"- {text}", flush=True)


if __name__ == "__main__":
    end_as_on_ctrl_c()  # else SIGTERM would leave the cluster running
    sys.exit(main())
