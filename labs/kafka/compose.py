"""The compose backend: the same nodes as containers of `docker-compose.yml`.

Compose makes the containers; from then on the engine's own API tells what they do and breaks them,
so that nothing here needs more than the engine's socket. `COMPOSE_PROJECT_NAME` chooses whose
containers are meant. `LABS_COMPOSE_INSIDE=1` says that clients run in a container themselves (the
service `study`): then brokers are spoken to on the listener INSIDE, by their names.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.base import variables
from labs.base.errors import LabsError
from labs.base.files import write_atomically
from labs.base.progress import Tell, silent
from labs.kafka import faultlog
from labs.kafka.cluster import (
    ALIVE,
    ANSWERING,
    BROKER_IDS,
    CONTROLLER_ID,
    DEAD,
    NODE_IDS,
    Node,
    Role,
    State,
    Status,
)
from labs.kafka.jars import kafka_version
from labs.kafka.kafka_cluster import LEAVE_S, STARTING, KafkaCluster
from labs.kafka.process import error_in
from labs.kafka.refusals import STOP_TIMEOUT_S, Unfinished, known, require_room, require_state
from labs.kafka.state import Numbered
from labs.supervise.engine import COMPOSE_FILE, compose_up, connect, shown, told
from labs.supervise.home import Home
from labs.supervise.ports import HOST

if TYPE_CHECKING:
    from docker import DockerClient

    from labs.kafka.wire import BrokerConnection

PROJECT_NAME = "kafka-labs"
DATA = "/var/lib/kafka/data"

#: Each container boots two JVMs in turn, and nothing of them is prepared as it is for local ones.
READY_TIMEOUT_S = 300.0
LOOK_EVERY_S = 0.05
TRIES = 5

PROJECT_LABEL, SERVICE_LABEL = "com.docker.compose.project", "com.docker.compose.service"
#: On a container that was made anew with other settings: its environment without them.
OWN_ENVIRONMENT = "labs.environment"

#: How a JVM ends that was told to (SIGTERM): 128 + 15, or 0.
ENDED_WELL = ("143", "0")
#: How one ends that somebody's signal ended: SIGHUP, SIGINT, SIGKILL, SIGTERM.
FROM_OUTSIDE = (129, 130, 137, 143)


class ContainerDied(LabsError):  # noqa: N818 - it names what happened
    """A container ended while its node was starting."""


@dataclass(frozen=True)
class Facts:
    """What never changes of a container, as the engine told it once."""

    image: str
    environment: dict[str, str]
    own: dict[str, str]  # the environment without what was added for one start
    controller_port: int  # on this machine; 0 for a broker


@dataclass(frozen=True)
class Box(Numbered):
    """One node and its container. `container` is the engine's id for it."""

    id: int
    container: str
    container_name: str
    state: State
    host: str
    port: int
    facts: Facts


class ComposeCluster(KafkaCluster):
    """The cluster of one Compose project. Making the object starts nothing and asks nobody.

    Args:
        tell: hears what a start is doing.
    """

    def __init__(self, tell: Tell = silent) -> None:
        self.project = os.environ.get("COMPOSE_PROJECT_NAME", "").strip() or PROJECT_NAME
        self.inside = variables.named("LABS_COMPOSE_INSIDE") not in ("", "0")
        self.base = Home.current()
        super().__init__(Home(self.base.path / "compose" / self.project), tell)
        self._client: DockerClient | None = None
        self._facts: dict[str, Facts] = {}
        self._places: dict[int, tuple[str, int]] = {}
        self._begun: dict[int, float] = {}  # the nodes that the start under way has started: when

    # -- looking ---------------------------------------------------------------------------

    @property
    def _engine(self) -> Any:
        """The engine's API, one call for each of its requests."""
        if self._client is None:
            self._client = connect()
        return self._client.api

    def _boxes(self) -> dict[int, Box]:
        """Every node, brokers first, as the engine sees it now."""
        with told():
            ours = [f"{PROJECT_LABEL}={self.project}", "com.docker.compose.oneoff=False"]
            rows = self._engine.containers(all=True, filters={"label": ours})
            leaving = self._leaving()
            boxes = [box for row in rows if (box := self._box(row, leaving))]
        boxes.sort(key=lambda box: box.id)
        self._places |= {box.id: (box.host, box.port) for box in boxes}
        return {box.id: box for box in boxes}

    def _box(self, row: dict[str, Any], leaving: Mapping[str, str]) -> Box | None:
        """The node in a container; None if it holds none (`study`), or is just being removed."""
        from docker.errors import NotFound

        container, name = row["Id"], row["Names"][0].strip("/")
        if container not in self._facts:
            try:
                self._facts[container] = _facts(self._engine.inspect_container(container))
            except NotFound:
                return None
        facts = self._facts[container]
        if "KAFKA_NODE_ID" not in facts.environment:
            return None
        node_id = int(facts.environment["KAFKA_NODE_ID"])
        host, port = self._place(node_id, facts)
        state = _state(row["State"], row["Status"])
        told_to_stop = leaving.get(container)
        if state is State.RUNNING and told_to_stop and told_to_stop == self._life(container):
            state = State.STOPPING
        return Box(node_id, container, name, state, host, port, facts)

    def _leaving(self) -> dict[str, str]:
        """Container → which of its lives was told to end: the engine knows only who is gone."""
        with contextlib.suppress(OSError, ValueError):
            told: dict[str, str] = json.loads(self._leaving_file.read_text("utf-8"))
            return told
        return {}

    def _life(self, container: str) -> str:
        """Which of its lives a container lives: it gets a new one whenever it is started."""
        from docker.errors import NotFound

        with contextlib.suppress(NotFound):
            return str(self._engine.inspect_container(container)["State"]["StartedAt"])
        return ""

    @property
    def _leaving_file(self) -> Path:
        return self.home.path / "leaving.json"

    def _place(self, node_id: int, facts: Facts) -> tuple[str, int]:
        """Where its clients find a node: brokers say it themselves, the controller has one port."""
        if node_id != CONTROLLER_ID:
            return _advertised(facts.environment, "INSIDE" if self.inside else "OUTSIDE")
        return ("controller", 9093) if self.inside else (HOST, facts.controller_port)

    def line(self, broker: int, timeout_s: float = 1.0) -> BrokerConnection:
        """A connection to this very broker."""
        from labs.kafka.wire import BrokerConnection

        if broker not in self._places:
            known(self._boxes(), broker)
        host, port = self._places[broker]
        return BrokerConnection(port, host, timeout_s=timeout_s)

    def files(self, broker: int, pattern: str) -> dict[str, bytes]:
        """Path → content of the files in a broker's log directory, whatever its container does."""
        container = known(self._boxes(), broker).container
        folder, _, name = pattern.rpartition("/")
        wanted = f"{DATA}/{folder if '*' in name else pattern}"
        for _ in range(TRIES):
            with contextlib.suppress(tarfile.ReadError):  # a file grew while it was packed
                packed = self._archive(container, wanted)
                found = _unpacked(packed, name) if packed else {}
                return {f"{folder}/{n}" if folder else n: found[n] for n in sorted(found)}
        raise LabsError(f"broker {broker}'s files change too fast to be read", hint="try again")

    def _archive(self, container: str, path: str) -> bytes:
        """A file or folder of a container as a tar archive; nothing if it is not there."""
        from docker.errors import NotFound

        with told():
            try:
                stream, _ = self._engine.get_archive(container, path)
                return b"".join(stream)
            except NotFound:
                return b""

    def log_lines(self, node_id: int, lines: int, follow: bool) -> Iterator[bytes]:
        """The last lines of what a node has said, and (`follow`) all that it goes on to say."""
        container = known(self._boxes(), node_id).container
        with told():
            said = self._engine.logs(container, stream=True, follow=follow, tail=lines)
            rest = b""
            for piece in said:
                *whole, rest = (rest + piece).split(b"\n")
                yield from whole
            if rest:
                yield rest

    def status(self) -> Status:
        """The state of every node, from the engine; never talks to Kafka."""
        boxes = self._boxes()
        controller = boxes.get(CONTROLLER_ID)
        return Status(
            backend="compose",
            kafka_version=_version(controller.facts.image) if controller else kafka_version(),
            cluster_id=_cluster_id(boxes),
            home=str(self.base.path),
            bootstrap=[f"{box.host}:{box.port}" for box in _brokers(boxes)],
            ready_s=self._ready_s(),
            nodes=[
                Node(
                    box.id,
                    box.role,
                    box.state,
                    None,
                    box.port,
                    f"docker logs {box.container_name}",
                    box.host,
                )
                for box in boxes.values()
            ],
        )

    def _ready_s(self) -> float | None:
        with contextlib.suppress(OSError, ValueError):
            return float(self._ready_file.read_text("utf-8"))
        return None

    @property
    def _ready_file(self) -> Path:
        return self.home.path / "ready_s"

    def keep(self, hours: float, if_unused: bool = False) -> float | None:
        """Nothing ends unused containers."""

    def _keep(self) -> None:
        """Containers run until they are told to stop."""

    def leave(self) -> None:
        """Nothing to give up: containers run until they are told to stop."""

    # -- starting and stopping ---------------------------------------------------------------

    def stop(self, if_idle: bool = False) -> None:
        """Stop every container: the brokers together, then the controller; the records stay.

        `if_idle`: nobody can tell who else uses them, so they run on.
        """
        if if_idle or not self._boxes():
            return
        self.home.prepare()
        with self.home.lock(tell=self._tell), told():
            boxes = self._boxes()
            self._thaw(boxes)
            controller = boxes.get(CONTROLLER_ID)
            orderly = controller is not None and controller.state in ALIVE
            self._end(_brokers(boxes), STOP_TIMEOUT_S if orderly else 0.5)
            self._end([box for box in boxes.values() if box.id == CONTROLLER_ID], STOP_TIMEOUT_S)

    def _end(self, boxes: list[Box], patience_s: float) -> None:
        """SIGTERM to all of them, and SIGKILL to what is left after a while."""
        self._signal(boxes, "SIGTERM")
        self._signal(self._wait_gone(boxes, patience_s), "SIGKILL")
        self._wait_gone(boxes, STOP_TIMEOUT_S)

    def _signal(self, boxes: list[Box], name: str) -> None:
        """Signal those that live: one may have ended while we looked at another.

        A SIGTERM is written down before it goes out: should we be killed, it is known.
        """
        from docker.errors import APIError

        if name == "SIGTERM":
            leaving = {box.container: self._life(box.container) for box in boxes}
            with contextlib.suppress(OSError):  # a full disk must keep nobody from stopping it
                write_atomically(self._leaving_file, json.dumps(self._leaving() | leaving))
        for box in boxes:
            if self._state_of(box) in ALIVE:
                try:
                    self._engine.kill(box.container, name)
                except APIError:
                    if self._state_of(box) in ALIVE:
                        raise

    def _wait_gone(self, boxes: list[Box], timeout_s: float) -> list[Box]:
        """Wait for containers to end; returns those that still live."""
        deadline = time.monotonic() + timeout_s
        left = boxes
        while left := [box for box in left if self._state_of(box) in ALIVE]:
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_EVERY_S)
        return left

    def _state_of(self, box: Box) -> State:
        found = self._engine.inspect_container(box.container)["State"]
        return _state(found["Status"], f"({found['ExitCode']})")

    def _thaw(self, boxes: Mapping[int, Box]) -> None:
        for box in boxes.values():
            if box.state is State.PAUSED:
                self._engine.unpause(box.container)

    def _bring_up(self) -> None:
        started = time.monotonic()
        alive = [box.id for box in self._boxes().values() if box.state in ALIVE]
        self._begun.clear()
        try:
            self._make_missing()
            self._make_whole(READY_TIMEOUT_S)
        except BaseException:
            self._undo(alive)
            raise
        self._leaving_file.unlink(missing_ok=True)
        write_atomically(self._ready_file, f"{time.monotonic() - started:.2f}")

    def _settle(self) -> None:
        boxes = self._boxes()
        with told():
            self._thaw(boxes)
            controller = boxes.get(CONTROLLER_ID)
            orderly = controller is not None and controller.state in ALIVE
            leaving = [box for box in self._boxes().values() if box.state is State.STOPPING]
            self._see_out(leaving, LEAVE_S if orderly else 0.0)

    def _see_out(self, leaving: list[Box], patience_s: float) -> None:
        """Wait for nodes that were told to stop; SIGKILL to those that do not end in time."""
        if leaving:
            names = ", ".join(box.label for box in leaving)
            self._tell(f"waiting for the end of {names}, which was to stop", None)
            self._signal(self._wait_gone(leaving, patience_s), "SIGKILL")
            self._wait_gone(leaving, STOP_TIMEOUT_S)

    def start_dead(self) -> None:
        """Start every dead node, the controller first."""
        boxes = self._boxes().values()
        with told():
            for box in sorted(boxes, key=lambda box: box.role is Role.BROKER):
                if box.state in DEAD:
                    self._run(box, {})

    def _make_missing(self) -> None:
        """Have Compose make the nodes that there are not, or not of this Kafka."""
        self._tell(STARTING, None)
        boxes = self._boxes()
        missing = set(NODE_IDS) - set(boxes)
        if not missing and all(_version(b.facts.image) == kafka_version() for b in boxes.values()):
            return
        if self.inside:
            raise LabsError(
                "containers of the cluster are missing, and only Docker itself can make them",
                hint="on your machine, not in this container: `docker compose up --detach`",
            )
        compose_up(self.project, [_service(node_id) for node_id in NODE_IDS])

    def _death(self, dead: list[int]) -> ContainerDied | None:
        boxes = self._boxes()
        with told():
            for node_id in dead:
                if node_id in self._begun and node_id in boxes:
                    box = boxes[node_id]
                    state = self._engine.inspect_container(box.container)["State"]
                    if state["OOMKilled"] or state["ExitCode"] not in FROM_OUTSIDE:
                        return self._death_of(box, state["OOMKilled"])
        return None

    def _how(self, node_id: int) -> str:
        box = self._boxes().get(node_id)
        if box is None or box.state in ALIVE:
            return ""
        with told():
            code = self._engine.inspect_container(box.container)["State"]["ExitCode"]
        return f"it ended with exit code {code}"

    def _death_of(self, box: Box, memory_ran_out: bool) -> ContainerDied:
        said = self._engine.logs(box.container, since=int(self._begun[box.id]) - 1)
        memory = "it needed more memory than docker-compose.yml gives it"
        return ContainerDied(
            f"{box.label} died while it was starting",
            because=memory if memory_ran_out else error_in(said),
            hint=f"`labs logs {box.id}` shows more; `labs reset --hard` starts with empty disks",
        )

    def _undo(self, alive: list[int]) -> None:
        """Leave nothing half started behind, whatever ended the start (an interrupt too)."""
        with contextlib.suppress(LabsError), told():
            self._signal([b for b in self._boxes().values() if b.id not in alive], "SIGKILL")

    # -- breaking and mending ------------------------------------------------------------------

    def kill(self, node_id: int) -> None:
        """SIGKILL."""
        with self._changing(node_id, "kill", ALIVE) as box:
            self._engine.kill(box.container, "SIGKILL")
            self._wait_gone([box], STOP_TIMEOUT_S)

    def pause(self, node_id: int) -> None:
        """Freeze every thread of the container: to others it is as a process after SIGSTOP."""
        with self._changing(node_id, "pause", (State.RUNNING,)) as box:
            self._freeze(box)

    def _freeze(self, box: Box) -> None:
        """Freeze it. On a busy machine with an older kernel interface (cgroup v1) that may need
        several tries: while a process is being born in the container, it can't be frozen.
        """
        from docker.errors import APIError

        for attempt in range(TRIES):
            try:
                self._engine.pause(box.container)
                return
            except APIError as error:
                if "unable to freeze" not in str(error) or attempt == TRIES - 1:
                    raise
                time.sleep(LOOK_EVERY_S)

    def resume(self, node_id: int) -> None:
        """Let it go on, as SIGCONT does."""
        with self._changing(node_id, "resume", (State.PAUSED,)) as box:
            self._engine.unpause(box.container)

    def stop_broker(self, node_id: int) -> None:
        """SIGTERM, and wait for the controlled shutdown; also for one that is under way."""
        with self._changing(node_id, "stop", ANSWERING) as box:
            self._tell(f"waiting until {box.label} has shut down", None)
            self._signal([box], "SIGTERM")
            if self._wait_gone([box], STOP_TIMEOUT_S):
                raise Unfinished(box)

    def start_broker(self, node_id: int, static: Mapping[str, str] | None = None) -> None:
        """Start a node that was stopped or killed, or is stopping, on its old port and data.

        Args:
            node_id: which.
            static: settings on top of the lab's, until the node is started again. A container's
                environment can't be changed: it is made anew, on the same volume.
        """
        self._require_controller(node_id)
        self.outlast_session(node_id)
        with self._changing(node_id, "start", (*DEAD, State.STOPPING)) as box:
            if box.state is State.STOPPING:
                self._see_out([box], LEAVE_S)
            self._serve(box, static or {})

    def add_broker(self) -> int:
        """One broker more: a container like broker 1's, which Compose counts as its own."""
        with self._changing(1, "add", ALIVE, recorded=False) as model:
            boxes = self._boxes()
            require_room(len(_brokers(boxes)))
            new = max(box.id for box in _brokers(boxes)) + 1
            made = self._engine.inspect_container(model.container)
            faultlog.record(self.home.faults_file, "add", new)
            self._create(_another(made, new), f"{self.project}-{_service(new)}-1")
            try:
                self._serve(self._boxes()[new], {})
            except BaseException:
                with contextlib.suppress(LabsError):
                    self._remove(self._boxes()[new])
                raise
        return new

    def _serve(self, box: Box, static: Mapping[str, str]) -> None:
        """Run a node of a running cluster and wait until it serves."""
        self._begun.clear()
        self._tell(f"starting {box.label}", None)
        self._run(box, static)
        self._wait_serving(box.id, READY_TIMEOUT_S)

    def _run(self, box: Box, static: Mapping[str, str]) -> None:
        """Start a container with exactly these settings on top of the lab's."""
        wanted = box.facts.own | {_variable(name): value for name, value in static.items()}
        container = box.container
        if wanted != box.facts.environment:
            container = self._replace(box, wanted)
        self._begun[box.id] = time.time()
        self._engine.start(container)

    def _replace(self, box: Box, wanted: Mapping[str, str]) -> str:
        """Make a dead node's container anew with another environment; returns its id."""
        made = self._engine.inspect_container(box.container)
        name = made["Name"].strip("/")
        made["Config"]["Env"] = _listed(wanted)
        made["Config"]["Labels"].pop(OWN_ENVIRONMENT, None)
        if wanted != box.facts.own:
            made["Config"]["Labels"][OWN_ENVIRONMENT] = json.dumps(_listed(box.facts.own))
        new = self._create(made, f"{name}-new")
        self._engine.remove_container(box.container)
        self._engine.rename(new, name)
        return new

    def _create(self, made: Mapping[str, Any], name: str) -> str:
        """A container like the one that `inspect` told of."""
        network = made["HostConfig"]["NetworkMode"]
        service = made["Config"]["Labels"][SERVICE_LABEL]
        config = {
            **made["Config"],
            "HostConfig": made["HostConfig"],
            "NetworkingConfig": {"EndpointsConfig": {network: {"Aliases": [service]}}},
        }
        return str(self._engine.create_container_from_config(config, name)["Id"])

    def _remove(self, box: Box) -> None:
        """Take an added broker away, and its disk with it."""
        with told():
            volume = _volume(self._engine.inspect_container(box.container))
            self._engine.remove_container(box.container, force=True)
            self._engine.remove_volume(volume)
        self._places.pop(box.id, None)

    @contextmanager
    def _changing(
        self, node_id: int, action: str, allowed: tuple[State, ...], recorded: bool = True
    ) -> Iterator[Box]:
        """Hold the lock, hand out the node if its state allows it, then record the fault."""
        self.home.prepare()
        with self.home.lock(tell=self._tell), told():
            boxes = self._boxes()
            if not boxes:
                raise LabsError("the cluster is not up", hint="start it with `labs up`")
            box = known(boxes, node_id)
            require_state(box, box.state, allowed)
            with self._written_down(action, node_id) if recorded else nullcontext():
                yield box

    # -- cleaning up ---------------------------------------------------------------------------

    def _discard(self, brokers: list[int]) -> bool:
        boxes = self._boxes()
        for node_id in brokers:
            self._remove(boxes[node_id])
        return True

    def _start_empty(self) -> None:
        self._tell("wiping the disks", None)
        boxes = self._boxes()
        with told():
            self._signal(list(boxes.values()), "SIGKILL")
            self._wait_gone(list(boxes.values()), STOP_TIMEOUT_S)
            for box in _brokers(boxes):
                if box.id not in BROKER_IDS:
                    self._remove(box)
            kept = [box for box in boxes.values() if box.id in NODE_IDS]
            if kept:
                self._wipe(kept)
        self.home.faults_file.unlink(missing_ok=True)
        self._bring_up()

    def _wipe(self, boxes: list[Box]) -> None:
        """Empty the volumes of dead nodes: a container of the same image may, whoever we are."""
        assert self._client is not None
        disks = {
            _volume(self._engine.inspect_container(box.container)): {
                "bind": f"/wipe/{box.id}",
                "mode": "rw",
            }
            for box in boxes
        }
        self._client.containers.run(
            boxes[0].facts.image,
            ["-c", "rm -rf /wipe/*/* /wipe/*/.[!.]*"],
            entrypoint="sh",
            volumes=disks,
            network_mode="none",
            remove=True,
        )


# --- what the engine tells, and what it takes -----------------------------------------------------


def _facts(made: Mapping[str, Any]) -> Facts:
    """What we need of `inspect`."""
    config = made["Config"]
    environment = _parsed(config["Env"] or [])
    own = config["Labels"].get(OWN_ENVIRONMENT)
    published = (made["HostConfig"]["PortBindings"] or {}).get("9093/tcp")
    return Facts(
        config["Image"],
        environment,
        _parsed(json.loads(own)) if own else environment,
        int(published[0]["HostPort"]) if published else 0,
    )


def _parsed(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines)
    return {name: value for name, _, value in pairs}


def _listed(environment: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environment.items()]


def _state(state: str, status: str) -> State:
    """Our word for the engine's. Its `status` tells the exit code: `Exited (143) 5 minutes ago`."""
    if state in ("running", "restarting"):
        return State.RUNNING
    if state == "paused":
        return State.PAUSED
    code = re.search(r"\((\d+)\)", status)
    well = state == "created" or (code is not None and code[1] in ENDED_WELL)
    return State.STOPPED if well else State.KILLED


def _brokers(boxes: Mapping[int, Box]) -> list[Box]:
    return [box for box in boxes.values() if box.role is Role.BROKER]


def _cluster_id(boxes: Mapping[int, Box]) -> str:
    return next((box.facts.environment["CLUSTER_ID"] for box in boxes.values()), "")


def _version(image: str) -> str:
    return image.rpartition(":")[2]


def _service(node_id: int) -> str:
    return "controller" if node_id == CONTROLLER_ID else f"broker-{node_id}"


def _advertised(environment: Mapping[str, str], listener: str) -> tuple[str, int]:
    """Where a broker tells its clients to find it on this listener."""
    found = re.search(rf"\b{listener}://([^:,]+):(\d+)", environment["KAFKA_ADVERTISED_LISTENERS"])
    if found is None:
        raise LabsError(
            f"a broker has no listener {listener}",
            hint=f"take {shown(COMPOSE_FILE)} as it comes with this project",
        )
    return found[1], int(found[2])


def _variable(setting: str) -> str:
    """The image's name for a setting (Kafka documentation, "Docker": KAFKA_ and underscores)."""
    name = setting.replace("_", "___").replace("-", "__").replace(".", "_")
    return f"KAFKA_{name.upper()}"


def _volume(made: Mapping[str, Any]) -> str:
    return str(next(m["Name"] for m in made["Mounts"] if m["Destination"] == DATA))


def _another(made: Mapping[str, Any], new: int) -> dict[str, Any]:
    """What broker 1 is made of, for a broker of another number."""
    service = _service(new)
    environment = _parsed(made["Config"]["Env"])
    _, first = _advertised(environment, "OUTSIDE")
    outside = first - 1 + new
    inner = 29090 + new
    environment |= {
        "KAFKA_NODE_ID": str(new),
        "KAFKA_LISTENERS": f"INSIDE://:9092,OUTSIDE://:{inner}",
        "KAFKA_ADVERTISED_LISTENERS": f"INSIDE://{service}:9092,OUTSIDE://127.0.0.1:{outside}",
    }
    labels = {
        name: value
        for name, value in made["Config"]["Labels"].items()
        if name not in ("com.docker.compose.config-hash", OWN_ENVIRONMENT)
    }
    volume = _volume(made).replace(_service(1), service)
    return {
        "Config": {
            **made["Config"],
            "Env": _listed(environment),
            "Hostname": service,
            "ExposedPorts": {f"{inner}/tcp": {}},
            "Labels": {**labels, SERVICE_LABEL: service},
        },
        "HostConfig": {
            **made["HostConfig"],
            "Binds": [f"{volume}:{DATA}:rw"],
            "Mounts": None,
            "PortBindings": {f"{inner}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(outside)}]},
        },
    }


def _unpacked(packed: bytes, name: str) -> dict[str, bytes]:
    """The files of a tar archive right in its folder (or that it is itself) that match a name."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            # A folder is packed with its own name in front: `flights-0/00000000000000000000.log`.
            depth, own = member.name.count("/"), member.name.rpartition("/")[2]
            if member.isfile() and depth <= 1 and fnmatchcase(own, name):
                file = archive.extractfile(member)
                found[own] = file.read() if file else b""
    return found
