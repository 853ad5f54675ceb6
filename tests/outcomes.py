"""What tests ask of an experiment's result."""

from __future__ import annotations

from labs.chapters import find
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.kafka.cluster import Cluster


def run_of(chapter: str, cluster: Cluster, what: str, /, **settings: object) -> Result:
    """Run a chapter's experiment, named by the second half of its name."""
    result = find(f"{chapter}.{what}").run(cluster, settings)
    assert result.conclusion
    assert result.views
    return result


def measured(result: Result, name: str) -> float:
    """A measurement that is a number."""
    value = result.measurements[name]
    assert isinstance(value, int | float)
    return value


def came_true(result: Result) -> str | None:
    """Which of the options that a learner may predict came true."""
    ask = find(result.experiment).ask
    assert isinstance(ask, Options)
    option = ask.measured(result)
    assert option is None or option in ask.options
    return option
