"""Chapter 13: what is built from these parts: event bus, fan-out, lambda, kappa."""

from __future__ import annotations

from labs.chapters.architectures.bus import BUS
from labs.chapters.architectures.fan_out import FAN_OUT
from labs.chapters.architectures.order import ORDER
from labs.chapters.architectures.replay import REPLAY
from labs.chapters.architectures.seam import SEAM_OF

NUMBER = 13
EXPERIMENTS = (BUS, ORDER, FAN_OUT, SEAM_OF, REPLAY)
