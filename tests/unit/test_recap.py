"""What is answered in a notebook is noted, and told again: recap, progress, `labs progress`."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from labs.app.cli import cli
from labs.base.errors import BadInput, LabsError
from labs.chapters import numbers, words_of
from labs.learner.notes import compared, judged, notes
from labs.notebook.prediction import Number, predict
from labs.notebook.progress import progress
from labs.notebook.quiz import quiz
from labs.notebook.recap import recap
from labs.notebook.reconciliation import reconcile
from tests.said import like, said
from tests.widgets import find


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The progress of this test's learner; it is not there yet."""
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "work"))
    return tmp_path / "work" / "progress.jsonl"


def headline(made: int, found: str) -> str:
    return f"{said('notebook', 'recap.made', count=made)} {found}"


def told(what: str, count: int, file: Path) -> str:
    """What the command says of notes that went out or in."""
    return said("app", f"progress.{what}", count=count, file=file)


def predict_wrongly() -> None:
    predict("overview.where").choose("evenly")
    reconcile("overview.where", "one_partition")


def test_a_prediction_is_noted_beside_what_was_measured() -> None:
    predict("overview.where").choose("evenly")
    assert notes() == []
    reconcile("overview.where", "one_partition", settings={"keys": 3})
    (note,) = notes()
    assert (note.kind, note.name) == ("compared", "overview.where")
    assert note.told["settings"] == {"keys": 3}
    assert (note.told["predicted"], note.told["measured"]) == ("evenly", "one_partition")
    assert note.told["right"] is False


def test_what_was_skipped_or_asked_in_other_words_is_not_noted() -> None:
    predict("overview.where").skip()
    reconcile("overview.where", "one_partition")
    predict("Well?", ["yes", "no"], key="well").choose("yes")
    reconcile("well", "no")
    quiz("Well?", {"yes": "", "no": ""}, answer="no").choose("yes")
    assert notes() == []


def test_a_quiz_notes_each_try() -> None:
    asked = quiz("overview.reading_order", answer="by_partition")
    asked.choose("none")
    asked.choose("by_partition")
    assert [(note.told["answer"], note.told["right"]) for note in notes()] == [
        ("none", False),
        ("by_partition", True),
    ]


def test_what_can_not_be_kept_is_said_and_stops_nothing(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"v": 99}\n')
    asked = quiz("overview.reading_order", answer="by_partition")
    asked.choose("by_partition")
    assert asked.solved
    newer = said("learner", "notes.newer", file=file)
    assert newer in unescape(find(asked.widget, "t-feedback").value)
    predict("overview.where").choose("evenly")
    told = reconcile("overview.where", "one_partition")
    assert told.right is False
    assert newer in told.explanation
    assert newer in recap("overview").headline
    assert newer in progress().said
    assert file.read_text() == '{"v": 99}\n'


def test_a_recap_names_what_the_cluster_contradicted() -> None:
    predict_wrongly()
    predict("overview.latest").choose("none")
    reconcile("overview.latest", "none")
    predict("overview.billing", Number("flights", 0, 2000, 100)).choose(0)
    reconcile("overview.billing", 2000)
    quiz("overview.reading_order", answer="by_partition").choose("none")
    told = recap("overview")
    say, _ = words_of("overview")
    assert told.headline == headline(3, said("notebook", "recap.contradicted", count=2))
    where, billing = told.items
    for words in ("where.predict", "where.options.evenly", "where.options.one_partition"):
        assert say(words) in where
    assert say("billing.predict") in billing
    assert "0 flights" in billing and "2,000 flights" in billing
    assert told.quizzes == said("notebook", "recap.quizzes", count=1, right=0)
    shown = told._repr_mimebundle_()
    assert told.headline in shown["text/html"] and told.headline in shown["text/plain"]


def test_the_same_question_for_other_settings_says_for_which() -> None:
    for acks, predicted in (("1", "none"), ("all", "some")):
        wrong = {"none": "some", "some": "none"}[predicted]
        settings = {"acks": acks, "records": 300}
        compared("acks.leader_crash", predicted, wrong, False, settings=settings)
    one, other = recap("acks").items
    assert "(acks=1)" in one and "(acks=all)" in other


def test_a_setting_whose_values_had_other_ids_is_the_same_question() -> None:
    """Told by today's names; a learner reads what the panel shows."""
    for copies, node in (("one copy", "stays away"), ("1", "away"), ("3", "away")):
        settings = {"copies": copies, "node": node}
        compared("systems.kill", "none", "all", False, settings=settings)
    one, three = recap("systems").items
    say, _ = words_of("systems")
    for item, copies in ((one, "1"), (three, "3")):
        assert f"(copies={say(f'kill.values.copies.{copies}')})" in item


def test_an_experiment_that_has_moved_asks_the_same_question() -> None:
    for name in ("producers.retries", "exactly_once.retries"):
        compared(name, "nothing", "twice", False, settings={"paused": "the leader"})
    (item,) = recap("exactly_once").items
    assert words_of("exactly_once")[0]("retries.predict") in item


def test_nothing_predicted_is_one_sentence_and_all_right_another() -> None:
    assert recap("overview").headline == said("notebook", "recap.nothing")
    predict("overview.latest").choose("none")
    reconcile("overview.latest", "none")
    told = recap("overview")
    assert told.headline == headline(1, said("notebook", "recap.confirmed"))
    assert told.items == []
    with pytest.raises(BadInput, match=like("chapters", "no_chapter.what")):
        recap("nowhere")


def test_a_question_that_is_asked_no_more_is_still_told() -> None:
    compared("overview.gone", "this", "that", False)
    asked = {"question": "overview.gone", "predicted": "this", "measured": "that", "where": ""}
    assert recap("overview").items == [said("notebook", "recap.item", **asked)]


def test_the_picture_counts_each_chapter_in_its_order() -> None:
    assert progress().view is None
    assert progress().said == said("notebook", "progress.nothing")
    compared("acks.leader_crash", "none", "some", False)
    predict_wrongly()
    predict("overview.latest").choose("none")
    reconcile("overview.latest", "none")
    judged(f"{numbers()['acks']}.1", "pass")
    made = progress()
    assert made.view is not None
    assert [label[:2] for label in made.view.labels] == sorted(
        [numbers()["overview"], numbers()["acks"]]
    )
    assert made.view.series == {
        "came_true": [1, 0],
        "contradicted": [1, 1],
        "right": [0, 0],
        "passed": [0, 1],
    }
    data, _ = made._repr_mimebundle_()
    assert data["image/png"]
    title = said("notebook", "progress.title", made=3, contradicted=2)
    assert title in data["text/plain"]


def test_nothing_noted_draws_nothing() -> None:
    assert progress()._repr_mimebundle_() == ({"text/plain": progress().said}, {})


# -- the command -----------------------------------------------------------------------------------


def labs(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["progress", *arguments])


def figures() -> Any:
    return json.loads(labs("--json").output)


def test_the_command_tells_each_chapter(file: Path) -> None:
    assert figures() == {"file": str(file), "chapters": []}
    assert said("app", "progress.nothing") in labs().output
    predict_wrongly()
    judged(f"{numbers()['overview']}.2", "not yet")
    (chapter,) = figures()["chapters"]
    assert chapter == {
        "chapter": "overview",
        "number": "01",
        "predicted": 1,
        "contradicted": 1,
        "quizzes": 0,
        "right": 0,
        "exercises": 1,
        "passed": 0,
    }
    printed = labs().output
    assert said("app", "progress.predicted", predicted=1, contradicted=1) in printed
    assert str(file) in printed


def test_it_goes_out_and_in_as_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predict_wrongly()
    mine = tmp_path / "mine.jsonl"
    assert labs("export", str(mine)).output.strip() == told("exported", 1, mine)
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "elsewhere"))
    assert labs("import", str(mine)).output.strip() == told("imported", 1, mine)
    assert labs("import", str(mine)).output.strip() == told("imported", 0, mine)
    assert figures()["chapters"][0]["predicted"] == 1
    assert isinstance(labs("export", str(mine)).exception, LabsError)
