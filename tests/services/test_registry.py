"""The schema registry: started, asked, broken and stopped as a learner does."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from labs.kafka.local import LocalCluster
from labs.services.jvm import asked
from labs.services.kinds.registry import API, SERVER
from labs.services.server import Server
from labs.services.service import Service
from labs.supervise.home import Home
from labs.supervise.runner import State
from labs.supervise.watchdog import watchdog_pid
from tests.services.conftest import listening, must_refuse, told_by_another
from tests.services.web import refused, sent

SUBJECT = "planes-value"


@pytest.fixture
def registry(cluster: LocalCluster, service_of: Callable[[type[Server]], Service]) -> Service:
    """It is not started yet, and the cluster is clean."""
    del cluster
    return service_of(SERVER)


def plane(**fields: str) -> dict[str, str]:
    """An Avro schema, as Confluent's API takes it; a field that ends with `_` may be left out."""
    told = [
        {"name": name, "type": ["null", kind], "default": None}
        if name.endswith("_")
        else {"name": name, "type": kind}
        for name, kind in fields.items()
    ]
    return {"schema": json.dumps({"type": "record", "name": "Plane", "fields": told})}


def registered(url: str, schema: dict[str, str]) -> int:
    """The id that a schema gets."""
    return int(sent("POST", f"{url}/subjects/{SUBJECT}/versions", schema)["id"])


def schema_of(url: str, number: int) -> dict[str, str]:
    """The schema of that id, written as ours are."""
    return {"schema": json.dumps(json.loads(sent("GET", f"{url}/schemas/ids/{number}")["schema"]))}


def test_it_keeps_schemas_and_compares_them(
    registry: Service, place: Home, cluster: LocalCluster
) -> None:
    url = registry.handle()
    assert listening(registry) == {"127.0.0.1"}
    assert registry.status().memory_mb > 0
    first = registered(url, plane(tail="string"))
    assert registered(url, plane(tail="string")) == first, "it knows it"
    assert schema_of(url, first) == plane(tail="string")
    sent("PUT", f"{url}/config/{SUBJECT}", {"compatibility": "BACKWARD"})
    status, _ = refused("POST", f"{url}/subjects/{SUBJECT}/versions", plane(tail="string", s="int"))
    assert status == 409
    second = registered(url, plane(tail="string", seats_="int"))
    assert second != first
    assert sent("GET", f"{url}/subjects/{SUBJECT}/versions") == [1, 2]

    registry.kill()
    assert registry.status().state is State.KILLED
    assert registry.runner.processes() == []
    url = registry.handle()
    assert schema_of(url, second) == plane(tail="string", seats_="int")
    registry.pause()
    (port,) = registry.status().ports
    assert asked(port, f"{API}/subjects") is None
    registry.resume()
    assert sent("GET", f"{url}/subjects") == [SUBJECT]

    pids = registry.runner.processes()
    assert told_by_another(place, "print(service('registry', home=place).handle())") == url
    assert registry.handle() == url
    assert registry.runner.processes() == pids
    cluster.reset()
    url = registry.handle()
    assert registry.runner.processes() != pids, "what it knew is gone: it has started anew"
    assert sent("GET", f"{url}/subjects") == []
    registered(url, plane(tail="string"))
    registry.stop()
    assert registry.runner.processes() == []
    assert watchdog_pid(registry.home) is None


def test_a_bad_setting_is_told_in_one_sentence(registry: Service) -> None:
    sentence = r"Apicurio Registry died .*the log is .*registry\.log"
    must_refuse(registry, {"quarkus.http.port": "many"}, sentence, b"quarkus.http.port")
