"""What must be known of servers to run them as containers; whoever knows it tells it a runner."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labs.supervise.runner import Seen

#: On a container that was made anew with other settings: its environment without them.
OWN_ENVIRONMENT = "labs.environment"


@dataclass(frozen=True)
class Made:
    """What never changes of a container, as the engine told it once."""

    image: str
    environment: dict[str, str]
    own: dict[str, str]  # the environment without what was added for one start
    published: dict[str, int]  # `9093/tcp` → port on this machine


@dataclass(frozen=True)
class Box(Seen):
    """One server and its container. `container` is the engine's id for it."""

    container: str
    made: Made


class Service(ABC):
    """What must be known of servers to run them as containers."""

    #: The servers that the Compose file makes.
    ids: Sequence[int]
    #: Where a server's volume is mounted.
    disk: str

    @abstractmethod
    def name(self, server: int) -> str:
        """The name of its service."""

    @abstractmethod
    def id_of(self, made: Made) -> int | None:
        """Which server is in a container; None if none of these."""

    @abstractmethod
    def fits(self, made: Made) -> bool:
        """Whether a container is of the image that is wanted now."""

    @abstractmethod
    def place(self, server: int, made: Made) -> tuple[str, int]:
        """Where its clients find it."""

    @abstractmethod
    def facts(self, made: Made) -> dict[str, str]:
        """What is to be known of the servers, told by one of them."""

    @abstractmethod
    def variable(self, setting: str) -> str:
        """The environment variable that the image takes a setting by."""

    @abstractmethod
    def another(self, server: int, made: Made) -> tuple[dict[str, str], int, int]:
        """One more server like the first: its environment, its port, its port on this machine."""


def made_of(told: Mapping[str, Any]) -> Made:
    """What we need of `inspect`."""
    config = told["Config"]
    environment = _parsed(config["Env"] or [])
    own = config["Labels"].get(OWN_ENVIRONMENT)
    bound = told["HostConfig"]["PortBindings"] or {}
    return Made(
        config["Image"],
        environment,
        _parsed(json.loads(own)) if own else environment,
        {port: int(places[0]["HostPort"]) for port, places in bound.items() if places},
    )


def _parsed(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines)
    return {name: value for name, _, value in pairs}


def listed(environment: Mapping[str, str]) -> list[str]:
    """The same as the engine takes it."""
    return [f"{name}={value}" for name, value in environment.items()]
