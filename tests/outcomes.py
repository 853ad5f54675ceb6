"""What tests ask of an experiment's result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass

from labs.chapters import find
from labs.charts.naming import naming
from labs.experiment import prediction
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.views import View
from labs.kafka.cluster import Cluster


def run_of(chapter: str, cluster: Cluster, what: str, /, **settings: object) -> Result:
    """Run a chapter's experiment, named by the second half of its name."""
    result = find(f"{chapter}.{what}").run(cluster, settings)
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
