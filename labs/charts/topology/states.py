"""How the state of a process looks: a shape, a word, and colours."""

from __future__ import annotations

from dataclasses import dataclass

from labs.base.words import Words
from labs.charts.style import MUTED, RUST
from labs.charts.topology.svg import path, rect, tag
from labs.kafka.cluster import State

words = Words(__file__)

AMBER = "#8A5A00"


@dataclass(frozen=True)
class Look:
    """The colours of a state, and how its box is outlined."""

    ink: str
    tint: str
    dash: str = ""


LOOKS = {
    State.RUNNING: Look("#00684C", "#E6F3EE"),
    State.PAUSED: Look(AMBER, "#FCF0D3"),
    State.STOPPING: Look(MUTED, "#FCF0D3"),
    State.STOPPED: Look(MUTED, "#E9EBED"),
    State.KILLED: Look(RUST, "#FBE6DC", dash="6 4"),
}


def process(state: State) -> str:
    """The words under a node's name."""
    return words(f"process.{state}")


def icon(state: State, x: float, y: float) -> str:
    """A dot, a pause sign, a square or a cross, around (x, y)."""
    ink = LOOKS[state].ink
    if state is State.RUNNING:
        return tag("circle", cx=x, cy=y, r=6, fill=ink)
    if state is State.PAUSED:
        return path(f"M{x - 3} {y - 6}v12M{x + 3} {y - 6}v12", stroke=ink, stroke_width=4)
    if state in (State.STOPPING, State.STOPPED):
        return rect(x - 6, y - 6, 12, 12, fill=ink)
    return path(f"M{x - 6} {y - 6}l12 12m0-12l-12 12", stroke=ink, stroke_width=3.5)
