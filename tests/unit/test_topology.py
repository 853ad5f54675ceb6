"""The picture: true in its words, distinct in its shapes, and well-formed for every cluster."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from labs.base import words as tables
from labs.base.clock import now
from labs.charts import style
from labs.charts.topology import headline, topology_svg
from labs.charts.topology.headline import finding, words
from labs.charts.topology.spelling import numbers
from labs.kafka.cluster import CONTROLLER_ID, Node, Role, State
from labs.observe.snapshot import ClusterSnapshot, Partition

R, P, S, K = State.RUNNING, State.PAUSED, State.STOPPED, State.KILLED
SVG = "{http://www.w3.org/2000/svg}"


def nodes(*states: State) -> tuple[Node, ...]:
    brokers = [Node(i, Role.BROKER, state, 1, 29091 + i, "") for i, state in enumerate(states, 1)]
    return (*brokers, Node(CONTROLLER_ID, Role.CONTROLLER, R, 1, 29100, ""))


def part(
    index: int = 0,
    leader: int | None = 1,
    isr: tuple[int, ...] = (1, 2, 3),
    topic: str = "flights",
    elr: tuple[int, ...] = (),
    replicas: tuple[int, ...] = (1, 2, 3),
) -> Partition:
    return Partition(topic, index, leader, 7, replicas, isr, elr)


def seen(
    *partitions: Partition,
    states: tuple[State, ...] = (R, R, R),
    fenced: frozenset[int] = frozenset(),
) -> ClusterSnapshot:
    who = next((i for i, s in enumerate(states, 1) if s is R), None)
    return ClusterSnapshot(now(), nodes(*states), partitions, fenced, who)


def texts(svg: str) -> list[str]:
    return [t.text or "" for t in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("snapshot", "found", "of"),
    [
        (seen(), "no_topic", ""),
        (seen(part()), "in_sync", "flights-0 1 2 3"),
        (seen(part(leader=2, isr=(2, 3)), states=(K, R, R)), "out_of_one", "flights-0 2 1"),
        (seen(part(), states=(K, R, R)), "silent_leader", "flights-0 1 killed"),
        (seen(part(leader=2), states=(P, R, R)), "silent_in_isr", "1 paused flights-0"),
        (
            seen(part(leader=None, isr=(), elr=(1, 2)), states=(S, S, R)),
            "leaderless_until",
            "flights-0 1 2",
        ),
        (
            seen(*(part(i, leader=2, isr=(2, 3)) for i in range(3)), states=(K, R, R)),
            "out_of_all",
            "1 3",
        ),
        (seen(part(0), part(1, isr=(1, 2)), part(2)), "out_of_some", "3 1 3"),
        (
            seen(part(0, isr=(1, 3)), part(1, isr=(1, 2)), part(2)),
            "some_lack_a_replica",
            "2 3 2 3",
        ),
        (seen(part(0), part(1, leader=2)), "all_in_sync", "2 1 1 2 1"),
        (seen(part(0), part(1, leader=2), part(2, leader=3)), "all_in_sync", "3 1"),
        (
            seen(part(isr=(1,), replicas=(1,)), states=(R, K, R)),
            "only_replica",
            "flights-0 1 2 killed",
        ),
        (seen(states=(K, P, P)), "no_answer", "1 killed 2 3 paused"),
        (
            seen(*(part(i, leader=None, isr=()) for i in range(5))),
            "leaderless",
            "flights-0 flights-1 3",
        ),
        (ClusterSnapshot(0.0, ()), "no_broker", ""),
    ],
)
def test_the_title_states_the_finding(snapshot: ClusterSnapshot, found: str, of: str) -> None:
    assert finding(snapshot).id == found
    sentence = headline(snapshot)
    said = [words(f"state.{one}") if one in [*State] else one for one in of.split()]
    assert Counter(said) <= Counter(re.findall(r"[\w-]+", sentence))
    root = ElementTree.fromstring(topology_svg(snapshot))
    assert root.attrib["aria-label"] == sentence
    assert root.attrib["role"] == "img"
    assert root.findtext(f"{SVG}title") == sentence
    assert sentence in " ".join(texts(topology_svg(snapshot)))  # also where it takes two lines


def test_one_is_told_from_many() -> None:
    assert headline(seen(part())).endswith("brokers 2 and 3 are in sync")
    assert headline(seen(part(isr=(1, 2), replicas=(1, 2)))).endswith("broker 2 is in sync")


def test_a_dead_controller_is_in_the_title() -> None:
    whole = seen(part())
    dead = [n if n.role is Role.BROKER else replace(n, state=K) for n in whole.nodes]
    told = headline(replace(whole, nodes=tuple(dead)))
    assert told == words("also.no_controller", finding=headline(whole), state="killed")


def chip(svg: str, name: str, broker: int) -> tuple[str, str, str]:
    """The role of one replica, its tooltip, and the path that outlines it."""
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        if group.get("data-replica") == f"{name}@{broker}":
            tip, path = group.findtext(f"{SVG}title") or "", next(group.iter(f"{SVG}path"))
            return group.attrib["data-role"], tip, path.attrib["d"]
    raise AssertionError(f"{name} is not drawn on broker {broker}")


@pytest.mark.parametrize("count", [1, 12])
def test_each_role_has_its_own_word_and_shape(count: int) -> None:
    extra = [part(i) for i in range(1, count)]
    svg = topology_svg(seen(part(leader=2, isr=(2, 3), elr=()), *extra))
    drawn = [chip(svg, "flights-0", broker) for broker in (1, 2, 3)]
    assert [role for role, _, _ in drawn] == ["out", "leader", "follower"]
    assert len({shape for _, _, shape in drawn}) == 3
    epoch = words("replica.epoch", role=words("replica.leader"), epoch=7)
    tips = [words("replica.out"), epoch, words("replica.follower")]
    assert all(tip.endswith(f": {told}") for (_, tip, _), told in zip(drawn, tips, strict=True))


def test_a_dead_broker_that_is_still_leader_is_drawn_silent() -> None:
    svg = topology_svg(seen(part(), states=(K, R, R)))
    assert chip(svg, "flights-0", 1)[0] == "silent_leader"
    svg = topology_svg(seen(part(leader=2), states=(K, R, R)))
    assert chip(svg, "flights-0", 1)[0] == "silent_in_isr"


def test_an_eligible_leader_is_named() -> None:
    svg = topology_svg(seen(part(leader=None, isr=(), elr=(1,)), states=(S, R, R)))
    assert chip(svg, "flights-0", 1)[0] == "eligible"
    assert chip(svg, "flights-0", 2)[0] == "out"


def test_every_process_state_has_words() -> None:
    svg = topology_svg(seen(part(leader=4), states=(K, P, S, R)))
    told = texts(svg)
    for state in (K, P, S, R):
        assert words(f"process.{state}") in told


def test_fencing_is_told_apart_from_silence() -> None:
    missing = words("heartbeat.missing")
    assert missing in texts(topology_svg(seen(part(), states=(K, R, R))))
    fenced = texts(topology_svg(seen(part(), states=(K, R, R), fenced=frozenset({1}))))
    assert words("heartbeat.fenced") in fenced
    assert missing not in fenced


def test_a_broker_without_the_partition_leaves_a_gap() -> None:
    svg = topology_svg(seen(part(replicas=(1, 2), isr=(1, 2))))
    with pytest.raises(AssertionError, match="not drawn on broker 3"):
        chip(svg, "flights-0", 3)


@pytest.mark.parametrize("topics", range(7))
@pytest.mark.parametrize("partitions", [1, 3, 12])
@pytest.mark.parametrize("brokers", [1, 3, 5, 7])
def test_everything_stays_inside_the_picture(topics: int, partitions: int, brokers: int) -> None:
    parts = [part(i, topic=f"topic{t}") for t in range(topics) for i in range(partitions)]
    svg = topology_svg(seen(*parts, states=(R,) * brokers))
    root = ElementTree.fromstring(svg)
    _, _, width, height = (float(n) for n in root.attrib["viewBox"].split())
    assert width >= 900
    for x, y in _corners(root):
        assert x <= width
        assert y <= height
    tips = re.findall(r"data-replica=", svg)
    assert len(tips) == topics * partitions * min(brokers, 3)


def _corners(
    element: ElementTree.Element, dx: float = 0, dy: float = 0
) -> Iterator[tuple[float, float]]:
    """The far corner of every rectangle and line, with the translations above it applied."""
    moved = re.match(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
    if moved:
        dx, dy = dx + float(moved[1]), dy + float(moved[2])
    if element.tag == f"{SVG}rect":
        far = [float(element.attrib[k]) for k in ("x", "y", "width", "height")]
        yield dx + far[0] + far[2], dy + far[1] + far[3]
    if element.tag == f"{SVG}text":
        yield dx + float(element.attrib["x"]), dy + float(element.attrib["y"])
    for child in element:
        yield from _corners(child, dx, dy)


def test_names_are_escaped_and_long_ones_cut() -> None:
    svg = topology_svg(seen(part(topic='<b>&"x'), part(topic="long" * 60)))
    assert "<b>" not in svg
    assert any(t.endswith("…") for t in texts(svg))
    assert '<b>&"x' in texts(svg)


def test_the_description_reads_every_partition_aloud() -> None:
    root = ElementTree.fromstring(topology_svg(seen(part(leader=2, isr=(2, 3)))))
    told = root.findtext(f"{SVG}desc") or ""
    said = {"name": "flights-0", "leader": 2, "isr": numbers((2, 3)), "out": 1}
    assert words("description.broker", id=1, state=words("state.running")) in told
    assert words("description.partition", **said) in told


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("ink", "ratio"), [(style.INK, 7.0), (style.MUTED, 4.5)])
def test_text_is_legible_on_the_paper(ink: str, ratio: float) -> None:
    light, dark = luminance(style.PAPER), luminance(ink)
    assert (light + 0.05) / (dark + 0.05) >= ratio


def test_a_figure_is_reused_and_becomes_png() -> None:
    first = style.figure(2.0)
    style.axes(first, title="100 of 110 acknowledged records are gone", y="records").plot([1, 2])
    again = style.figure(3.0, reuse=first)
    assert again is first
    assert isinstance(again, Figure)
    assert again.axes == []
    picture = style.png(again)
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20]) == 900  # px wide
    assert int.from_bytes(picture[20:24]) == 300


def test_hangul_stands_in_the_picture_and_a_font_that_has_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = {"headline.in_sync.other": "{brokers} 동기화됨", "process.running": "실행 중"}
    real = tables.table
    monkeypatch.setattr(tables, "table", lambda *of: {**real(*of), **said})
    svg = topology_svg(seen(part()))
    assert "실행 중" in texts(svg)
    assert "동기화됨" in " ".join(texts(svg))
    assert "'Noto Sans KR'" in ElementTree.fromstring(svg).attrib["font-family"]
