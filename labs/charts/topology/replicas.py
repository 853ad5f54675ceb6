"""How a replica looks in its broker's card: what it is to its partition, as shape and word."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Literal

from labs.base.words import Words
from labs.charts.letters import letters
from labs.charts.style import BLUE, LINE, MUTED, RUST, VERMILLION
from labs.charts.topology.grid import PAD, Grid
from labs.charts.topology.svg import path, tag, text
from labs.kafka.cluster import Node
from labs.observe.snapshot import ClusterSnapshot, Partition

words = Words(__file__)


@dataclass(frozen=True)
class ReplicaRole:
    """How a role looks: `letter` where there is no room for the words of its `id`."""

    id: str
    letter: str
    shape: Literal["flag", "pill", "torn"]
    fill: str
    stroke: str
    ink: str
    dash: str = ""


_DEEP = "#005484"
LEADER = ReplicaRole("leader", "L", "flag", BLUE, BLUE, "#FFFFFF")
SILENT_LEADER = ReplicaRole("silent_leader", "L", "flag", "#FFFFFF", BLUE, _DEEP, dash="5 3")
FOLLOWER = ReplicaRole("follower", "F", "pill", "#EAF4FA", BLUE, _DEEP)
SILENT_IN_ISR = ReplicaRole("silent_in_isr", "F", "pill", "#FFFFFF", BLUE, _DEEP, dash="5 3")
OUT = ReplicaRole("out", "O", "torn", "#FFF7F2", VERMILLION, RUST, dash="2 3")
ELIGIBLE = ReplicaRole("eligible", "E", "torn", "#FFF7F2", VERMILLION, RUST, dash="2 3")


def role_of(s: ClusterSnapshot, partition: Partition, broker: Node) -> ReplicaRole:
    """What a broker is to a partition that it has a replica of."""
    silent = not s.running(broker.id)
    if partition.leader == broker.id:
        return SILENT_LEADER if silent else LEADER
    if broker.id in partition.isr:
        return SILENT_IN_ISR if silent else FOLLOWER
    return ELIGIBLE if broker.id in partition.elr else OUT


def replica(
    s: ClusterSnapshot, grid: Grid, partition: Partition, broker: Node, x: float, y: float
) -> str:
    """A broker's replica of a partition, with a tooltip; a dot where it has none."""
    width = grid.slot_width
    if broker.id not in partition.replicas:  # an empty place keeps the others in line
        return text(x + width / 2, y + 17, "·", fill=LINE, anchor="middle", size=16)
    role = role_of(s, partition, broker)
    told = words(f"replica.{role.id}")
    if partition.leader == broker.id:
        told = words("replica.epoch", role=told, epoch=partition.epoch)
    tip = words("replica.on_broker", partition=partition.name, broker=broker.id, role=told)
    return tag(
        "g",
        tag("title", escape(tip)),
        _chip(role, x, y, width, f"{partition.index}", told if grid.roomy else role.letter),
        data_replica=f"{partition.name}@{broker.id}",
        data_role=role.id,
    )


def legend(s: ClusterSnapshot, grid: Grid) -> str:
    """What the shapes mean, below the cards."""
    if not grid.legend:
        return ""
    roles = [LEADER, FOLLOWER, OUT, *([ELIGIBLE] if any(p.elr for p in s.partitions) else [])]
    drawn, x = [], float(PAD)
    for role in roles:
        told = words(f"legend.{role.id}")
        drawn.append(_chip(role, x, grid.bottom + 11, 64, "0", role.letter))
        drawn.append(text(x + 72, grid.bottom + 28, told, size=12, fill=MUTED))
        x += 72 + 6.3 * letters(told) + 26
    return "".join(drawn)


def _chip(role: ReplicaRole, x: float, y: float, width: float, number: str, told: str) -> str:
    at = 30 + 8 * (len(number) - 1)
    return tag(
        "g",
        _outline(role, width),
        _sign(role),
        text(22, 17, number, size=13, weight=700, fill=role.ink),
        text(at + 5, 17, told, size=12, fill=role.ink),
        transform=f"translate({x:.1f} {y})",
    )


def _outline(role: ReplicaRole, w: float) -> str:
    shapes = {
        "flag": f"M3 0H{w - 9:.1f}L{w:.1f} 12L{w - 9:.1f} 24H3Q0 24 0 21V3Q0 0 3 0Z",
        "pill": f"M12 0H{w - 12:.1f}A12 12 0 0 1 {w - 12:.1f} 24H12A12 12 0 0 1 12 0Z",
        "torn": f"M0 0H{w - 10:.1f}L{w:.1f} 10V24H0Z",
    }
    return path(
        shapes[role.shape],
        fill=role.fill,
        stroke=role.stroke,
        stroke_width=1.5,
        stroke_dasharray=role.dash,
    )


def _sign(role: ReplicaRole) -> str:
    if role.shape == "flag":
        star = "M12 5.5l1.9 4.3 4.6.4-3.5 3.1 1.1 4.6-4.1-2.5-4.1 2.5 1.1-4.6-3.5-3.1 4.6-.4z"
        return path(star, fill=role.ink)
    tick, cross = "M7.5 12.5l3 3 6-7", "M8 8l8 8M16 8l-8 8"
    sign = tick if role.shape == "pill" else cross
    return path(sign, fill="none", stroke=role.ink, stroke_width=2)
