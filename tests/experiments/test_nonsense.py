"""No sentence decides anything: with each of them replaced by nonsense, an experiment and its panel
come to the same verdict, the same colours and the same comparison with the prediction.
"""

from __future__ import annotations

import json
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
from labs.notebook.panel import Panel, panel
from labs.workload.judgements import VALID, VIOLATED
from tests.widgets import find

number = count(1)
Nonsense = Callable[[], AbstractContextManager[None]]


def nonsense(*_: object) -> str:
    """Never the same twice; with all that a sentence might be cut at."""
    return f"qrzt {next(number)}: (vlk, {next(number)}) = zjx. wnd"


#: What a measurement or a value may be called; most are called by their ids.
CALLED = re.compile(r"(^|\.)(measured|values)\.")


class Tables(dict[str, str]):
    """Sentences by their ids, a new one each time that one is looked up; no id is shown."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or bool(CALLED.search(str(name)))

    def __getitem__(self, name: str) -> str:
        if not CALLED.search(name):
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


def labels(one: Panel, setting: str) -> list[str]:
    """What a setting's values are called in its control, if they are words."""
    options = getattr(find(one.widget, f"t-set-{setting}"), "options", ())
    return [str(label) for label, _ in options]


@pytest.mark.parametrize(
    ("name", "settings", "prediction", "right", "verdicts"),
    [
        ("acks.leader_crash", {"acks": "1", "lag_s": 1}, "some", True, [VIOLATED]),
        ("consumers.commits", {"when": "after"}, "never", False, [VALID, VIOLATED]),
        ("producers.keys", {}, 36, True, [VALID]),
        ("exactly_once.zombie", {}, "fenced", True, [VALID]),
        ("groups.static_member", {}, "everybody", False, [VALID, VALID]),
        ("exactly_once.restart", {"resume_from": "its own notes"}, "none_twice", False, [VIOLATED]),
        ("architectures.fan_out", {"way": "copies", "records": 1000}, "disk", True, [VALID]),
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
        shown = [value for name, value in one.settings.items() if isinstance(value, str)]
        offered = [label for name in one.settings for label in labels(one, name)]
    assert [judgement.verdict for judgement in found.result.judgements] == verdicts
    assert found.reconciliation is not None and found.reconciliation.right is right
    told = [
        found.result.conclusion,
        *(view.title for view in found.result.views),
        *filter(None, said),
    ]
    assert [sentence for sentence in told if "qrzt" not in sentence] == []
    assert not re.search(r"\b(acknowledged|records?|broker|partition|member)\b", strange.said)
    assert "qrzt" not in json.dumps(found.result.figures()), "no sentence is stored"
    measured = re.findall(r'<tr><td>([^<]*)</td><td class="labs-figure">', html)
    assert measured and [name for name in (*measured, *offered) if "qrzt" not in name] == []
    assert bool(offered) == bool(shown)
    plain = look(in_english(found.result))
    assert strange.colours == plain.colours
    assert len(strange.colours) > 3
    assert "qrzt" in strange.said
    assert marks(html) == marks(found.html)
