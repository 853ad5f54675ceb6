"""What is answered in a notebook is noted, and told again: recap, progress, `labs progress`."""

from __future__ import annotations

import json
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
from tests.widgets import find


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The progress of this test's learner; it is not there yet."""
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "work"))
    return tmp_path / "work" / "progress.jsonl"


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
    assert "newer version" in find(asked.widget, "t-feedback").value
    predict("overview.where").choose("evenly")
    told = reconcile("overview.where", "one_partition")
    assert told.right is False
    assert "newer version" in told.explanation
    assert "newer version" in recap("overview").headline
    assert "newer version" in progress().said
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
    assert told.headline == "You predicted 3 results. The cluster contradicted 2:"
    where, billing = told.items
    for words in ("where.predict", "where.options.evenly", "where.options.one_partition"):
        assert say(words) in where
    assert say("billing.predict") in billing
    assert "You predicted: 0 flights. Measured: 2,000 flights." in billing
    assert "one quiz question; right at the first try: 0" in told.quizzes
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
    assert "You have predicted nothing in this chapter yet" in recap("overview").headline
    predict("overview.latest").choose("none")
    reconcile("overview.latest", "none")
    told = recap("overview")
    assert told.headline == "You predicted one result. The cluster contradicted none."
    assert told.items == []
    with pytest.raises(BadInput, match="no chapter is called 'nowhere'"):
        recap("nowhere")


def test_a_question_that_is_asked_no_more_is_still_told() -> None:
    compared("overview.gone", "this", "that", False)
    assert recap("overview").items == ["overview.gone You predicted: this. Measured: that."]


def test_the_picture_counts_each_chapter_in_its_order() -> None:
    assert progress().view is None
    assert "Nothing is noted yet" in progress().said
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
    assert "Predictions: 3; contradicted by the cluster: 2" in data["text/plain"]


def test_nothing_noted_draws_nothing() -> None:
    assert progress()._repr_mimebundle_() == ({"text/plain": progress().said}, {})


# -- the command -----------------------------------------------------------------------------------


def labs(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["progress", *arguments])


def figures() -> Any:
    return json.loads(labs("--json").output)


def test_the_command_tells_each_chapter(file: Path) -> None:
    assert figures() == {"file": str(file), "chapters": []}
    assert "Nothing is noted yet" in labs().output
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
    said = labs().output
    assert "1 predicted, 1 of them contradicted" in said
    assert str(file) in said


def test_it_goes_out_and_in_as_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predict_wrongly()
    assert labs("export", str(tmp_path / "mine.jsonl")).output.startswith("One note is in")
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "elsewhere"))
    assert "One note of" in labs("import", str(tmp_path / "mine.jsonl")).output
    assert "0 notes of" in labs("import", str(tmp_path / "mine.jsonl")).output
    assert figures()["chapters"][0]["predicted"] == 1
    assert isinstance(labs("export", str(tmp_path / "mine.jsonl")).exception, LabsError)
