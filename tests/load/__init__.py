"""Our load program beside each system's own load tool: `python -m tests.bench load`.

Can the figures of chapter 10 be trusted? Each of its systems gets the same records at the same rate
in the same class (three copies), once from `labs.chapters.systems.load_process` and once from the
tool that its makers measure with: kafka-producer-perf-test, RabbitMQ's PerfTest, pulsar-perf. The
tools are JVMs with schedules and clocks of their own; two of them are fetched when this runs.
"""

from __future__ import annotations

import re
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from labs.chapters.systems.beside import fresh_queue, rabbitmq
from labs.chapters.systems.exercises.asked import amqp_url
from labs.chapters.systems.latency import LATENCY
from labs.chapters.systems.load_clients import KAFKA, LINGER_MS, PULSAR, RABBITMQ, RECORD_BYTES
from labs.kafka.admin import admin
from labs.kafka.installation import ensure_installation, jvm_environment
from labs.kafka.local import LocalCluster
from labs.services.kinds import pulsar as pulsar_server
from labs.services.known import service
from labs.supervise.home import Home
from labs.supervise.java import find_java
from labs.supervise.locked import Locked

HERE = Path(__file__).parent
PERF_TEST = Locked(HERE / "rabbitmq.toml", "PerfTest", "perf-test", 20)
PULSAR_PERF = Locked(HERE / "pulsar.toml", "pulsar-perf", "pulsar-testclient", 5)
NAME, RATE, SECONDS, REPEATS = "labs-perf", 300, 10, 3
#: At its begin a JVM is slow; two of the tools can leave that out, s.
WARM_UP_S = 3
PATIENCE_S = 120

#: Median and 99th percentile until acknowledged, ms.
Found = tuple[float, float]


def load(home: Home) -> None:
    """Chapter 10's load program, and each system's own load tool, in turn."""
    cluster = LocalCluster(home)
    cluster.start()
    for jars in (PERF_TEST, PULSAR_PERF):
        jars.ensure()
    ours: dict[str, list[Found]] = defaultdict(list)
    theirs: dict[str, list[Found]] = defaultdict(list)
    for _ in range(REPEATS):
        told = LATENCY.run(cluster, {"rate": RATE, "seconds": SECONDS}).measurements
        for id, tool in TOOLS.items():
            values = [told.get(f"{id}_acknowledged_{p}_ms") for p in ("p50", "p99")]
            if all(isinstance(value, float) for value in values):
                ours[id].append((float(values[0] or 0), float(values[1] or 0)))
                theirs[id].append(tool(cluster))
    for id in ours:
        for place, what in enumerate(("median", "99th percentile")):
            _tell(id, what, [one[place] for one in ours[id]], [one[place] for one in theirs[id]])


def _tell(id: str, what: str, ours: Sequence[float], theirs: Sequence[float]) -> None:
    own, tool = statistics.median(ours), statistics.median(theirs)
    print(
        f"{id}, {what} until acknowledged at {RATE}/s: ours {own:.2f} ms"
        f" ({min(ours):.2f}–{max(ours):.2f}), its own tool {tool:.2f} ms"
        f" ({min(theirs):.2f}–{max(theirs):.2f}), ours is {own / tool:.2f} times as much"
    )


def _kafka(cluster: LocalCluster) -> Found:
    with admin(cluster.bootstrap) as client:
        client.delete_topics([NAME], raise_errors=False)
        wanted = {"num_partitions": 1, "replication_factor": 3}
        client.create_topics({NAME: {**wanted, "configs": {"min.insync.replicas": "2"}}})
    words = [
        *("--bootstrap-server", ",".join(cluster.bootstrap), "--topic", NAME),
        *("--record-size", str(RECORD_BYTES), "--throughput", str(RATE)),
        *("--num-records", str(RATE * (WARM_UP_S + SECONDS))),
        *("--warmup-records", str(RATE * WARM_UP_S)),
        *("--command-property", "acks=all", f"linger.ms={LINGER_MS}"),
    ]
    tool = "org.apache.kafka.tools.ProducerPerformance"
    said = _run(ensure_installation().command_of(tool, (), words))
    return _read(r"(\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th", said)


def _rabbitmq(_cluster: LocalCluster) -> Found:
    one = rabbitmq()
    assert one is not None
    fresh_queue(one, NAME)
    words = [
        *("--predeclared", "--queue", NAME, "--flag", "persistent", "--confirm", "4000"),
        *("--size", str(RECORD_BYTES), "--rate", str(RATE), "--time", str(SECONDS)),
        *("--exchange", "", "--routing-key", NAME),
    ]
    # Its address holds the password, and a command line can be read by everybody.
    said = _run(_java(PERF_TEST.class_path, "com.rabbitmq.perf.PerfTest", words),
                URI=amqp_url(one))  # fmt: skip
    found = _read(r"confirm latency\D*(?:75th/95th/99th )?\d+/(\d+)/\d+/\d+/(\d+)", said)
    return found[0] / 1000, found[1] / 1000


def _pulsar(_cluster: LocalCluster) -> Found:
    address = str(service(PULSAR).handle())
    web = pulsar_server.admin_url(address).removesuffix("/admin/v2")
    words = [
        *("/dev/null", "produce", "-u", address, "-au", web, "-r", str(RATE)),
        *("-s", str(RECORD_BYTES), "-time", str(WARM_UP_S + SECONDS), "-b", str(LINGER_MS)),
        *("--warmup-time", str(WARM_UP_S), f"persistent://public/load-3/{NAME}"),
    ]
    paths = f"{PULSAR_PERF.class_path}:{pulsar_server.JARS.class_path}"
    opened = [w for one in pulsar_server.OPENED for w in ("--add-opens", f"{one}=ALL-UNNAMED")]
    tool = "org.apache.pulsar.testclient.PulsarPerfTestTool"
    said = _run(_java(paths, tool, words, opened))
    return _read(r"Aggregated latency stats.*?med:\s*([\d.]+).*?99pct:\s*([\d.]+)", said)


TOOLS: dict[str, Callable[[LocalCluster], Found]] = {
    KAFKA: _kafka,
    RABBITMQ: _rabbitmq,
    PULSAR: _pulsar,
}


def _java(class_path: str, tool: str, words: Sequence[str], flags: Sequence[str] = ()) -> list[str]:
    return [str(find_java().path), "-Xmx1g", *flags, "-cp", class_path, tool, *words]


def _run(command: Sequence[str], **environment: str) -> str:
    """All that it says; a tool that goes on after its time is ended."""
    with (
        suppress(subprocess.TimeoutExpired),
        subprocess.Popen(
            command,
            env={**jvm_environment(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        try:
            return process.communicate(timeout=PATIENCE_S)[0]
        finally:
            process.kill()
    raise SystemExit(f"{command[-1]}: a load tool did not come to its end")


def _read(pattern: str, said: str) -> Found:
    """The last that it says of the whole run."""
    found = re.findall(pattern, said, re.DOTALL)
    if not found:
        raise SystemExit(f"a load tool told nothing that we know:\n{said[-2000:]}")
    return float(found[-1][0]), float(found[-1][1])


if __name__ == "__main__":
    from labs.supervise.maven import renew

    for locked in (PERF_TEST, PULSAR_PERF):
        renew(locked)
