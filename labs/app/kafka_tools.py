"""Kafka's own console tools, on the jars that the brokers run on: `labs kafka-topics --list`.

What `bin/kafka-topics.sh` of a Kafka download does, without the download. Its arguments are passed
on as they are. Only what every tool has to be told is filled in, where it is not said: the brokers'
addresses, and on somebody else's Kafka how to be let in (both options have had these names in every
tool since Kafka 4.2, KIP-1147).
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from labs.app.tools import DUMP_LOG, TOOLS
from labs.base.errors import BadInput, LabsError, NotUp
from labs.base.progress import progress
from labs.kafka.choose import chosen
from labs.kafka.cluster import Cluster, Role, name_of
from labs.kafka.config import log_flags
from labs.kafka.installation import ensure_installation, jvm_environment, own_tmp
from labs.kafka.security import Security, current
from labs.supervise.home import Home

#: Warnings and errors to stderr, without the time and the thread: what a tool says stands alone.
_LOG = log_flags(defaultLogLevel="warn", showThreadName="false", showLogName="false")

#: The option that names a properties file, and its names of old.
_CONFIGS = {"--command-config", "--admin.config", "--consumer.config", "--producer.config"}


def run_tool(name: str, words: Sequence[str]) -> int:
    """Run a tool on the learner's cluster, on this terminal; its exit code.

    Raises:
        NotUp: it has brokers to ask, and there are none.
        BadInput: the files that it is to print are nowhere.
        LabsError: Java or the jars are missing.
    """
    with tempfile.TemporaryDirectory(prefix="labs-") as folder:
        with progress() as tell:
            installation = ensure_installation(tell=tell)
            cluster = chosen(tell, hold=False)
            place, told = Path.cwd(), list(words)
            if name == DUMP_LOG:
                place, told = _with_files(cluster, told, Path(folder))
            elif not {"--help", "-h"} & set(told):
                told = [*_connection(cluster, told, Path(folder)), *told]
        command = installation.command_of(
            TOOLS[name][0], (own_tmp(Home.current().path), *_LOG), told
        )
        try:
            return subprocess.run(command, cwd=place, env=_environment(), check=False).returncode
        except OSError as error:
            raise LabsError(f"{name} could not be run", because=str(error)) from None


def _environment() -> dict[str, str]:
    return {**jvm_environment(), "COLUMNS": os.environ.get("COLUMNS", "100")}


# -- the brokers -----------------------------------------------------------------------------------


def _connection(cluster: Cluster, words: Sequence[str], folder: Path) -> list[str]:
    """The options by which a tool finds the brokers and is let in, as far as `words` lack them."""
    said = {word.partition("=")[0] for word in words}
    if said & {"--bootstrap-server", "--bootstrap-controller"}:
        return []
    if not cluster.status().up:
        raise NotUp(
            "the cluster is not up, and the tool asks its brokers", hint="`labs up` starts it"
        )
    options = ["--bootstrap-server", ",".join(cluster.bootstrap)]
    security = current()
    if security != Security() and not said & _CONFIGS:
        options += ["--command-config", str(_written(security, folder))]
    return options


def _written(security: Security, folder: Path) -> Path:
    """A properties file for the tool, in a folder that only we can read."""
    import javaproperties

    file = folder / "client.properties"
    file.write_text(javaproperties.dumps(security.java(), timestamp=False), "utf-8")
    return file


# -- their files -----------------------------------------------------------------------------------


def _with_files(cluster: Cluster, words: Sequence[str], folder: Path) -> tuple[Path, list[str]]:
    """Copies of the brokers' files that `words` name, and the folder in which the names are right.

    A file of broker 2's disk is called `broker-2/flights-0/00000000000000000000.log`, and may hold
    a `*` in its last part. All other files keep their place on this machine.
    """
    brokers = {name_of(n.id): n.id for n in cluster.status().nodes if n.role is Role.BROKER}
    told = list(words)
    for at, word in enumerate(words):
        if at and words[at - 1] == "--files":
            files = [
                f for named in word.split(",") for f in _found(cluster, brokers, named, folder)
            ]
            told[at] = ",".join(files)
    return folder, told


def _found(cluster: Cluster, brokers: dict[str, int], named: str, folder: Path) -> Iterator[str]:
    broker, _, path = named.partition("/")
    if broker not in brokers:
        yield str(Path(named).absolute())
        return
    stem = path.rpartition(".")[0]
    copies = cluster.files(brokers[broker], f"{stem}.*" if "*" not in path else path)
    wanted = [file for file in copies if "*" in path or file == path]
    if not wanted:
        raise BadInput(f"{broker} has no file {path}", hint=f"try '{broker}/TOPIC-PARTITION/*.log'")
    for file, content in copies.items():  # an index is of no use without its log
        copy = folder / broker / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    yield from (f"{broker}/{file}" for file in wanted)
