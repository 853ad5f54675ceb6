"""What stands between us and the engine: each failure is one sentence that names a way out."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.base.errors import LabsError
from labs.kafka.cluster import State
from labs.kafka.compose import ComposeCluster
from labs.supervise.engine import foreseen
from tests.compose.conftest import PORTS, did, down, labs, states
from tests.helpers import listen

SOCKET = "/var/run/docker.sock"


@pytest.mark.parametrize("address", ["unix:///no/such/engine.sock", "tcp://127.0.0.1:1"])
@pytest.mark.parametrize("command", [("up",), ("status",), ("kill", "1"), ("reset",), ("logs",)])
def test_no_engine(environment: dict[str, str], command: tuple[str, ...], address: str) -> None:
    answer = labs(*command, DOCKER_HOST=address)
    assert answer.code == 1
    sentence = answer.sentence()
    assert f"no container engine answers at {address}" in sentence
    assert "LABS_CLUSTER=local" in sentence


def test_no_docker_command(environment: dict[str, str], tmp_path: Path) -> None:
    down()
    sentence = labs("up", PATH=str(tmp_path)).sentence()
    assert "there is no command `docker` here" in sentence


def test_no_compose(environment: dict[str, str], tmp_path: Path) -> None:
    """The real command, alone: its plug-ins are looked for in a home that has none."""
    down()
    command = shutil.which("docker")
    assert command is not None
    (tmp_path / "docker").symlink_to(command)
    sentence = labs("up", PATH=str(tmp_path), HOME=str(tmp_path), DOCKER_CONFIG=str(tmp_path))
    if sentence.code == 0:
        pytest.skip("Compose is installed for everybody on this machine")
    assert "has no Compose v2" in sentence.sentence()


def test_no_image(environment: dict[str, str]) -> None:
    down()
    answer = labs("up", LABS_KAFKA_IMAGE="localhost:1/apache/kafka:4.3.1")
    assert "the image of Kafka could not be fetched" in answer.sentence()
    assert states() == {}


def test_a_port_is_taken(environment: dict[str, str]) -> None:
    down()
    with listen(int(f"{PORTS}2")):
        sentence = labs("up").sentence()
    assert "a port of the cluster is taken" in sentence
    assert "LABS_PORTS" in sentence
    did("up")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without rights")
def test_no_right_to_speak_to_the_engine(environment: dict[str, str]) -> None:
    if Path(SOCKET).stat().st_mode & 0o006:
        pytest.skip("everybody may speak to this engine")
    child = os.fork()
    if not child:  # what a learner who isn't in the group docker sees
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            ComposeCluster().status()
        except LabsError as error:
            os._exit(0 if "you may not speak to the container engine" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class FailingEngine:
    """Hands everything on to the real engine, until it is cut off."""

    def __init__(self, path: Path) -> None:
        self.path, self._open, self._cut = path, [socket.socket(socket.AF_UNIX)], False
        self._open[0].bind(str(path))
        self._open[0].listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self._cut:
            try:
                client, _ = self._open[0].accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(SOCKET)
            self._open += [client, engine]
            for source, target in ((client, engine), (engine, client)):
                threading.Thread(target=_pump, args=(source, target), daemon=True).start()

    def cut(self) -> None:
        self._cut = True
        self.path.unlink(missing_ok=True)
        for line in self._open:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
    except OSError:
        pass


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FailingEngine]:
    engine = FailingEngine(tmp_path / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{engine.path}")
    yield engine
    engine.cut()


def test_the_engine_stops_half_way(shared: ComposeCluster, failing: FailingEngine) -> None:
    shared.start()
    cluster = ComposeCluster()
    assert cluster.status().up
    cluster.kill(1)
    failing.cut()
    for what in (cluster.status, cluster.start, cluster.reset, lambda: cluster.start_broker(1)):
        with pytest.raises(LabsError, match="the container engine does not answer any more"):
            what()
    shared.start()
    assert {node.state for node in shared.status().nodes} == {State.RUNNING}


def test_the_engine_stops_while_nodes_start(shared: ComposeCluster, failing: FailingEngine) -> None:
    shared.stop()
    cluster = ComposeCluster(tell=lambda text, _: failing.cut() if "starting" in text else None)
    with pytest.raises(LabsError, match="the container engine does not answer any more"):
        cluster.start()
    shared.start()
    assert {node.state for node in shared.status().nodes} == {State.RUNNING}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "write /var/lib/docker/tmp/GetImageBlob1: no space left on device",
            "the engine's disk is full",
        ),
        (
            "driver failed programming external connectivity on endpoint broker-1: Bind"
            " for 127.0.0.1:29091 failed: port is already allocated",
            "a port of the cluster is taken by another program",
        ),
        (
            "Ports are not available: exposing port TCP 127.0.0.1:29091 -> 0.0.0.0:0: listen tcp"
            " 127.0.0.1:29091: bind: address already in use",
            "a port of the cluster is taken by another program",
        ),
        (
            "Got permission denied while trying to connect to the Docker daemon socket at"
            " unix:///var/run/docker.sock",
            "you may not speak to the container engine",
        ),
        (
            "Cannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon"
            " running?",
            "the container engine does not answer",
        ),
        (
            'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup'
            " registry-1.docker.io: no such host",
            "the image of Kafka could not be fetched",
        ),
    ],
)
def test_what_engines_say(said: str, sentence: str) -> None:
    told = foreseen(said)
    assert told is not None
    assert told.what == sentence
    assert told.hint


def test_what_no_engine_says_is_no_sentence() -> None:
    assert foreseen("all is well") is None
