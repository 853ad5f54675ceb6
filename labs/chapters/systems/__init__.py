"""Chapter 10: the same job on Kafka, RabbitMQ and Pulsar."""

from __future__ import annotations

from labs.chapters.systems.backlog import BACKLOG
from labs.chapters.systems.latency import LATENCY
from labs.chapters.systems.rate import RATE
from labs.experiment.experiment import Experiment

NUMBER = 10
EXPERIMENTS: tuple[Experiment, ...] = (LATENCY, RATE, BACKLOG)
