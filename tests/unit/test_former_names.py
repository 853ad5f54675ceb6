"""An experiment that has moved to another chapter is still found by its old name."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter

import pytest

from labs.app.run import listing
from labs.base.errors import BadInput
from labs.chapters import acks, all_experiments, find
from labs.experiment.experiment import Experiment
from labs.experiment.settings import Choice, resolve
from tests.course import texts

OLD = "producers.floor"


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """One that was `producers.floor` before."""
    experiment = dataclasses.replace(find("acks.min_isr"), formerly=(OLD,))
    others = [one for one in acks.EXPERIMENTS if one.name != experiment.name]
    monkeypatch.setattr(acks, "EXPERIMENTS", (*others, experiment))
    return experiment


def test_both_names_find_it(moved: Experiment) -> None:
    assert find(OLD) is find("acks.min_isr") is moved


def test_without_a_former_name_it_is_not_found() -> None:
    with pytest.raises(BadInput, match=r"no experiment 'producers\.floor'"):
        find(OLD)


def test_only_the_new_name_is_listed(moved: Experiment, capsys: pytest.CaptureFixture[str]) -> None:
    listing(as_json=True)
    listed = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert moved.name in listed
    assert OLD not in listed


def test_a_former_name_belongs_to_one_experiment() -> None:
    names = Counter(n for e in all_experiments() for n in (e.name, *e.formerly))
    assert [name for name, count in names.items() if count > 1] == []
    for experiment in all_experiments():
        assert all(find(old) is experiment for old in experiment.formerly)


def test_a_former_value_of_a_setting_is_taken_for_an_option() -> None:
    choices = [s for e in all_experiments() for s in e.settings if isinstance(s, Choice)]
    former = [(choice, old) for choice in choices for old in choice.formerly]
    assert former
    for choice, old in former:
        assert old not in choice.options
        assert choice.parse(old) in choice.options
        assert resolve([choice], {choice.name: old}) == {choice.name: choice.formerly[old]}


def test_no_text_uses_a_former_name() -> None:
    known = {experiment.name for experiment in all_experiments()}
    for text in texts():
        code = "\n".join(cell.source for cell in text.code)
        assert set(re.findall(r'panel\("([\w.]+)"', code)) <= known, text.chapter
