"""Chapter 10: the same job on Kafka, RabbitMQ and Pulsar."""

from __future__ import annotations

from labs.chapters.systems.kill import KILL
from labs.chapters.systems.replay import REPLAY
from labs.chapters.systems.shares import SHARES
from labs.chapters.systems.tenants import TENANTS
from labs.experiment.experiment import Experiment

NUMBER = 10
EXPERIMENTS: tuple[Experiment, ...] = (KILL, SHARES, REPLAY, TENANTS)
