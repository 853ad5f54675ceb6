"""Sentences are found by their ids. What the code asks for: `test_sentences.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from labs.base import words as module
from labs.base.words import Words, listed
from labs.chapters import all_experiments, words_of
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options


@pytest.fixture
def words(tmp_path: Path) -> Words:
    (tmp_path / "en.toml").write_text(
        'plain = "no values"\n'
        "[crash]\n"
        'title = "{lost:,} of {acks} are gone"\n'
        'lead = { one = "{names} has no leader", other = "{names} have no leader" }\n'
        "[crash.options]\n"
        'some = "some"\n'
        'none = "none"\n'
    )
    (tmp_path / "ko.toml").write_text('[crash]\ntitle = "{acks}에서 {lost:,}건이 사라졌다"\n')
    return Words(str(tmp_path / "crash.py"))


def test_a_sentence_is_found_by_its_id(words: Words) -> None:
    assert words("plain") == "no values"
    assert words("crash.title", lost=1000, acks="acks=1") == "1,000 of acks=1 are gone"


def test_one_is_told_from_many(words: Words) -> None:
    assert words("crash.lead", count=1, names="a-0") == "a-0 has no leader"
    assert words("crash.lead", count=2, names="a-0 and a-1") == "a-0 and a-1 have no leader"


def test_a_section_keeps_the_order_of_the_table(words: Words) -> None:
    assert words.under("crash.options") == {"some": "some", "none": "none"}
    assert list(words.under("crash.options")) == ["some", "none"]


def test_another_language_stands_beside_and_what_it_lacks_is_said_in_english(
    words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LANGUAGE", "ko")
    assert words("crash.title", lost=100, acks="acks=1") == "acks=1에서 100건이 사라졌다"
    assert words("plain") == "no values"


def test_names_are_listed_as_one_says_them() -> None:
    assert [listed("ABC"[:count]) for count in (1, 2, 3)] == ["A", "A and B", "A, B and C"]


@pytest.mark.parametrize("name", ["crash", "crash.nothing", "crash.title"])
def test_a_mistake_is_loud(words: Words, name: str) -> None:
    with pytest.raises(KeyError):
        words(name)


@pytest.mark.parametrize("experiment", all_experiments(), ids=lambda experiment: experiment.name)
def test_every_experiment_finds_its_sentences(experiment: Experiment) -> None:
    say, what = words_of(experiment.name)
    assert experiment.question == say(f"{what}.question")
    assert experiment.question.endswith("?")
    assert experiment.says("predict")
    if isinstance(experiment.ask, Options):
        for about in ("options", "why"):
            assert tuple(say.under(f"{what}.{about}")) == experiment.ask.options
    else:
        assert experiment.says("why")
