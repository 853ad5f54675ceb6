"""The picture: true in its words, distinct in its shapes, and well-formed for every cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from labs.base.clock import now
from labs.charts import style
from labs.charts.topology import headline, topology_svg
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
    ("snapshot", "sentence"),
    [
        (seen(), "Brokers 1, 2 and 3 are running; there is no topic yet"),
        (seen(part()), "flights-0 is led by broker 1; brokers 2 and 3 are in sync"),
        (
            seen(part(leader=2, isr=(2, 3)), states=(K, R, R)),
            "flights-0 is led by broker 2; broker 1 is out of its ISR",
        ),
        (
            seen(part(), states=(K, R, R)),
            "flights-0 is still led by broker 1, which is killed: no election yet",
        ),
        (
            seen(part(leader=2), states=(P, R, R)),
            "Broker 1 is paused but still counts in the ISR of flights-0",
        ),
        (
            seen(part(leader=None, isr=(), elr=(1, 2)), states=(S, S, R)),
            "flights-0 has no leader: nobody can write or read until broker 1 or 2 is back",
        ),
        (
            seen(*(part(i, leader=2, isr=(2, 3)) for i in range(3)), states=(K, R, R)),
            "Broker 1 is out of the ISR of all 3 partitions",
        ),
        (
            seen(part(0), part(1, isr=(1, 2)), part(2)),
            "Broker 3 is out of the ISR of 1 of 3 partitions",
        ),
        (
            seen(part(0, isr=(1, 3)), part(1, isr=(1, 2)), part(2)),
            "2 of 3 partitions lack a replica in their ISR, on brokers 2 and 3",
        ),
        (
            seen(part(0), part(1, leader=2)),
            "All replicas of 2 partitions are in sync: broker 1 leads 1 and broker 2 leads 1",
        ),
        (
            seen(part(0), part(1, leader=2), part(2, leader=3)),
            "All replicas of 3 partitions are in sync: each broker leads 1",
        ),
        (
            seen(part(isr=(1,), replicas=(1,)), states=(R, K, R)),
            "flights-0 is led by broker 1, its only replica; broker 2 is killed",
        ),
        (
            seen(states=(K, P, P)),
            "No broker answers: broker 1 is killed and brokers 2 and 3 are paused",
        ),
        (
            seen(*(part(i, leader=None, isr=()) for i in range(5))),
            "flights-0, flights-1 and 3 more have no leader: nobody can write or read",
        ),
        (ClusterSnapshot(0.0, ()), "There is no broker"),
    ],
)
def test_the_title_states_the_finding(snapshot: ClusterSnapshot, sentence: str) -> None:
    assert headline(snapshot) == sentence
    root = ElementTree.fromstring(topology_svg(snapshot))
    assert root.attrib["aria-label"] == sentence
    assert root.attrib["role"] == "img"
    assert root.findtext(f"{SVG}title") == sentence
    assert sentence in " ".join(texts(topology_svg(snapshot)))  # also where it takes two lines


def test_a_dead_controller_is_in_the_title() -> None:
    whole = seen(part())
    dead = [n if n.role is Role.BROKER else replace(n, state=K) for n in whole.nodes]
    assert headline(replace(whole, nodes=tuple(dead))) == (
        "flights-0 is led by broker 1; brokers 2 and 3 are in sync; "
        "the controller is killed, so no leader can be elected"
    )


def chip(svg: str, name: str, broker: int) -> tuple[str, str]:
    """The tooltip of one replica, and the path that outlines it."""
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        tip = group.findtext(f"{SVG}title") or ""
        if tip.startswith(f"{name} on broker {broker}:"):
            path = next(group.iter(f"{SVG}path"))
            return tip.partition(": ")[2], path.attrib["d"]
    raise AssertionError(f"{name} is not drawn on broker {broker}")


@pytest.mark.parametrize("count", [1, 12])
def test_each_role_has_its_own_word_and_shape(count: int) -> None:
    extra = [part(i) for i in range(1, count)]
    svg = topology_svg(seen(part(leader=2, isr=(2, 3), elr=()), *extra))
    drawn = [chip(svg, "flights-0", broker) for broker in (1, 2, 3)]
    assert [words for words, _ in drawn] == [
        "out of ISR",
        "leader, epoch 7",
        "follower, in sync",
    ]
    assert len({shape for _, shape in drawn}) == 3


def test_a_dead_broker_that_is_still_leader_is_drawn_silent() -> None:
    svg = topology_svg(seen(part(), states=(K, R, R)))
    assert chip(svg, "flights-0", 1)[0] == "leader, silent, epoch 7"
    svg = topology_svg(seen(part(leader=2), states=(K, R, R)))
    assert chip(svg, "flights-0", 1)[0] == "still in ISR, silent"


def test_an_eligible_leader_is_named() -> None:
    svg = topology_svg(seen(part(leader=None, isr=(), elr=(1,)), states=(S, R, R)))
    assert chip(svg, "flights-0", 1)[0] == "out of ISR, in ELR"
    assert chip(svg, "flights-0", 2)[0] == "out of ISR"


def test_every_process_state_has_words() -> None:
    svg = topology_svg(seen(part(leader=4), states=(K, P, S, R)))
    words = texts(svg)
    for text in ("killed (SIGKILL)", "paused (SIGSTOP)", "stopped (SIGTERM)", "running"):
        assert text in words


def test_fencing_is_told_apart_from_silence() -> None:
    assert "no heartbeat" in texts(topology_svg(seen(part(), states=(K, R, R))))
    fenced = texts(topology_svg(seen(part(), states=(K, R, R), fenced=frozenset({1}))))
    assert "fenced" in fenced
    assert "no heartbeat" not in fenced


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
    tips = re.findall(r"on broker \d+:", svg)
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
    assert "broker 1: running" in told
    assert "flights-0: leader 2, in-sync replicas 2 and 3, out of sync 1" in told


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
