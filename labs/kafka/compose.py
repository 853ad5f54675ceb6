"""The cluster in containers: the same nodes, made by Compose of `docker-compose.yml`.

`COMPOSE_PROJECT_NAME` chooses whose containers are meant. `LABS_COMPOSE_INSIDE=1` says that clients
run in a container themselves (the service `study`): then brokers are spoken to on the listener
INSIDE, by their names.
"""

from __future__ import annotations

import os
import re

from labs.base import variables
from labs.base.errors import LabsError
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.kafka.cluster import BROKER_IDS, CONTROLLER_ID, name_of
from labs.kafka.jars import kafka_version
from labs.kafka.kafka_cluster import KafkaCluster
from labs.supervise.compose_service import Made, Service
from labs.supervise.containers import ContainerRunner
from labs.supervise.engine import COMPOSE_FILE, shown
from labs.supervise.home import Home
from labs.supervise.ports import HOST

words = Words(__file__)

PROJECT_NAME = "kafka-labs"


class Nodes(Service):
    """Kafka's nodes, for a runner of containers.

    Args:
        inside: whether clients run in a container themselves.
    """

    ids = (*BROKER_IDS, CONTROLLER_ID)
    disk = "/var/lib/kafka/data"

    def __init__(self, inside: bool) -> None:
        self._inside = inside

    def name(self, server: int) -> str:
        """The names in our Compose file."""
        return name_of(server)

    def id_of(self, made: Made) -> int | None:
        """The node in a container; None if it is another service's (`study`)."""
        told = made.environment.get("KAFKA_NODE_ID")
        return int(told) if told else None

    def fits(self, made: Made) -> bool:
        """Whether it is of the Kafka that the lock names."""
        return _version(made) == kafka_version()

    def place(self, server: int, made: Made) -> tuple[str, int]:
        """Brokers say it themselves, the controller has one port."""
        if server != CONTROLLER_ID:
            return _advertised(made.environment, "INSIDE" if self._inside else "OUTSIDE")
        return ("controller", 9093) if self._inside else (HOST, made.published.get("9093/tcp", 0))

    def facts(self, made: Made) -> dict[str, str]:
        """Which Kafka it is, and the cluster's id."""
        return {"kafka_version": _version(made), "cluster_id": made.environment["CLUSTER_ID"]}

    def variable(self, setting: str) -> str:
        """The image's name for it (Kafka documentation, "Docker": KAFKA_ and underscores)."""
        name = setting.replace("_", "___").replace("-", "__").replace(".", "_")
        return f"KAFKA_{name.upper()}"

    def another(self, server: int, made: Made) -> tuple[dict[str, str], int, int]:
        """A broker like broker 1, at the next ports."""
        inner = 29090 + server
        outer = _advertised(made.environment, "OUTSIDE")[1] - 1 + server
        at = f"INSIDE://{name_of(server)}:9092,OUTSIDE://{HOST}:{outer}"
        environment = made.own | {
            "KAFKA_NODE_ID": str(server),
            "KAFKA_LISTENERS": f"INSIDE://:9092,OUTSIDE://:{inner}",
            "KAFKA_ADVERTISED_LISTENERS": at,
        }
        return environment, inner, outer


class ComposeCluster(KafkaCluster):
    """The cluster of one Compose project. Making the object starts nothing and asks nobody.

    Args:
        tell: hears what a start is doing.
    """

    backend = "compose"

    def __init__(self, tell: Tell = silent) -> None:
        project = os.environ.get("COMPOSE_PROJECT_NAME", "").strip() or PROJECT_NAME
        inside = variables.named("LABS_COMPOSE_INSIDE") not in ("", "0")
        base = Home.current().path
        home = Home(base / "compose" / project)
        super().__init__(ContainerRunner(home, project, Nodes(inside), inside), base, tell)


def _version(made: Made) -> str:
    return made.image.rpartition(":")[2]


def _advertised(environment: dict[str, str], listener: str) -> tuple[str, int]:
    """Where a broker tells its clients to find it on this listener."""
    found = re.search(rf"\b{listener}://([^:,]+):(\d+)", environment["KAFKA_ADVERTISED_LISTENERS"])
    if found is None:
        raise LabsError(
            words("no_listener.what", listener=listener),
            hint=words("no_listener.hint", file=shown(COMPOSE_FILE)),
        )
    return found[1], int(found[2])
