"""Chapter 5: consumer groups, how they share out work, and how they lose or repeat it."""

from __future__ import annotations

from labs.experiments.consumers.rebalance import REBALANCE

EXPERIMENTS = (REBALANCE,)
