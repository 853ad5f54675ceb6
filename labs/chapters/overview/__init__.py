"""Chapter 1: what Kafka is. It predicts and asks; its experiments stand in the text itself."""

from __future__ import annotations

NUMBER = 1
EXPERIMENTS = ()
