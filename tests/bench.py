"""`make bench`: what the labs cost, measured on this machine, side by side where a ratio is said.

Nothing here passes or fails: a figure is read by a person, beside the machine that it names, and
where there is a bound, beside that.
`python -m tests.bench startup memory` runs only the named measurements.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from kafka import KafkaProducer

from labs.app.cli import end_as_on_ctrl_c
from labs.app.jupyter import jupyter_command
from labs.kafka import admin, readiness
from labs.kafka.cluster import BROKER_IDS, Node, Role, State
from labs.kafka.local import LocalCluster
from labs.kafka.wire import BrokerConnection
from labs.services.known import services as all_services
from labs.supervise.home import PROJECT, Home
from labs.supervise.ports import is_open
from labs.workload import Load, flight_payload, undisturbed
from labs.workload.history import History
from tests.load import load
from tests.run import end_home

REPEATS = 5
RATE_REPEATS = 40  # a client's rate varies more than a start does
COMPOSE = ["docker", "compose", "--project-name", "kafka-labs-bench"]
COMPOSE_PORTS = (29091, 29092, 29093)
COMPOSE_ID = "labs-compose-cluster-01"
COMPOSE_NODES = ("controller", *(f"broker-{n}" for n in BROKER_IDS))
#: Takes back what our compose file chooses for the JVMs, so that the image decides on collector,
#: compiler and heap (1 GB, which needs more room than our containers have). Kafka's settings stay.
IMAGES_JVM = {
    "environment": dict.fromkeys(
        ("JAVA_TOOL_OPTIONS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_HEAP_OPTS"), ""
    ),
    "mem_limit": "2g",
}
SETTLE_S = 120  # a JVM at rest still compiles, a little, for that long
IDLE_S = 60
RECORDS = 10_000


def startup(home: Home) -> None:
    """`labs up` from nothing, and the same cluster by docker compose, in turn.

    Compose twice: with the JVMs as the image has them (the usual way to run it, and slow), and as
    our file has it, which gave the containers our own JVMs' quick collector and compiler.
    """
    kinds = {"the image's own JVM settings": IMAGES_JVM, "as our file has it": {}}
    others: dict[str, dict[str, Any]] = kinds if _has_engine() else {}
    _tell("import labs, in a new Python", [_import_ms() for _ in range(REPEATS)], "ms")
    ours, inner = [], []
    theirs: dict[str, list[float]] = {name: [] for name in others}
    for _ in range(REPEATS):
        seconds, ready = _up_from_nothing(home)
        ours.append(seconds)
        inner.append(ready)
        for name, changes in others.items():
            theirs[name].append(_compose_from_nothing(changes))
    _tell("labs up, caches warm, empty disks, whole command", ours, "s")
    _tell("  of which until ready", inner, "s")
    for name, seconds_each in theirs.items():
        _tell(f"docker compose up, {name}, to the same readiness", seconds_each, "s")
        ratio = statistics.median(b / a for a, b in zip(ours, seconds_each, strict=True))
        print(f"  ours is {ratio:.1f} times as fast (median of {REPEATS} pairs)")
    if not theirs:
        print("docker compose: not measured, there is no engine or no image apache/kafka here")


def _import_ms() -> float:
    code = "import time; t = time.perf_counter(); import labs; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    return 1000 * float(subprocess.check_output(command, cwd=PROJECT, text=True))


def _up_from_nothing(home: Home) -> tuple[float, float]:
    LocalCluster(home).stop()
    shutil.rmtree(home.path, ignore_errors=True)
    began = time.monotonic()
    done = _labs(home, "up", "--json")
    return time.monotonic() - began, json.loads(done.stdout)["ready_s"]


def _compose_from_nothing(changes: dict[str, Any]) -> float:
    """Seconds until ready; `changes` go over what our compose file says of every node."""
    services = dict.fromkeys(COMPOSE_NODES, changes)
    _compose("down", "-v")
    began = time.monotonic()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as over:
        json.dump({"services": services}, over)
        over.flush()
        files = ("--file", "docker-compose.yml", "--file", over.name)
        _compose(*files, "up", "-d", *COMPOSE_NODES)
    pairs = zip(BROKER_IDS, COMPOSE_PORTS, strict=True)
    brokers = [Node(node_id, Role.BROKER, State.RUNNING, None, port, "") for node_id, port in pairs]
    readiness.wait_seen(brokers, COMPOSE_ID, lambda: None, 120)
    readiness.prove_replication(brokers, lambda: None, 120)
    seconds = time.monotonic() - began
    _compose("down", "-v")
    return seconds


def memory(home: Home) -> None:
    """Memory and idle work of the four JVMs."""
    cluster = _started(home)
    pids = [node.pid for node in cluster.status().nodes if node.pid]
    time.sleep(10)
    if sys.platform == "linux":
        print(f"four JVMs, PSS: {sum(map(_pss_mb, pids)):.0f} MB")
    print(f"four JVMs, RSS: {sum(psutil.Process(p).memory_info().rss for p in pids) / 1e6:.0f} MB")
    print(f"four JVMs, idle, soon after a start: {_work(pids):.1%} of a core (over {IDLE_S} s)")
    time.sleep(SETTLE_S)
    print(f"  the same {SETTLE_S} s later: {_work(pids):.1%}")


def _work(pids: list[int]) -> float:
    """The part of one core that the processes take."""
    before = sum(map(_cpu_s, pids))
    time.sleep(IDLE_S)
    return (sum(map(_cpu_s, pids)) - before) / IDLE_S


def failover(home: Home) -> None:
    """Broker killed → a new leader is visible in metadata, and back in the ISR after a start."""
    cluster = _started(home)
    with admin.admin(cluster.bootstrap) as client:
        client.create_topics({"bench": {"num_partitions": 1, "replication_factor": 3}})
    moves, returns = [], []
    for _ in range(REPEATS):
        _wait_for_leader(cluster)
        leader, _isr = _leader_and_isr(cluster)
        began = time.monotonic()
        cluster.kill(leader)
        _wait_for_leader(cluster, other_than=leader)
        moves.append(time.monotonic() - began)
        began = time.monotonic()
        cluster.start_broker(leader)
        _wait(lambda: len(_leader_and_isr(cluster)[1]) == len(BROKER_IDS))
        returns.append(time.monotonic() - began)
    _tell("broker killed → new leader visible", moves, "s")
    _tell("broker started → back in the ISR", returns, "s")
    resets = []
    for _ in range(REPEATS):
        began = time.monotonic()
        cluster.reset()
        resets.append(time.monotonic() - began)
        cluster.kill(1)
    _tell("reset (the first of a healthy cluster, the others after a kill)", resets, "s")


def study(home: Home) -> None:
    """JupyterLab with a kernel that holds the first notebook's work, beside the cluster."""
    cluster = _started(home)
    command = [*jupyter_command(8999, browser=False), "--ServerApp.token=", "--allow-root"]
    environment = {**os.environ, "LABS_HOME": str(home.path)}
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL
    ) as jupyter:
        try:
            _wait(lambda: is_open(8999))
            kernel = _run_first_notebook(environment)
            family = [psutil.Process(jupyter.pid), psutil.Process(kernel.pid)]
            family += psutil.Process(kernel.pid).children(recursive=True)
            nodes = [psutil.Process(n.pid) for n in cluster.status().nodes if n.pid]
            everyone = {p.pid: p for p in family + nodes}.values()
            rss = sum(p.memory_info().rss for p in everyone) / 1e6
            print(f"JupyterLab + kernel + cluster, RSS: {rss:.0f} MB")
            if sys.platform == "linux":
                print(f"  the same, PSS: {sum(_pss_mb(p.pid) for p in everyone):.0f} MB")
            kernel.kill()
        finally:
            jupyter.terminate()


def harness(home: Home) -> None:
    """What writing everything down costs: records/s of the bare client and of ours, in turn."""
    cluster = _started(home)
    with admin.admin(cluster.bootstrap) as client:
        client.create_topics({"bench": {"num_partitions": 1, "replication_factor": 3}})
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
    bodies = [flight_payload()(number) for number in range(RECORDS)]
    _bare_rate(producer, bodies)  # warm-up
    bare: list[float] = []
    ours: list[float] = []
    for turn in range(RATE_REPEATS):
        both = [(bare, _bare_rate), (ours, _our_rate)]
        for rates, rate in both if turn % 2 else reversed(both):  # nobody is always the second
            rates.append(rate(producer, bodies))
    producer.close()
    _tell("kafka-python, bare", bare, "records/s")
    _tell("  with every record written down", ours, "records/s")
    cost = statistics.median(1 - b / a for a, b in zip(bare, ours, strict=True))
    print(f"  the harness costs {cost:.1%} of the rate (median of {RATE_REPEATS} pairs)")


def _bare_rate(producer: KafkaProducer, bodies: list[tuple[bytes | None, bytes]]) -> float:
    began = time.monotonic()
    for key, value in bodies:
        producer.send("bench", value, key)
    producer.flush()
    return len(bodies) / (time.monotonic() - began)


def _our_rate(producer: KafkaProducer, bodies: list[tuple[bytes | None, bytes]]) -> float:
    began = time.monotonic()
    with undisturbed():  # as every experiment does
        load = Load(History(), producer, "bench", 0, len(bodies), payload=bodies.__getitem__)
        load.start().wait(flush_s=60)
    return len(bodies) / (time.monotonic() - began)


def _run_first_notebook(environment: dict[str, str]) -> psutil.Popen:
    """Run all code of the first notebook in one process that then waits, as a kernel would."""
    code = (
        "import sys, json, time, ipykernel, matplotlib, ipywidgets\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "book = json.load(open('notebooks/00_start_here.ipynb'))\n"
        "for cell in book['cells']:\n"
        "    if cell['cell_type'] == 'code':\n"
        "        assert shell.run_cell(''.join(cell['source'])).success\n"
        "print('done', file=sys.stderr, flush=True); time.sleep(600)\n"
    )
    process = psutil.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("done"):
            return process
    raise SystemExit("the first notebook did not run through")


def _started(home: Home) -> LocalCluster:
    cluster = LocalCluster(home)
    cluster.start()
    cluster.reset()
    return cluster


def _leader_and_isr(cluster: LocalCluster) -> tuple[int, list[int]]:
    for node in cluster.status().nodes:
        if node.id in BROKER_IDS and node.state is State.RUNNING:
            with suppress(OSError), BrokerConnection(node.port) as broker:
                heard = broker.metadata(["bench"]).topics[0].partitions
                if heard:  # a topic just made is not known to every broker yet
                    return heard[0].leader_id, list(heard[0].isr_nodes)
    return -1, []


def _wait_for_leader(cluster: LocalCluster, other_than: int = -1) -> None:
    _wait(lambda: _leader_and_isr(cluster)[0] not in (other_than, -1))


def _wait(done: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit("a measurement did not come to its end in time")
        time.sleep(0.02)


def _pss_mb(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:") / 1000


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def _labs(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LABS_HOME": str(home.path)}
    command = [sys.executable, "-m", "labs", *words]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, cwd=PROJECT
    )


def services(home: Home) -> None:
    """Each server beside Kafka from empty disks, until it answers; what it takes then."""
    LocalCluster(home).start()
    for one in all_services(hold=False, home=home):
        one.start()  # what it needs is fetched
        seconds, memory = [], []
        for _ in range(REPEATS):
            one.wipe()
            began = time.monotonic()
            one.start()
            seconds.append(time.monotonic() - began)
            memory.append(one.status().memory_mb)
        _tell(f"{one.server.product} {one.server.version}, from nothing", seconds, "s")
        kept = statistics.median(seconds) <= one.server.starts_within_s
        held = "within" if kept else "OVER"
        print(f"  {held} its bound of {one.server.starts_within_s:g} s (idle machine)")
        _tell("  its memory then", memory, "MB")
        one.stop()


def _has_engine() -> bool:
    if shutil.which("docker") is None:
        return False
    image = subprocess.run(
        ["docker", "image", "inspect", "apache/kafka:4.3.1"], capture_output=True
    )
    return image.returncode == 0


def _compose(*words: str) -> None:
    subprocess.run([*COMPOSE, *words], cwd=PROJECT, capture_output=True, check=True)


def _tell(what: str, figures: Sequence[float], unit: str) -> None:
    middle, low, high = statistics.median(figures), min(figures), max(figures)
    print(f"{what}: {middle:.2f} {unit} (median of {len(figures)}; {low:.2f}–{high:.2f})")


MEASUREMENTS = {f.__name__: f for f in (startup, memory, failover, study, services, harness, load)}


def main(names: list[str]) -> None:
    """Run the named measurements, or all."""
    busy = os.getloadavg()[0]
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {busy:.2f} before we began")
    with tempfile.TemporaryDirectory(prefix="labs-bench-") as work:
        Path(work).chmod(0o755)  # PostgreSQL is another user where we are root
        home = Home(Path(work).resolve() / "home")
        os.environ |= {"LABS_HOME": str(home.path)}  # servers beside Kafka look for its cluster
        try:
            for name in names or MEASUREMENTS:
                MEASUREMENTS[name](home)
        finally:
            end_home(home)


if __name__ == "__main__":
    end_as_on_ctrl_c()  # else SIGTERM would leave the cluster running
    main(sys.argv[1:])
