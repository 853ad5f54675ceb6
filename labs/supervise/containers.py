"""A runner of containers: what Compose made of a project's services.

Compose makes the containers; from then on the engine's own API tells what they do and breaks them,
so that nothing here needs more than the engine's socket.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import tarfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.base.errors import LabsError
from labs.base.files import read_object, write_atomically
from labs.base.progress import Tell
from labs.supervise import likeness
from labs.supervise.compose_service import Box, Made, Service, made_of
from labs.supervise.engine import compose_up, connect, told
from labs.supervise.home import Home
from labs.supervise.runner import ALIVE, Ending, Runner, Seen, State

if TYPE_CHECKING:
    from docker import DockerClient

LOOK_EVERY_S = 0.05
TRIES = 5

#: How a server ends that was told to (SIGTERM): 128 + 15, or 0.
ENDED_WELL = ("143", "0")
#: How one ends that somebody's signal ended: SIGHUP, SIGINT, SIGKILL, SIGTERM.
SIGNALLED = (129, 130, 137, 143)


class ContainerRunner(Runner):
    """The containers of one Compose project. Making the object starts nothing and asks nobody.

    Args:
        home: where what belongs to them is kept.
        project: Compose's name for them.
        service: what they are.
        inside: whether we are in a container ourselves, and can't have Compose make others.
    """

    #: Each container boots two JVMs in turn, and nothing is prepared as it is for processes.
    ready_timeout_s = 300.0

    def __init__(self, home: Home, project: str, service: Service, inside: bool) -> None:
        self.home = home
        self.project = project
        self._service = service
        self._inside = inside
        self._client: DockerClient | None = None
        self._made: dict[str, Made] = {}
        self._places: dict[int, tuple[str, int]] = {}
        self._begun: dict[int, float] = {}  # what this runner has started: when

    # -- looking ---------------------------------------------------------------------------

    @property
    def _engine(self) -> Any:
        """The engine's API, one call for each of its requests."""
        if self._client is None:
            self._client = connect()
        return self._client.api

    def look(self) -> dict[int, Seen]:
        return {**self._boxes()}

    @told()
    def _boxes(self) -> dict[int, Box]:
        ours = [f"{likeness.PROJECT_LABEL}={self.project}", "com.docker.compose.oneoff=False"]
        rows = self._engine.containers(all=True, filters={"label": ours})
        leaving = read_object(self._leaving_file)
        boxes = [box for row in rows if (box := self._box(row, leaving))]
        present = {row["Id"] for row in rows}
        self._made = {c: made for c, made in self._made.items() if c in present}
        boxes.sort(key=lambda box: box.id)
        self._places |= {box.id: (box.host, box.port) for box in boxes}
        return {box.id: box for box in boxes}

    def _box(self, row: Mapping[str, Any], leaving: Mapping[str, str]) -> Box | None:
        """The server in a container; None if it holds none, or is just being removed."""
        from docker.errors import NotFound

        container, name = row["Id"], row["Names"][0].strip("/")
        if container not in self._made:
            try:
                self._made[container] = made_of(self._engine.inspect_container(container))
            except NotFound:
                return None
        made = self._made[container]
        server = self._service.id_of(made)
        if server is None:
            return None
        state = _state(row["State"], row["Status"])
        told_to_stop = leaving.get(container)
        if state is State.RUNNING and told_to_stop and told_to_stop == self._life(container):
            state = State.STOPPING
        host, port = self._service.place(server, made)
        return Box(server, state, None, host, port, f"docker logs {name}", container, made)

    def _some(self, servers: Iterable[int]) -> list[Box]:
        boxes = self._boxes()
        return [boxes[server] for server in servers if server in boxes]

    def _life(self, container: str) -> str:
        """Which of its lives a container lives: it gets a new one whenever it is started."""
        from docker.errors import NotFound

        with contextlib.suppress(NotFound):
            return str(self._engine.inspect_container(container)["State"]["StartedAt"])
        return ""

    @property
    def _leaving_file(self) -> Path:
        """Container → which of its lives was told to end: the engine knows only who is gone."""
        return self.home.path / "leaving.json"

    def facts(self) -> Mapping[str, str]:
        if not self._made:
            self._boxes()
        ours = (made for made in self._made.values() if self._service.id_of(made) is not None)
        return next(map(self._service.facts, ours), {})

    def place(self, server: int) -> tuple[str, int] | None:
        if server not in self._places:
            self._boxes()
        return self._places.get(server)

    @told()
    def files(self, server: int, pattern: str) -> dict[str, bytes]:
        boxes = self._some([server])
        folder, _, name = pattern.rpartition("/")
        wanted = f"{self._service.disk}/{folder if '*' in name else pattern}"
        for _ in range(TRIES):
            with contextlib.suppress(tarfile.ReadError):  # a file grew while it was packed
                packed = self._archive(boxes[0].container, wanted) if boxes else b""
                found = _unpacked(packed, name) if packed else {}
                return {f"{folder}/{n}" if folder else n: found[n] for n in sorted(found)}
        raise LabsError(
            f"the files of {self._service.name(server)} change too fast to be read",
            hint="try again",
        )

    def _archive(self, container: str, path: str) -> bytes:
        """A file or folder of a container as a tar archive; nothing if it is not there."""
        from docker.errors import NotFound

        try:
            stream, _ = self._engine.get_archive(container, path)
            return b"".join(stream)
        except NotFound:
            return b""

    @told()
    def said(self, server: int) -> bytes:
        since = int(self._begun.get(server, 0)) - 1
        boxes = self._some([server])
        return self._engine.logs(boxes[0].container, since=max(since, 0)) if boxes else b""

    def log_lines(self, server: int, lines: int, follow: bool) -> Iterator[bytes]:
        for box in self._some([server]):
            with told():
                said = self._engine.logs(box.container, stream=True, follow=follow, tail=lines)
                rest = b""
                for piece in said:
                    *whole, rest = (rest + piece).split(b"\n")
                    yield from whole
                if rest:
                    yield rest

    @told()
    def ending(self, server: int) -> Ending | None:
        boxes = [box for box in self._some([server]) if server in self._begun]
        if not boxes or boxes[0].state in ALIVE:
            return None
        state = self._engine.inspect_container(boxes[0].container)["State"]
        code, memory = state["ExitCode"], bool(state["OOMKilled"])
        how = "it needed more memory than docker-compose.yml gives it" if memory else ""
        return Ending(
            how or f"it ended with exit code {code}", code in SIGNALLED and not memory, memory
        )

    @property
    def ready_s(self) -> float | None:
        with contextlib.suppress(OSError, ValueError):
            return float(self._ready_file.read_text("utf-8"))
        return None

    @property
    def _ready_file(self) -> Path:
        return self.home.path / "ready_s"

    @property
    def is_up(self) -> bool:
        return bool(self._boxes())  # one that does not run is dead

    # -- starting --------------------------------------------------------------------------

    @contextmanager
    def starting(self, attempt: int, tell: Tell) -> Iterator[None]:  # noqa: ARG002 - no choice here
        self._begun.clear()
        alive = [box.id for box in self._boxes().values() if box.state in ALIVE]
        try:
            self._make_missing()
            yield
        except BaseException:
            with contextlib.suppress(LabsError):
                self.kill([box for box in self._boxes() if box not in alive])
            raise
        self._leaving_file.unlink(missing_ok=True)

    def _make_missing(self) -> None:
        """Have Compose make the servers that there are not, or not of the image wanted now."""
        boxes, ids = self._boxes(), self._service.ids
        if set(ids) <= set(boxes) and all(self._service.fits(b.made) for b in boxes.values()):
            return
        if self._inside:
            raise LabsError(
                "containers of the cluster are missing, and only Docker itself can make them",
                hint="on your machine, not in this container: `docker compose up --detach`",
            )
        compose_up(self.project, [self._service.name(server) for server in ids])

    @told()
    def start(self, server: int, settings: Mapping[str, str] | None = None) -> None:
        (box,) = self._some([server])
        added = {self._service.variable(name): value for name, value in (settings or {}).items()}
        wanted = box.made.own | added
        container = box.container
        if wanted != box.made.environment:
            container = likeness.replace(self._engine, box, wanted)
        self._begun[server] = time.time()
        self._engine.start(container)

    def note_ready(self, seconds: float) -> None:
        write_atomically(self._ready_file, f"{seconds:.2f}")

    @told()
    def add(self, server: int, attempt: int) -> None:  # noqa: ARG002 - its ports are given
        (model,) = self._some(self._service.ids[:1])
        likeness.add(self._engine, self.project, self._service, server, model)

    # -- breaking and stopping -------------------------------------------------------------

    @told()
    def freeze(self, server: int) -> None:
        from docker.errors import APIError

        (box,) = self._some([server])
        for attempt in range(TRIES):
            try:
                self._engine.pause(box.container)
                return
            except APIError as error:
                if "unable to freeze" not in str(error) or attempt == TRIES - 1:
                    raise
                time.sleep(LOOK_EVERY_S)

    @told()
    def thaw(self, servers: Collection[int]) -> None:
        for box in self._some(servers):
            if box.state is State.PAUSED:
                self._engine.unpause(box.container)

    @told()
    def note(self, servers: Collection[int], wanted: State) -> None:
        if wanted is not State.STOPPED:
            return  # the engine knows who was killed, by the exit code
        leaving = {box.container: self._life(box.container) for box in self._some(servers)}
        with contextlib.suppress(OSError):  # a full disk must keep nobody from stopping it
            write_atomically(
                self._leaving_file, json.dumps(read_object(self._leaving_file) | leaving)
            )

    @told()
    def terminate(self, servers: Collection[int]) -> None:
        self._signal(self._some(servers), "SIGTERM")

    @told()
    def kill(self, servers: Collection[int]) -> list[int]:
        boxes = self._some(servers)
        self._signal(boxes, "SIGKILL")
        return self._wait_gone(boxes, self.stop_timeout_s)

    def _signal(self, boxes: Iterable[Box], name: str) -> None:
        """Signal those that live: one may have ended while we looked at another."""
        from docker.errors import APIError

        for box in boxes:
            if self._state_of(box) in ALIVE:
                try:
                    self._engine.kill(box.container, name)
                except APIError:
                    if self._state_of(box) in ALIVE:
                        raise

    @told()
    def wait_gone(self, servers: Collection[int], timeout_s: float) -> list[int]:
        return self._wait_gone(self._some(servers), timeout_s)

    def _wait_gone(self, boxes: list[Box], timeout_s: float) -> list[int]:
        deadline = time.monotonic() + timeout_s
        while left := [box for box in boxes if self._state_of(box) in ALIVE]:
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_EVERY_S)
        return [box.id for box in left]

    def _state_of(self, box: Box) -> State:
        found = self._engine.inspect_container(box.container)["State"]
        return _state(found["Status"], f"({found['ExitCode']})")

    @told()
    def remove(self, server: int) -> None:
        for box in self._some([server]):
            volume = self._volume(box)
            self._engine.remove_container(box.container, force=True)
            self._engine.remove_volume(volume)
        self._places.pop(server, None)

    @told()
    def wipe(self) -> None:
        boxes = self._boxes()
        self.kill(boxes)
        for server in boxes.keys() - set(self._service.ids):
            self.remove(server)
        kept = self._some(self._service.ids)
        if kept:
            self._empty(kept)
        self.home.faults_file.unlink(missing_ok=True)

    def _empty(self, boxes: list[Box]) -> None:
        """Empty the volumes of the dead: a container of the same image may, whoever we are."""
        assert self._client is not None
        volumes = {
            self._volume(box): {"bind": f"/wipe/{place}", "mode": "rw"}
            for place, box in enumerate(boxes)
        }
        self._client.containers.run(
            boxes[0].made.image,
            ["-c", "rm -rf /wipe/*/* /wipe/*/.[!.]*"],
            entrypoint="sh",
            volumes=volumes,
            network_mode="none",
            remove=True,
        )

    def _volume(self, box: Box) -> str:
        made = self._engine.inspect_container(box.container)
        return likeness.volume_of(made, self._service.disk)


# --- what the engine tells ------------------------------------------------------------------------


def _state(state: str, status: str) -> State:
    """Our word for the engine's. Its `status` tells the exit code: `Exited (143) 5 minutes ago`."""
    if state in ("running", "restarting"):
        return State.RUNNING
    if state == "paused":
        return State.PAUSED
    code = re.search(r"\((\d+)\)", status)
    well = state == "created" or (code is not None and code[1] in ENDED_WELL)
    return State.STOPPED if well else State.KILLED


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
