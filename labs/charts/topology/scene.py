"""The whole picture: its headline, and below it the controller above the brokers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from html import escape

from labs.base.clock import wall
from labs.base.words import Words
from labs.charts.letters import wrapped
from labs.charts.night import PICTURE
from labs.charts.style import FONT, INK, LINE, MUTED, PAPER
from labs.charts.topology.grid import PAD, WIDTH, Grid
from labs.charts.topology.headline import headline
from labs.charts.topology.nodes import card, controller, heartbeat
from labs.charts.topology.replicas import legend
from labs.charts.topology.spelling import numbers
from labs.charts.topology.svg import rect, tag, text
from labs.kafka.cluster import Node
from labs.observe.snapshot import ClusterSnapshot, Partition

words = Words(__file__)

_TITLE = 88  # so many letters of a title fit in a line, whatever the font


def topology_svg(snapshot: ClusterSnapshot) -> str:
    """Draw `snapshot` as an SVG 900 px wide, titled with its `headline`.

    Every replica stands at the same place in each broker's box, so one looks across. The picture
    brings its own light ground.
    """
    grid = Grid.fit(snapshot)
    title = headline(snapshot)
    lines = wrapped(title, _TITLE * grid.width // WIDTH)[:2]
    top = 24 * (len(lines) - 1)
    body = [
        *(text(PAD, 34 + 24 * i, line, size=17, weight=600) for i, line in enumerate(lines)),
        text(PAD, 54 + top, _source(snapshot), size=12, fill=MUTED),
        tag("g", *_scene(snapshot, grid), transform=f"translate(0 {top})"),
    ]
    height = grid.bottom + (44 if grid.legend else 16) + top
    return tag(
        "svg",
        tag("title", escape(title)),
        tag("desc", escape(_description(snapshot))),
        rect(0.5, 0.5, grid.width - 1, height - 1, fill=PAPER, stroke=LINE, rx=10),
        *body,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {grid.width} {height}",
        # Its own size in pixels, for pages that embed it as an image; no wider than its column.
        width=grid.width,
        height=height,
        class_=PICTURE,
        style="max-width:100%;height:auto;display:block",
        role="img",
        aria_label=title,
        font_family=FONT,
        font_size=13,
        fill=INK,
    )


def _scene(s: ClusterSnapshot, grid: Grid) -> Iterable[str]:
    yield controller(s, grid)
    for column, broker in enumerate(s.brokers):
        yield heartbeat(s, grid, broker, grid.left(column) + grid.card / 2)
        yield card(s, grid, broker, grid.left(column))
    yield legend(s, grid)


def _source(s: ClusterSnapshot) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(wall(s.time)))
    who = "processes" if s.answered_by is None else "broker"
    return words(f"source.{who}", clock=clock, broker=s.answered_by)


def _description(s: ClusterSnapshot) -> str:
    """For screen readers: all that the picture shows, partition by partition."""
    return "; ".join([*map(_node, s.nodes), *map(_partition, s.partitions)]) + "."


def _node(node: Node) -> str:
    state = words(f"state.{node.state}")
    return words(f"description.{node.role}", id=node.id, state=state)


def _partition(p: Partition) -> str:
    none = words("description.none")
    leader = none if p.leader is None else p.leader
    isr, out = numbers(p.isr) or none, numbers(p.out_of_sync) or none
    return words("description.partition", name=p.name, leader=leader, isr=isr, out=out)
