"""No sentence decides anything: with each of them replaced by nonsense, an experiment and its panel
come to the same verdict, the same colours and the same comparison with the prediction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest
from matplotlib.axis import Axis
from matplotlib.text import Text

from labs.base import words
from labs.chapters import words_of
from labs.charts import picture
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.kafka.local import LocalCluster
from labs.notebook.finding import Finding
from labs.notebook.panel import panel
from labs.workload.judgements import VALID, VIOLATED
from tests.widgets import find

number = count(1)
Nonsense = Callable[[], AbstractContextManager[None]]


def nonsense(*_: object) -> str:
    """Never the same twice; with all that a sentence might be cut at."""
    return f"qrzt {next(number)}: (vlk, {next(number)}) = zjx. wnd"


class Tables(dict[str, str]):
    """Sentences by their ids, a new one each time that one is looked up."""

    def __getitem__(self, name: str) -> str:
        super().__getitem__(name)
        return nonsense()


@pytest.fixture
def speaking_nonsense() -> Nonsense:
    """Whatever is looked up: what a run says and concludes, its pictures, its panel."""
    table = words.table

    class Speaking(AbstractContextManager[None]):
        def __enter__(self) -> None:
            self._patch = pytest.MonkeyPatch()
            self._patch.setattr(words, "table", lambda *where: Tables(table(*where)))

        def __exit__(self, *_: object) -> None:
            self._patch.undo()

    return Speaking


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a run says while it goes on."""
    heard: list[str] = []
    say = Run.say

    def hear(run: Run, text: str) -> None:
        heard.append(text)
        say(run, text)

    monkeypatch.setattr(Run, "say", hear)
    return heard


@dataclass(frozen=True)
class Look:
    """What a picture says, and what it draws in which colours, but for the ticks: their number goes
    by the room that the words leave.
    """

    said: str
    colours: list[tuple[str, ...]]


def look(result: Result) -> Look:
    figure = picture(result)
    said = "\n".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))
    ticks = {part for axis in figure.findobj(Axis) for part in axis.findobj()}
    beside = {*figure.findobj(Text), *ticks}
    return Look(said, [_colours(artist) for artist in figure.findobj() if artist not in beside])


def _colours(artist: Any) -> tuple[str, ...]:
    ways = ("facecolor", "edgecolor", "color", "markerfacecolor", "hatch", "marker", "linestyle")
    found = [str(getattr(artist, f"get_{w}")()) for w in ways if hasattr(artist, f"get_{w}")]
    return type(artist).__name__, *found


def in_english(result: Result) -> Result:
    """The same result, its pictures with the chapter's own words again."""
    shown = words_of(result.experiment)[0].under("shown")
    views = [replace(v, title="A title", names=shown if v.names else {}) for v in result.views]
    return replace(result, views=tuple(views))


def marks(html: str) -> list[str]:
    """What a page draws by: the classes of all that stands in it, in order."""
    return re.findall(r'class="([^"]*)"', html)


@pytest.mark.parametrize(
    ("name", "settings", "prediction", "right", "verdicts"),
    [
        ("acks.leader_crash", {"acks": "1", "lag_s": 1}, "some", True, [VIOLATED]),
        ("consumers.commits", {"when": "after"}, "never", False, [VALID, VIOLATED]),
        ("producers.keys", {}, 36, True, [VALID]),
        ("exactly_once.zombie", {}, "fenced", True, [VALID]),
        ("groups.static_member", {}, "everybody", False, [VALID, VALID]),
    ],
)
def test_with_nonsense_for_sentences_all_comes_out_alike(
    shared_cluster: LocalCluster,
    speaking_nonsense: Nonsense,
    said: list[str],
    name: str,
    settings: dict[str, Any],
    prediction: str | float,
    right: bool,
    verdicts: list[str],
) -> None:
    with speaking_nonsense():
        one = panel(name, cluster=shared_cluster, **settings)
        one.predict(prediction)
        found = one.run()
        assert isinstance(found, Finding)
        strange = look(found.result)
        html = find(one.widget, "t-verdict").value
    assert [judgement.verdict for judgement in found.result.judgements] == verdicts
    assert found.reconciliation is not None and found.reconciliation.right is right
    told = [
        found.result.conclusion,
        *(view.title for view in found.result.views),
        *filter(None, said),
    ]
    assert [sentence for sentence in told if "qrzt" not in sentence] == []
    assert not re.search(r"\b(acknowledged|records?|broker|partition|member)\b", strange.said)
    plain = look(in_english(found.result))
    assert strange.colours == plain.colours
    assert len(strange.colours) > 3
    assert "qrzt" in strange.said
    assert marks(html) == marks(found.html)
