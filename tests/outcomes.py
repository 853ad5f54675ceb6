"""What tests ask of an experiment's result, and of those that a saved notebook has.

A chapter's front matter says which option its text is about, for each panel that asks for one, in
their order (`any`: it depends on the machine, and the text says so):

    came_true:
      leader_crash: [some, none]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import SimpleNamespace
from typing import Any, cast

from labs.chapters import find
from labs.charts.naming import naming
from labs.experiment import prediction
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.settings import resolve
from labs.experiment.views import View
from labs.kafka.cluster import Cluster
from labs.workload.judgements import KEY_ORDER, PROCESSING
from tests import prose
from tests.kept import taken

ANY = "any"


def run_of(chapter: str, cluster: Cluster, what: str, /, **settings: object) -> Result:
    """The result of a chapter's experiment, named by the second half of its name.

    That of its notebook where it has run with these settings, and nobody has taken it; else of now.
    """
    experiment = find(f"{chapter}.{what}")
    result = taken(experiment.name, resolve(experiment.settings, settings))
    return looked_at(result or experiment.run(cluster, settings))


def run_now(chapter: str, cluster: Cluster, what: str, /, **settings: object) -> Result:
    """The same of now, for a test that has changed something here, or looks at what is left."""
    return looked_at(find(f"{chapter}.{what}").run(cluster, settings))


def looked_at(result: Result) -> Result:
    """A result that says what it means, in words alone."""
    assert result.conclusion
    assert result.views
    for view in result.views:
        nameless = [id for id in ids(view) if ("_" in id or ":" in id) and naming(view)(id) == id]
        assert not [id for id in nameless if id.replace(":", "").isidentifier()]
    return result


def ids(view: View) -> Iterator[str]:
    """Every id of a view that a reader may come to see."""
    for field in fields(view):
        if field.name not in ("title", "names", "notes"):
            yield from _within(getattr(view, field.name))


def _within(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from value
        yield from _within(list(value.values()))
    elif isinstance(value, Sequence):
        for one in value:
            yield from _within(one)
    elif is_dataclass(value) and not isinstance(value, View | type):
        yield from _within([getattr(value, field.name) for field in fields(value)])


def measured(result: Result, name: str) -> float:
    """A measurement that is a number."""
    value = result.measurements[name]
    assert isinstance(value, int | float)
    return value


def came_true(result: Result) -> str | None:
    """Which of the options that a learner may predict came true, by its id."""
    ask = find(result.experiment).ask
    assert isinstance(ask, Options)
    option = prediction.came_true(ask, result)
    assert option is None or option in ask.options
    return None if option is None else str(option)


def contradictions(book: Any, expected: Mapping[str, Sequence[str]]) -> list[str]:
    """Where a notebook's own results are not what its text says; `expected`: its `came_true`."""
    found = came_true_in(book) if expected else {}
    return [
        f"{name} came out as {found.get(name)}, and the text says {list(wanted)}"
        for name, wanted in expected.items()
        if len(found.get(name, ())) != len(wanted)
        or any(said not in (ANY, came) for said, came in zip(wanted, found[name], strict=True))
    ]


def came_true_in(book: Any) -> dict[str, list[str | None]]:
    """The options that came true in a notebook's results: `crash` → that of each run."""
    found: dict[str, list[str | None]] = {}
    for figures in prose.results(book):
        experiment = find(figures["experiment"])
        if isinstance(experiment.ask, Options):
            option = experiment.ask.measured(cast(Result, _result(figures)))
            found.setdefault(experiment.name.partition(".")[2], []).append(option)
    return found


def _result(figures: Mapping[str, Any]) -> SimpleNamespace:
    """A result as far as a notebook has it (`Result.figures`)."""
    counts = SimpleNamespace(**figures["counts"])
    judged = {
        name: SimpleNamespace(**figures[name]) if name in figures else None
        for name in (PROCESSING, KEY_ORDER)
    }
    report = SimpleNamespace(verdict=figures["verdict"], counts=counts)
    measured = {name: figures[name] for name in ("experiment", "settings", "measurements")}
    return SimpleNamespace(**measured, **judged, report=report)
