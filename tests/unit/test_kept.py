"""What a notebook's panel has found is given to one test alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labs.experiment.experiment import Experiment
from labs.experiment.result import Result
from labs.workload.judgements import VALID, Counts, Report
from tests import kept

ONE: Any = None


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The values of `acks` with which an experiment was really run, in a kernel that keeps."""
    seen: list[str] = []

    def run(self: Experiment, _cluster: object, values: dict[str, Any]) -> Result:
        seen.append(values["acks"])
        report = Report(VALID, Counts(1, 1, 0, 0, 1, 0))
        return Result(self.name, values, report, "t", [], 1.0, {})

    monkeypatch.setenv("LABS_TEST_HOMES", str(tmp_path / "h"))
    monkeypatch.setattr(kept, "spied", lambda one: one)
    monkeypatch.setattr(Experiment, "run", run)
    kept.keep_each()
    return seen


def test_a_panel_runs_once_with_the_same_settings(found: list[str]) -> None:
    one = Experiment("a.b", ONE, (), ONE)
    results = [one.run(ONE, {"acks": acks}) for acks in ("1", "1", "all")]
    assert found == ["1", "all"]
    assert results[0] is results[1]


def test_one_test_gets_it_and_the_next_one_runs_the_experiment(found: list[str]) -> None:
    del found
    Experiment("a.b", ONE, (), ONE).run(ONE, {"acks": "1"})
    assert kept.taken("a.b", {"acks": "all"}) is None
    result = kept.taken("a.b", {"acks": "1"})
    assert result is not None
    assert (result.experiment, result.settings) == ("a.b", {"acks": "1"})
    assert kept.taken("a.b", {"acks": "1"}) is None


def test_without_this_runs_homes_nothing_is_kept(
    found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del found
    monkeypatch.delenv("LABS_TEST_HOMES")
    Experiment("a.b", ONE, (), ONE).run(ONE, {"acks": "1"})
    assert kept.taken("a.b", {"acks": "1"}) is None
