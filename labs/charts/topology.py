"""The live picture: which broker runs, and what Kafka says each one holds.

A pure function from a snapshot to an SVG string. Role and state each have a shape *and* a word, so
the picture works without colour, in print and read aloud.
"""

from __future__ import annotations

import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from labs.base.clock import wall
from labs.charts.style import BLUE, FONT, GREEN, INK, LINE, MUTED, PAPER, VERMILLION
from labs.kafka.cluster import Node, State
from labs.observe.snapshot import ClusterSnapshot, Partition

_WIDTH = 900
_TITLE = 88  # so many letters of a title fit in a line, whatever the font
_PAD = 20
_GAP = 14
_MIN_CARD = 132  # narrower, and a card's words no longer fit: the picture grows wider instead
_INSET = 12
_HEADER = 52
_CONTROLLER_TOP = 66
_CONTROLLER = 34
_WIRE = 38
_NARROW = 190
_ROOMY = 6  # up to so many partitions there is room for words in each of them

_AMBER = "#8A5A00"


@dataclass(frozen=True)
class _Look:
    """How a process state looks: the words under the name, its colours."""

    words: str
    ink: str
    tint: str
    dash: str = ""


_LOOKS = {
    State.RUNNING: _Look("running", "#00684C", "#E6F3EE"),
    State.PAUSED: _Look("paused (SIGSTOP)", _AMBER, "#FCF0D3"),
    State.STOPPING: _Look("stopping (SIGTERM)", MUTED, "#FCF0D3"),
    State.STOPPED: _Look("stopped (SIGTERM)", MUTED, "#E9EBED"),
    State.KILLED: _Look("killed (SIGKILL)", "#A03C00", "#FBE6DC", dash="6 4"),
}


def headline(snapshot: ClusterSnapshot) -> str:
    """The most important thing about the snapshot, in one sentence."""
    if not snapshot.brokers:
        return "There is no broker"
    if not snapshot.reachable:
        return f"No broker answers: {_states(snapshot.brokers)}"
    findings = (_leaderless, _silent_leader, _ghosts, _out_of_sync, _no_topics, _in_sync)
    finding = next(filter(None, (find(snapshot) for find in findings)))
    dead = [n for n in snapshot.controllers if n.state is not State.RUNNING]
    if dead and len(dead) == len(snapshot.controllers):
        finding += f"; the controller is {dead[0].state.value}, so no leader can be elected"
    return finding


def topology_svg(snapshot: ClusterSnapshot) -> str:
    """Draw `snapshot` as an SVG 900 px wide, titled with its `headline`.

    Every replica stands at the same place in each broker's box, so one looks across. The picture
    brings its own light background.
    """
    grid = _Grid.fit(snapshot)
    title = headline(snapshot)
    lines = textwrap.wrap(title, _TITLE * grid.width // _WIDTH)[:2]
    top = 24 * (len(lines) - 1)
    body = [
        *(_text(_PAD, 34 + 24 * i, line, size=17, weight=600) for i, line in enumerate(lines)),
        _text(_PAD, 54 + top, _source(snapshot), size=12, fill=MUTED),
        _tag("g", *_scene(snapshot, grid), transform=f"translate(0 {top})"),
    ]
    height = grid.bottom + (44 if grid.legend else 16) + top
    return _tag(
        "svg",
        _tag("title", escape(title)),
        _tag("desc", escape(_description(snapshot))),
        _rect(0.5, 0.5, grid.width - 1, height - 1, fill=PAPER, stroke=LINE, rx=10),
        *body,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {grid.width} {height}",
        # Its own size in pixels, for pages that embed it as an image; no wider than its column.
        width=grid.width,
        height=height,
        style="max-width:100%;height:auto;display:block",
        role="img",
        aria_label=title,
        font_family=FONT,
        font_size=13,
        fill=INK,
    )


# --- the sentence ---------------------------------------------------------------------------------


def _leaderless(s: ClusterSnapshot) -> str:
    lost = [p for p in s.partitions if p.leader is None]
    if not lost:
        return ""
    verb = "has" if len(lost) == 1 else "have"
    text = f"{_names(lost)} {verb} no leader: nobody can write or read"
    if len(lost) == 1 and (heirs := lost[0].elr or lost[0].isr):
        text += f" until {_brokers(heirs, 'or')} is back"
    return text


def _silent_leader(s: ClusterSnapshot) -> str:
    silent = [p for p in s.partitions if p.leader is not None and not s.running(p.leader)]
    if not silent:
        return ""
    leaders = {p.leader for p in silent if p.leader is not None}
    if len(leaders) > 1:
        return f"{_names(silent)} are led by brokers that answer nobody; no election yet"
    (leader,) = leaders
    state = _state(s, leader)
    verb = "is" if len(silent) == 1 else "are"
    return (
        f"{_names(silent)} {verb} still led by broker {leader}, which is {state}: no election yet"
    )


def _ghosts(s: ClusterSnapshot) -> str:
    ghosts = sorted({b for p in s.partitions for b in p.isr if not s.running(b)})
    if not ghosts:
        return ""
    haunted = [p for p in s.partitions if set(p.isr) & set(ghosts)]
    counts = "counts" if len(ghosts) == 1 else "count"
    nodes = [n for n in s.brokers if n.id in ghosts]
    return f"{_capital(_states(nodes))} but still {counts} in the ISR of {_names(haunted)}"


def _out_of_sync(s: ClusterSnapshot) -> str:
    behind = [p for p in s.partitions if p.out_of_sync]
    if not behind:
        return ""
    who = sorted({b for p in behind for b in p.out_of_sync})
    verb = "is" if len(who) == 1 else "are"
    if len(s.partitions) == 1:
        (only,) = behind
        return f"{only.name} is led by broker {only.leader}; {_brokers(who)} {verb} out of its ISR"
    share = (
        f"all {len(behind)}"
        if len(behind) == len(s.partitions)
        else (f"{len(behind)} of {len(s.partitions)}")
    )
    if all(set(p.out_of_sync) == set(who) for p in behind):
        return f"{_capital(_brokers(who))} {verb} out of the ISR of {share} partitions"
    return f"{_capital(share)} partitions lack a replica in their ISR, on {_brokers(who)}"


def _no_topics(s: ClusterSnapshot) -> str:
    return "" if s.partitions else f"{_capital(_states(s.brokers))}; there is no topic yet"


def _in_sync(s: ClusterSnapshot) -> str:
    down = [n for n in s.brokers if n.state is not State.RUNNING]
    rest = f"; {_states(down)}" if down else ""
    if len(s.partitions) > 1:
        all_in_sync = f"All replicas of {len(s.partitions)} partitions are in sync"
        return f"{all_in_sync}: {_leading(s)}{rest}"
    (only,) = s.partitions
    followers = [b for b in only.isr if b != only.leader]
    if not followers:
        return f"{only.name} is led by broker {only.leader}, its only replica{rest}"
    verb = "is" if len(followers) == 1 else "are"
    return f"{only.name} is led by broker {only.leader}; {_brokers(followers)} {verb} in sync{rest}"


def _leading(s: ClusterSnapshot) -> str:
    """How many partitions each broker leads."""
    leads = Counter(p.leader for p in s.partitions if p.leader is not None)
    if len(leads) == len(s.brokers) and len(set(leads.values())) == 1:
        return f"each broker leads {leads.popitem()[1]}"
    return _list([f"broker {b} leads {n}" for b, n in sorted(leads.items())])


def _states(nodes: Iterable[Node]) -> str:
    groups: dict[State, list[int]] = {}
    for node in nodes:
        groups.setdefault(node.state, []).append(node.id)
    return _list(
        [
            f"{_brokers(ids)} {'is' if len(ids) == 1 else 'are'} {state.value}"
            for state, ids in groups.items()
        ]
    )


def _state(s: ClusterSnapshot, broker: int) -> str:
    node = s.node(broker)
    return node.state.value if node else "gone"


def _names(partitions: Sequence[Partition]) -> str:
    names = [p.name for p in partitions]
    return _list(names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"])


def _brokers(ids: Iterable[int], word: str = "and") -> str:
    each = [str(i) for i in sorted(ids)]
    return f"broker{'s' if len(each) > 1 and word == 'and' else ''} {_list(each, word)}"


def _list(words: Sequence[str], last: str = "and") -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _source(s: ClusterSnapshot) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(wall(s.time)))
    if s.answered_by is None:
        return f"{clock} · process states only: no broker could be asked about its partitions"
    return f"{clock} · partitions as broker {s.answered_by} reports them"


def _description(s: ClusterSnapshot) -> str:
    # For screen readers: all that the picture shows, partition by partition.
    nodes = [f"{n.role.value} {n.id}: {n.state.value}" for n in s.nodes]
    parts = [
        f"{p.name}: leader {'none' if p.leader is None else p.leader}, "
        f"in-sync replicas {_list([str(b) for b in p.isr]) or 'none'}, "
        f"out of sync {_list([str(b) for b in p.out_of_sync]) or 'none'}"
        for p in s.partitions
    ]
    return "; ".join(nodes + parts) + "."


# --- the drawing ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Grid:
    """Where things stand. All lengths are SVG units, px at full size."""

    width: int
    card: int
    roomy: bool
    columns: int  # slots in a row of a card
    rows: dict[str, int]  # per topic

    @classmethod
    def fit(cls, s: ClusterSnapshot) -> _Grid:
        count = max(len(s.brokers), 1)
        card = max((_WIDTH - 2 * _PAD - (count - 1) * _GAP) // count, _MIN_CARD)
        width = 2 * _PAD + count * card + (count - 1) * _GAP
        roomy = len(s.partitions) <= _ROOMY and card >= _NARROW
        columns = 1 if roomy else max((card - 2 * _INSET + 6) // 58, 1)
        sizes = Counter(p.topic for p in s.partitions)
        rows = {topic: -(-sizes[topic] // columns) for topic in s.topics}
        return cls(max(width, _WIDTH), card, roomy, columns, rows)

    @property
    def legend(self) -> bool:
        return bool(self.rows) and not self.roomy  # where words fit in the boxes, none is needed

    @property
    def narrow(self) -> bool:
        return self.card < _NARROW

    @property
    def top(self) -> int:
        return _CONTROLLER_TOP + _CONTROLLER + _WIRE

    @property
    def bottom(self) -> int:
        content = sum(26 + 30 * rows for rows in self.rows.values())
        return self.top + _HEADER + max(content, 30) + 10

    def left(self, column: int) -> int:
        return _PAD + column * (self.card + _GAP)

    @property
    def slot_width(self) -> float:
        room = self.card - 2 * _INSET
        return (room - 6 * (self.columns - 1)) / self.columns

    def slot(self, index: int) -> tuple[float, int]:
        row, column = divmod(index, self.columns)
        return column * (self.slot_width + 6), 30 * row


def _scene(s: ClusterSnapshot, grid: _Grid) -> Iterable[str]:
    yield _controller(s, grid)
    for column, broker in enumerate(s.brokers):
        yield _wire(s, grid, broker, grid.left(column) + grid.card / 2)
        yield _card(s, grid, broker, grid.left(column))
    yield _legend(s, grid)


def _controller(s: ClusterSnapshot, grid: _Grid) -> str:
    nodes = s.controllers
    state = nodes[0].state if nodes else State.RUNNING
    look = _LOOKS[state]
    name = _list([f"controller {n.id}" for n in nodes]) or "controller"
    words = look.words if nodes else "not visible from here"
    duty = "takes heartbeats, elects leaders" if state is State.RUNNING else "nobody elects leaders"
    y = _CONTROLLER_TOP
    return _tag(
        "g",
        _rect(
            _PAD,
            y,
            grid.width - 2 * _PAD,
            _CONTROLLER,
            fill=look.tint,
            stroke=look.ink,
            stroke_dasharray=look.dash,
            rx=8,
        ),
        _state_icon(state, _PAD + 18, y + 17),
        _text(_PAD + 34, y + 22, name, weight=600, size=14),
        _text(_PAD + 150, y + 22, f"{words} · {duty}", fill=look.ink),
    )


def _wire(s: ClusterSnapshot, grid: _Grid, broker: Node, x: float) -> str:
    """The heartbeat line between the controller and one broker."""
    y, end = _CONTROLLER_TOP + _CONTROLLER, grid.top
    fenced = broker.id in s.fenced
    alive = broker.state is State.RUNNING and all(n.state is State.RUNNING for n in s.controllers)
    if alive and not fenced:
        return _line(x, y, x, end, stroke=GREEN, stroke_width=2)
    if fenced:
        word, colour, dash = "fenced", VERMILLION, "2 6"
    elif s.reachable:
        word, colour, dash = "silent" if grid.narrow else "no heartbeat", _AMBER, "5 5"
    else:
        word, colour, dash = "cut", MUTED, "2 6"
    return _tag(
        "g",
        _line(x, y, x, end, stroke=colour, stroke_width=2, stroke_dasharray=dash),
        _text(x + 9, y + 23, word, size=12, fill="#A03C00" if fenced else colour),
    )


def _card(s: ClusterSnapshot, grid: _Grid, broker: Node, x: int) -> str:
    look = _LOOKS[broker.state]
    height = grid.bottom - grid.top
    edge = {"stroke": look.ink, "stroke_width": 1.5, "stroke_dasharray": look.dash}
    ground = "#FFFFFF" if broker.state is State.RUNNING else "#F4F4F2"
    return _tag(
        "g",
        _rect(0, 0, grid.card, height, fill=ground, rx=8),
        _tag("path", d=_header_path(grid.card), fill=look.tint),
        _rect(0, 0, grid.card, height, fill="none", rx=8, **edge),
        _state_icon(broker.state, 19, 20),
        _text(36, 25, f"broker {broker.id}", size=15, weight=600),
        "" if grid.narrow else _port(broker, grid.card - _INSET),
        _text(36, 42, look.words, size=12, fill=look.ink),
        *_contents(s, grid, broker),
        transform=f"translate({x} {grid.top})",
    )


def _port(broker: Node, x: float) -> str:
    return _text(x, 25, f":{broker.port}", size=12, fill=MUTED, anchor="end")


def _contents(s: ClusterSnapshot, grid: _Grid, broker: Node) -> Iterable[str]:
    y = _HEADER
    if not s.partitions:
        words = "no partitions yet" if s.reachable else "contents unknown"
        yield _text(_INSET, y + 24, words, fill=MUTED)
    for topic in s.topics:
        y += 20
        yield _text(
            _INSET, y, _shorten(topic, grid.card - 2 * _INSET), size=12, weight=600, fill=MUTED
        )
        ordered = sorted((p for p in s.partitions if p.topic == topic), key=lambda p: p.index)
        for place, partition in enumerate(ordered):
            dx, dy = grid.slot(place)
            yield _replica(s, grid, partition, broker, _INSET + dx, y + 7 + dy)
        y += 6 + 30 * grid.rows[topic]


@dataclass(frozen=True)
class _Role:
    """How a replica looks: `letter` where there is no room for `words`."""

    letter: str
    words: str
    fill: str
    stroke: str
    ink: str
    dash: str = ""


_LEADER = _Role("L", "leader", BLUE, BLUE, "#FFFFFF")
_MUTE_LEADER = _Role("L", "leader, silent", "#FFFFFF", BLUE, "#005484", dash="5 3")
_FOLLOWER = _Role("F", "follower, in sync", "#EAF4FA", BLUE, "#005484")
_GHOST = _Role("F", "still in ISR, silent", "#FFFFFF", BLUE, "#005484", dash="5 3")
_OUT = _Role("O", "out of ISR", "#FFF7F2", VERMILLION, "#A03C00", dash="2 3")
_ELIGIBLE = _Role("E", "out of ISR, in ELR", "#FFF7F2", VERMILLION, "#A03C00", dash="2 3")


def _role(s: ClusterSnapshot, partition: Partition, broker: Node) -> _Role:
    silent = not s.running(broker.id)
    if partition.leader == broker.id:
        return _MUTE_LEADER if silent else _LEADER
    if broker.id in partition.isr:
        return _GHOST if silent else _FOLLOWER
    return _ELIGIBLE if broker.id in partition.elr else _OUT


def _replica(
    s: ClusterSnapshot, grid: _Grid, partition: Partition, broker: Node, x: float, y: float
) -> str:
    width = grid.slot_width
    if broker.id not in partition.replicas:  # an empty place keeps the others in line
        return _text(x + width / 2, y + 17, "·", fill=LINE, anchor="middle", size=16)
    role = _role(s, partition, broker)
    epoch = f", epoch {partition.epoch}" if partition.leader == broker.id else ""
    words = role.words + epoch if grid.roomy else role.letter
    return _tag(
        "g",
        _tag("title", escape(f"{partition.name} on broker {broker.id}: {role.words}{epoch}")),
        _chip(role, x, y, width, f"{partition.index}", words),
    )


def _chip(role: _Role, x: float, y: float, width: float, number: str, words: str) -> str:
    at = 30 + 8 * (len(number) - 1)
    return _tag(
        "g",
        _outline(role, width),
        _mark(role),
        _text(22, 17, number, size=13, weight=700, fill=role.ink),
        _text(at + 5, 17, words, size=12, fill=role.ink),
        transform=f"translate({x:.1f} {y})",
    )


def _outline(role: _Role, width: float) -> str:
    # Leader: a flag. In sync: a pill. Out of sync: a dotted box with a missing corner.
    w = width
    if role.letter == "L":
        d = f"M3 0H{w - 9:.1f}L{w:.1f} 12L{w - 9:.1f} 24H3Q0 24 0 21V3Q0 0 3 0Z"
    elif role.letter == "F":
        d = f"M12 0H{w - 12:.1f}A12 12 0 0 1 {w - 12:.1f} 24H12A12 12 0 0 1 12 0Z"
    else:
        d = f"M0 0H{w - 10:.1f}L{w:.1f} 10V24H0Z"
    return _tag(
        "path",
        d=d,
        fill=role.fill,
        stroke=role.stroke,
        stroke_width=1.5,
        stroke_dasharray=role.dash,
    )


def _mark(role: _Role) -> str:
    if role.letter == "L":  # a star
        d = "M12 5.5l1.9 4.3 4.6.4-3.5 3.1 1.1 4.6-4.1-2.5-4.1 2.5 1.1-4.6-3.5-3.1 4.6-.4z"
        return _tag("path", d=d, fill=role.ink)
    if role.letter == "F":  # a tick
        return _tag("path", d="M7.5 12.5l3 3 6-7", fill="none", stroke=role.ink, stroke_width=2)
    return _tag("path", d="M8 8l8 8M16 8l-8 8", stroke=role.ink, stroke_width=2)  # a cross


def _state_icon(state: State, x: float, y: float) -> str:
    ink = _LOOKS[state].ink
    if state is State.RUNNING:
        return _tag("circle", cx=x, cy=y, r=6, fill=ink)
    if state is State.PAUSED:
        return _tag("path", d=f"M{x - 3} {y - 6}v12M{x + 3} {y - 6}v12", stroke=ink, stroke_width=4)
    if state in (State.STOPPING, State.STOPPED):
        return _rect(x - 6, y - 6, 12, 12, fill=ink)
    return _tag("path", d=f"M{x - 6} {y - 6}l12 12m0-12l-12 12", stroke=ink, stroke_width=3.5)


def _legend(s: ClusterSnapshot, grid: _Grid) -> str:
    if not grid.legend:
        return ""
    items = [(_LEADER, "leader"), (_FOLLOWER, "follower in the ISR"), (_OUT, "out of the ISR")]
    if any(p.elr for p in s.partitions):
        items.append((_ELIGIBLE, "out, but eligible leader (ELR)"))
    drawn, x = [], float(_PAD)
    for role, words in items:
        drawn.append(_chip(role, x, grid.bottom + 11, 64, "0", role.letter))
        drawn.append(_text(x + 72, grid.bottom + 28, words, size=12, fill=MUTED))
        x += 72 + 6.3 * len(words) + 26
    return "".join(drawn)


def _header_path(width: int) -> str:
    return f"M0 {_HEADER}V8Q0 0 8 0H{width - 8}Q{width} 0 {width} 8V{_HEADER}Z"


def _shorten(text: str, room: float) -> str:
    most = max(int(room / 8), 4)
    return text if len(text) <= most else text[: most - 1] + "…"


# --- SVG ------------------------------------------------------------------------------------------


def _tag(_name: str, *inner: str, **attributes: object) -> str:
    """One element. `inner` is markup; attributes are escaped, and empty ones left out."""
    given = "".join(
        f' {key.replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{_name}{given}>{''.join(inner)}</{_name}>" if inner else f"<{_name}{given}/>"


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 13,
    fill: str = INK,
    weight: int | str = "",
    anchor: str = "",
) -> str:
    return _tag(
        "text",
        escape(words),
        x=f"{x:g}",
        y=f"{y:g}",
        font_size=size,
        fill=fill,
        font_weight=weight,
        text_anchor=anchor,
    )


def _rect(x: float, y: float, width: float, height: float, **attributes: object) -> str:
    return _tag("rect", x=f"{x:g}", y=f"{y:g}", width=width, height=height, **attributes)


def _line(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> str:
    return _tag("line", x1=f"{x1:g}", y1=f"{y1:g}", x2=f"{x2:g}", y2=f"{y2:g}", **attributes)
