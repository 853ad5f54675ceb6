"""Views drawn: each kind, whatever it holds, and the small arithmetic behind it."""

from __future__ import annotations

import math
import pkgutil
import re
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from labs.base import words
from labs.charts import kinds, picture, picture_of, records, show
from labs.charts.kinds.percentiles import stretched
from labs.charts.naming import naming
from labs.charts.pen.axes import Ticks, figures
from labs.charts.pen.ends import apart
from labs.charts.pen.head import head_height
from labs.charts.pen.looks import fills
from labs.charts.pen.marks import gathered, mark_rows
from labs.charts.pen.points import broken, thinned
from labs.charts.pen.sizes import EDGE_IN, TITLE_LETTERS, TITLE_PT, title_lines, width_of
from labs.charts.style import WIDTH_IN, figure, png
from labs.experiment.result import Result
from labs.experiment.views import (
    Bars,
    Grid,
    Lanes,
    Lines,
    Logs,
    Mark,
    Percentiles,
    Replica,
    Span,
    Story,
    View,
)
from labs.workload.judgements import VALID, Counts, Report

LANES = Lanes(
    "Broker 2 took over",
    {
        "broker:1": [Span(0, 3, "leader", "epoch:0"), Span(3, 9, "out_of_isr")],
        "broker:2": [Span(0, 3, "in_isr"), Span(3, 9, "leader", "epoch:1")],
        "broker:3": [Span(0, 3, "in_isr"), Span(3, 9, "unseen")],
    },
    ("leader", "in_isr", "out_of_isr", "unseen"),
)
MARKS = (Mark(1, "pause:2"), Mark(1.01, "pause:3"), Mark(3, "kill:1"))

FULL: list[View] = [
    Bars("One", ["a", "b"], {"records": [1, 20]}, "records"),
    Bars("Two", ["a", "b"], {"x": [0, 3e6], "y": [0.5, math.nan]}, "ms", log=True),
    Bars("Noted", ["a", "b"], {"s": [2.5, 0.1]}, "s", notes=["2.5 s, one by one"]),
    Lines("Many", {"a": [(i, i % 7) for i in range(9000)], "b": [(0, 1)]}, "s", "ms", MARKS),
    Lines("Dots", {"ok": [(1, 0.5), (2, 50)], "fail": [(3, 8)]}, "s", "ms", dots=True, log_y=True),
    Lines("Sweep", {"lz4": [(1024, 5), (16384, 12)]}, "bytes", "MB/s", log_x=True, steps=True),
    Percentiles("p99", {"all": [(50, 3), (99, 80), (100, 200)], "1": [(50, 1), (99.9, 9)]}),
    LANES,
    Lanes(
        "Other kinds", {"p0": [Span(0, 1, "A", "A")], "p1": [Span(0, 1, "B")]}, ("B", "A"), MARKS
    ),
    Grid("A table", ["x", "y"], {"a": ["ok", "no"], "b": ["no", ""]}, ("ok", "no")),
    Logs("Copies", [Replica(1, "leader", True, 306, 83), Replica(2, "paused", False, 83)], 50),
    Story("A life", LANES, {"log_end:1": [(0, 0), (3, 9)]}, {"ok": [(0, 4.0)]}, MARKS),
]
NAME = naming(LANES)
EMPTY: list[View] = [
    Bars("", [], {}, ""),
    Bars("Zeros", ["a"], {"x": [0]}, "s", log=True),
    Lines("", {}, "", ""),
    Lines("", {"a": [], "b": []}, "s", "ms", log_x=True, log_y=True, dots=True),
    Lines("One point", {"a": [(0, 0)]}, "s", "ms", log_y=True),
    Percentiles("", {}),
    Percentiles("", {"a": []}),
    Lanes("", {}),
    Grid("", [], {}),
    Logs("", []),
    Story("", Lanes("", {})),
    Story("", Lanes("", {"broker:1": []}), {"high_watermark": []}, {"ok": []}, MARKS),
]


def result(*views: View, **more: object) -> Result:
    report = Report(VALID, Counts(sent=3, acknowledged=3, readable=3))
    return Result("a.b", {}, report, "t", [], 1.0, {}, views, **more)  # type: ignore[arg-type]


def size(image: bytes) -> tuple[int, int]:
    return struct.unpack(">II", image[16:24])


def texts(fig: Figure) -> str:
    found = [text.get_text() for part in [fig, *fig.subfigs] for text in part.texts]
    for ax in fig.axes:
        found += [text.get_text() for text in ax.texts]
    return "\n".join(found)


@pytest.mark.parametrize("view", FULL + EMPTY, ids=lambda v: f"{type(v).__name__}-{v.title}")
def test_every_view_can_be_drawn_900_pixels_wide_without_a_warning(view: View) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        width, height = size(png(picture_of(view)))
    assert width == 900
    assert 50 < height < 1200


@pytest.mark.parametrize("view", FULL, ids=lambda v: f"{type(v).__name__}-{v.title}")
def test_the_title_stands_in_the_picture(view: View) -> None:
    assert view.title in texts(picture_of(view))


def test_a_view_that_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="int"):
        picture_of(3)  # type: ignore[arg-type]


def test_a_result_is_drawn_as_all_its_views_one_below_the_other() -> None:
    one, two = size(png(picture_of(FULL[0]))), size(png(picture_of(FULL[6])))
    both = picture(result(FULL[0], FULL[6]))
    assert abs(size(png(both))[1] - one[1] - two[1]) <= 2
    assert "One" in texts(both)
    assert "p99" in texts(both)


def test_a_prediction_can_be_drawn_below() -> None:
    told = texts(picture(result(FULL[0]), more=[FULL[2]]))
    assert told.index("One") < told.index("Noted")


def test_a_result_without_views_shows_its_counts() -> None:
    told = texts(picture(result(conclusion="Nothing happened")))
    assert "Nothing happened" in told
    assert "acknowledged" in told


def test_a_live_picture_is_drawn_over_the_last_one() -> None:
    fig = picture_of(FULL[-1])
    before = png(fig)
    assert picture_of(FULL[0], reuse=fig) is fig
    assert "A life" not in texts(fig)
    picture_of(FULL[-1], reuse=fig)
    assert png(fig) == before
    assert size(png(fig, quick=True)) == size(before)


def test_every_height_makes_a_picture() -> None:
    fig = figure(2)
    for pixels in range(130, 600, 7):
        for error in (0, 1e-15, -1e-15):  # what adding up inches leaves
            figure(pixels / 100 + error, reuse=fig)
            assert abs(size(png(fig, quick=True))[1] - pixels) <= 1


def test_show_is_a_png() -> None:
    assert show(picture_of(FULL[0])).data.startswith(b"\x89PNG")


def test_dollars_are_no_mathematics() -> None:
    assert "$x" in texts(picture_of(Bars("$x", ["$a", "$b$"], {"$": [1, 2]}, "$")))


def test_a_lane_says_its_text_only_where_there_is_room() -> None:
    spans = [Span(0, 0.01, "leader", "epoch:8"), Span(0.01, 9, "leader", "epoch:9")]
    told = texts(picture_of(Lanes("", {"broker:1": spans})))
    assert "epoch 9" in told
    assert "epoch 8" not in told


def test_colour_is_never_the_only_sign() -> None:
    looks = fills([*LANES.kinds, "A", "B", "C", "D", "E"])
    assert len({(look.hatch, look.outline, look.face) for look in looks.values()}) == len(looks)
    known = [looks[kind] for kind in ("in_isr", "A", "B", "C", "D", "E")]
    assert len({look.hatch for look in known}) >= 5


# --- arithmetic -----------------------------------------------------------------------------------


def test_thinning_keeps_the_worst_and_the_ends() -> None:
    points = [(float(i), 1.0) for i in range(5000)]
    points[1234] = (1234.0, 99.0)
    kept = thinned(points, 800)
    assert len(kept) <= 802
    assert (1234.0, 99.0) in kept
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert list(kept) == sorted(kept)
    assert thinned(points[:800], 800) == points[:800]


def test_where_nothing_was_seen_there_is_a_gap_even_when_thinned() -> None:
    points = [(i / 100, 5.0) for i in range(1000)] + [(20 + i / 100, 7.0) for i in range(1000)]
    line = broken(points)
    assert sum(math.isnan(y) for _, y in line) == 1
    assert sum(math.isnan(y) for _, y in thinned(line, 100)) == 1


def test_names_are_kept_apart_and_inside() -> None:
    places = apart([50, 50, 51, 98], 10, 0, 100)
    assert all(b - a >= 10 for a, b in pairwise(places))
    assert places[-1] <= 100
    assert apart([5, 50], 10, 0, 100) == [5, 50]


def test_marks_that_stand_close_are_told_as_one() -> None:
    marks = [Mark(1, "pause:2"), Mark(1.1, "pause:3"), Mark(1.2, "kill:1"), Mark(5, "start:1")]
    assert gathered(marks, 0.5, NAME) == [(1, "pause 2, 3 · kill 1"), (5, "start 1")]


def test_marks_take_as_many_rows_as_they_need() -> None:
    assert mark_rows([], 0, 10, 7, NAME) == 0
    assert mark_rows([Mark(1, "kill:1"), Mark(8, "start:1")], 0, 10, 7, NAME) == 1
    close = [Mark(1 + i / 4, "something long is done") for i in range(9)]
    assert mark_rows(close, 0, 10, 7, NAME) == 3


def test_ticks_are_round_and_inside() -> None:
    assert list(Ticks.within((0, 21), 10).places) == [0, 5, 10, 15, 20]
    assert list(Ticks.within((0.5, 2000), 6, log=True).words) == ["1", "10", "100", "1,000"]
    assert list(Ticks.within((20, 90), 6, log=True).places) == [20, 50]


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (5, "5"), (1234, "1,234"), (12.34, "12.3"), (0.0531, "0.0531"), (2.5e6, "2.5 M")],
)
def test_numbers_read_easily(value: float, words: str) -> None:
    assert figures(value) == words


def test_each_nine_takes_as_much_room() -> None:
    assert stretched(99) - stretched(90) == pytest.approx(1)
    assert stretched(99.9) - stretched(99) == pytest.approx(1)
    assert stretched(100) == math.inf


def test_a_long_legend_takes_more_rows_instead_of_leaving_the_picture() -> None:
    few, many = ["leader", "in the ISR"], [f"member {i}" for i in range(20)]
    assert head_height("", few) < head_height("", many)


def test_a_figure_stays_with_its_unit() -> None:
    title = f"{'x' * (TITLE_LETTERS - 5)} 4.00 s without a leader"
    assert title_lines(title)[1].startswith("4.00 s")


# --- words are not identities ---------------------------------------------------------------------


def test_an_id_says_what_it_is_of() -> None:
    name = naming(Bars("", [], {}, "", names={"at_least": "{of} or more", "once": "each at once"}))
    assert (name("partition:3"), name("high_watermark")) == ("partition 3", "high watermark")
    assert name("at_least:once") == "each at once or more"
    assert (name("gzip"), name("acks=1"), name("a:b")) == ("gzip", "acks=1", "a:b")


@pytest.mark.parametrize("view", FULL, ids=lambda v: f"{type(v).__name__}-{v.title}")
def test_sentences_are_exchanged_and_no_colour_order_or_marker_changes(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shapes(fig: Figure) -> list[object]:
        """All that is drawn, text aside; places move with the width of the words."""
        found: list[object] = []
        for artist in fig.findobj(lambda a: isinstance(a, Line2D | Patch | LineCollection)):
            looks = artist.properties()
            found.append([repr(looks.get(name)) for name in LOOKS])
        return found

    before = picture_of(view)
    drawn, told = shapes(before), texts(before)
    monkeypatch.setattr(words, "table", nonsense(words.table))
    after = picture_of(replace(view, names=dict.fromkeys(view.names, "xyzzy")))
    assert shapes(after) == drawn
    if view.title in {"Broker 2 took over", "Copies", "A life", "p99"}:  # they use known ids
        assert texts(after) != told


LOOKS = ("color", "facecolor", "edgecolor", "hatch", "linestyle", "marker", "zorder")


def nonsense(
    table: Callable[..., Mapping[str, str]], word: str = "xyzzy"
) -> Callable[..., Mapping[str, str]]:
    """A table in which no sentence is left; its places for values are."""

    def replaced(*of: Any) -> dict[str, str]:
        places = {id: re.findall(r"\{.*?\}", told) for id, told in table(*of).items()}
        return {id: " ".join([word, *each]) for id, each in places.items()}

    return replaced


# --- Hangul ---------------------------------------------------------------------------------------


def in_korean(view: View, word: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The view's picture with every sentence in Hangul; no letter may be missing."""
    monkeypatch.setattr(words, "table", nonsense(words.table, word))
    spoken = replace(view, title=word, names=dict.fromkeys(view.names, word))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = png(picture_of(spoken))
    monkeypatch.undo()
    return drawn


@pytest.mark.parametrize("view", FULL, ids=lambda v: f"{type(v).__name__}-{v.title}")
def test_hangul_is_drawn_in_every_kind_of_picture(
    view: View, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = (in_korean(view, word, monkeypatch) for word in ("리더가 죽었다", "오프셋 커밋됨"))
    assert size(one)[0] == size(other)[0] == 900
    assert one != other, "letters that are missing all look alike"
    assert not caplog.records, "a learner would read them below the picture"


def test_every_kind_is_among_those_that_are_drawn() -> None:
    known = {kind.name for kind in pkgutil.iter_modules(kinds.__path__)}
    assert {view.kind for view in FULL} == known == {kind.kind for kind in View.__subclasses__()}


def test_hangul_is_drawn_where_records_lie_and_wait() -> None:
    def both(word: str) -> list[bytes]:
        return [
            png(records.by_partition({word: {0: 9}, f"{word}!": {1: 5}})),
            png(records.waits({word: [(0.0, 0.1), (1.0, 1.2)]}, 0.5)),
        ]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, other = both("항공사"), both("파티션")
    assert all(a != b for a, b in zip(one, other, strict=True))


def test_a_title_in_hangul_stays_in_the_picture() -> None:
    lines = title_lines("리더가 죽고 나서 새 리더가 뽑힐 때까지 " * 4)
    assert len(lines) > 1
    assert all(width_of(line, 1.1 * TITLE_PT) <= WIDTH_IN - 2 * EDGE_IN for line in lines)
