"""Chapter 10: the same job on Kafka, RabbitMQ and Pulsar."""

from __future__ import annotations

from labs.chapters.systems.backlog import BACKLOG
from labs.chapters.systems.kill import KILL
from labs.chapters.systems.latency import LATENCY
from labs.chapters.systems.rate import RATE
from labs.chapters.systems.replay import REPLAY
from labs.chapters.systems.shares import SHARES
from labs.chapters.systems.subscriptions import SUBSCRIPTIONS
from labs.chapters.systems.tenants import TENANTS

NUMBER = 10
EXPERIMENTS = (KILL, SHARES, REPLAY, TENANTS, LATENCY, RATE, BACKLOG, SUBSCRIPTIONS)
