"""Every run in the tests is looked at: does its result name all that was set in it?

Clients are spied on as they are made, topics and nodes whenever they are given other settings.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from labs.experiment import native as module
from labs.experiment.experiment import Experiment
from labs.experiment.result import Result
from labs.kafka.admin import ask
from labs.kafka.local import LocalCluster
from labs.workload import consumers, set_here
from labs.workload.member_process import Plan
from labs.workload.set_here import Departure

KINDS = {KafkaProducer: "producer", KafkaConsumer: "consumer", KafkaAdminClient: "admin client"}

MEMBERS = {"labs.workload.member_process", "labs.workload.share_process"}


def spied(run: Callable[..., Result]) -> Callable[..., Result]:
    """`Experiment.run`, whose result must name whatever was set otherwise than the default."""

    def checked(self: Experiment, *args: Any, **options: Any) -> Result:
        with _departures() as made:
            result = run(self, *args, **options)
        told = {(d.name, d.value) for d in result.set_here}
        given = {(d.name, d.value) for departures in made for d in departures}
        assert given <= told, f"{self.name} does not tell {given - told}"
        assert {d.name for d in result.set_here if d.where == "topic"} >= {"retention.ms"}
        return result

    return checked


@contextmanager
def _departures() -> Iterator[list[tuple[Departure, ...]]]:
    """What is set by whoever sets something meanwhile."""
    made: list[tuple[Departure, ...]] = []
    popen = subprocess.Popen.__init__
    set_topic, start_node = LocalCluster.set_topic_config, LocalCluster.start_broker
    native: Any = module
    producer = native.Producer

    def natively(options: dict[str, Any]) -> Any:
        made.append(set_here.librdkafka("producer", options))
        return producer(options)

    def started(self: Any, command: Any, *args: Any, **options: Any) -> None:
        if isinstance(command, list) and MEMBERS.intersection(command):
            made.append(consumers.departures(Plan(**json.loads(command[-1]))))
        popen(self, command, *args, **options)

    def topic_set(self: Any, topic: str, settings: Any) -> None:
        set_topic(self, topic, settings)
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        told = ask(
            self.bootstrap,
            lambda client: client.describe_configs([resource], include_synonyms=True),
        )
        made.append(set_here.topic(told["topic"][topic]))

    def node_started(self: Any, node: int, settings: Any = None) -> None:
        made.append(set_here.broker("a node", settings or {}))
        start_node(self, node, settings)

    with pytest.MonkeyPatch.context() as patch:
        for client, kind in KINDS.items():
            patch.setattr(client, "__init__", _spied(client.__init__, kind, made))
        patch.setattr(native, "Producer", natively)
        patch.setattr(subprocess.Popen, "__init__", started)
        patch.setattr(LocalCluster, "set_topic_config", topic_set)
        patch.setattr(LocalCluster, "start_broker", node_started)
        yield made


def _spied(
    original: Callable[..., None], kind: str, made: list[tuple[Departure, ...]]
) -> Callable[..., None]:
    def init(self: Any, *topics: Any, **options: Any) -> None:
        caller = sys._getframe(1).f_globals["__name__"]  # noqa: SLF001 - Python's
        if not caller.startswith(("labs.kafka", "tests")):  # those manage the cluster
            made.append(set_here.kafka_python(kind, options))
        original(self, *topics, **options)

    return init
