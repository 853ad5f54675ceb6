"""Containers like those that Compose has made: with another environment, or one more of them.

The engine makes a container of what it tells of another. `api` is its API, one call for each of its
requests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from labs.supervise.compose_service import OWN_ENVIRONMENT, Box, Service, listed

PROJECT_LABEL, SERVICE_LABEL = "com.docker.compose.project", "com.docker.compose.service"
HASH_LABEL = "com.docker.compose.config-hash"


def replace(api: Any, box: Box, wanted: Mapping[str, str]) -> str:
    """Make a dead server's container anew with another environment; returns its id."""
    made = api.inspect_container(box.container)
    name = made["Name"].strip("/")
    made["Config"]["Env"] = listed(wanted)
    made["Config"]["Labels"].pop(OWN_ENVIRONMENT, None)
    if wanted != box.made.own:
        made["Config"]["Labels"][OWN_ENVIRONMENT] = json.dumps(listed(box.made.own))
    new = _create(api, made, f"{name}-new")
    api.remove_container(box.container)
    api.rename(new, name)
    return new


def add(api: Any, project: str, service: Service, server: int, model: Box) -> None:
    """Make the container of one server more, which is not started yet, like another's."""
    made = api.inspect_container(model.container)
    old, name = (service.name(i) for i in (model.id, server))
    environment, inner, outer = service.another(server, model.made)
    volume = volume_of(made, service.disk).replace(old, name)
    made["Config"]["Labels"] = {
        label: value
        for label, value in made["Config"]["Labels"].items()
        if label not in (HASH_LABEL, OWN_ENVIRONMENT)
    } | {SERVICE_LABEL: name}
    made["Config"] |= {
        "Env": listed(environment),
        "Hostname": name,
        "ExposedPorts": {f"{inner}/tcp": {}},
    }
    made["HostConfig"] |= {
        "Binds": [f"{volume}:{service.disk}:rw"],
        "Mounts": None,
        "PortBindings": {f"{inner}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(outer)}]},
    }
    _create(api, made, f"{project}-{name}-1")


def volume_of(made: Mapping[str, Any], disk: str) -> str:
    """The volume that a container has mounted there, by what `inspect` tells of it."""
    return str(next(m["Name"] for m in made["Mounts"] if m["Destination"] == disk))


def _create(api: Any, made: Mapping[str, Any], name: str) -> str:
    """A container like the one that `inspect` told of."""
    network = made["HostConfig"]["NetworkMode"]
    alias = made["Config"]["Labels"][SERVICE_LABEL]
    config = {
        **made["Config"],
        "HostConfig": made["HostConfig"],
        "NetworkingConfig": {"EndpointsConfig": {network: {"Aliases": [alias]}}},
    }
    return str(api.create_container_from_config(config, name)["Id"])
