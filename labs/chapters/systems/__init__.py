"""Chapter 10: the same job on Kafka, RabbitMQ and Pulsar."""

from __future__ import annotations

from labs.chapters.systems.latency import LATENCY
from labs.experiment.experiment import Experiment

NUMBER = 10
EXPERIMENTS: tuple[Experiment, ...] = (LATENCY,)
