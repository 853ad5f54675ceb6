"""The live picture: which broker runs, and what Kafka says each one holds.

A pure function from a snapshot to an SVG string. Role and state each have a shape *and* a word, so
the picture works without colour, in print and read aloud.
"""

from __future__ import annotations

from labs.charts.topology.headline import headline
from labs.charts.topology.scene import topology_svg

__all__ = ["headline", "topology_svg"]
