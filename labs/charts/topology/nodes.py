"""The controller, each broker's card, and the heartbeats between them."""

from __future__ import annotations

from collections.abc import Iterable

from labs.base.words import Words
from labs.charts.style import GREEN, MUTED, RUST, VERMILLION
from labs.charts.topology.grid import CONTROLLER, CONTROLLER_TOP, HEADER, INSET, PAD, Grid
from labs.charts.topology.replicas import replica
from labs.charts.topology.spelling import listed
from labs.charts.topology.states import AMBER, LOOKS, icon, process
from labs.charts.topology.svg import line, path, rect, tag, text
from labs.kafka.cluster import Node, State
from labs.observe.snapshot import ClusterSnapshot

words = Words(__file__)


def controller(s: ClusterSnapshot, grid: Grid) -> str:
    """The controllers' bar above the brokers."""
    nodes = s.controllers
    state = nodes[0].state if nodes else State.RUNNING
    look = LOOKS[state]
    names = [words("controller.name", id=n.id) for n in nodes] or [words("controller.nameless")]
    told = process(state) if nodes else words("controller.unseen")
    duty = "on_duty" if state is State.RUNNING else "off_duty"
    y, wide = CONTROLLER_TOP, grid.width - 2 * PAD
    edge = {"stroke": look.ink, "stroke_dasharray": look.dash}
    return tag(
        "g",
        rect(PAD, y, wide, CONTROLLER, fill=look.tint, rx=8, **edge),
        icon(state, PAD + 18, y + 17),
        text(PAD + 34, y + 22, listed(names), weight=600, size=14),
        text(PAD + 150, y + 22, words(f"controller.{duty}", process=told), fill=look.ink),
    )


def heartbeat(s: ClusterSnapshot, grid: Grid, broker: Node, x: float) -> str:
    """The line between the controller and one broker."""
    y, end = CONTROLLER_TOP + CONTROLLER, grid.top
    fenced = broker.id in s.fenced
    alive = broker.state is State.RUNNING and all(n.state is State.RUNNING for n in s.controllers)
    if alive and not fenced:
        return line(x, y, x, end, stroke=GREEN, stroke_width=2)
    if fenced:
        why, colour, dash = "fenced", VERMILLION, "2 6"
    elif s.reachable:
        why, colour, dash = "missing_briefly" if grid.narrow else "missing", AMBER, "5 5"
    else:
        why, colour, dash = "cut", MUTED, "2 6"
    told, ink = words(f"heartbeat.{why}"), RUST if fenced else colour
    return tag(
        "g",
        line(x, y, x, end, stroke=colour, stroke_width=2, stroke_dasharray=dash),
        text(x + 9, y + 23, told, size=12, fill=ink),
    )


def card(s: ClusterSnapshot, grid: Grid, broker: Node, x: int) -> str:
    """A broker: its process above, and below it what Kafka says that it holds."""
    look = LOOKS[broker.state]
    height = grid.bottom - grid.top
    edge = {"stroke": look.ink, "stroke_width": 1.5, "stroke_dasharray": look.dash}
    ground = "#FFFFFF" if broker.state is State.RUNNING else "#F4F4F2"
    port = text(grid.card - INSET, 25, f":{broker.port}", size=12, fill=MUTED, anchor="end")
    return tag(
        "g",
        rect(0, 0, grid.card, height, fill=ground, rx=8),
        path(_header(grid.card), fill=look.tint),
        rect(0, 0, grid.card, height, fill="none", rx=8, **edge),
        icon(broker.state, 19, 20),
        text(36, 25, words("broker.name", id=broker.id), size=15, weight=600),
        "" if grid.narrow else port,
        text(36, 42, process(broker.state), size=12, fill=look.ink),
        *_contents(s, grid, broker),
        transform=f"translate({x} {grid.top})",
    )


def _header(width: int) -> str:
    return f"M0 {HEADER}V8Q0 0 8 0H{width - 8}Q{width} 0 {width} 8V{HEADER}Z"


def _contents(s: ClusterSnapshot, grid: Grid, broker: Node) -> Iterable[str]:
    y = HEADER
    if not s.partitions:
        told = words("broker.empty" if s.reachable else "broker.unknown")
        yield text(INSET, y + 24, told, fill=MUTED)
    for topic in s.topics:
        y += 20
        name = _shortened(topic, grid.card - 2 * INSET)
        yield text(INSET, y, name, size=12, weight=600, fill=MUTED)
        ordered = sorted((p for p in s.partitions if p.topic == topic), key=lambda p: p.index)
        for place, partition in enumerate(ordered):
            dx, dy = grid.slot(place)
            yield replica(s, grid, partition, broker, INSET + dx, y + 7 + dy)
        y += 6 + 30 * grid.rows[topic]


def _shortened(name: str, room: float) -> str:
    most = max(int(room / 8), 4)
    return name if len(name) <= most else name[: most - 1] + "…"
