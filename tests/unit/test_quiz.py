"""Predictions and quizzes, answered from code and by their own buttons."""

from __future__ import annotations

from html import unescape

import pytest

from labs.base.errors import BadInput
from labs.chapters import words_of
from labs.experiment.settings import unit_named
from labs.notebook.prediction import Number, Prediction, predict, prediction
from labs.notebook.quiz import Quiz, quiz
from labs.notebook.reconciliation import reconcile
from tests.said import like, said
from tests.widgets import find, hooks, hooks_in

RECORDS = Number("records", 0, 100)
OPTIONS = ["all of them", "only those with `acks=all`", "none"]


@pytest.fixture
def number() -> Prediction:
    return predict("How many of 100 records survive?", RECORDS, key="survive")


@pytest.fixture
def choice() -> Prediction:
    return predict("Which records survive?", OPTIONS, key="which")


def press(asked: Prediction, which: str) -> None:
    find(asked.widget, f"t-{which}").click()


# --- predictions ----------------------------------------------------------------------------------


def test_the_slider_locks_an_answer_in(number: Prediction) -> None:
    assert number.answer is None
    find(number.widget, "t-input").value = 40
    press(number, "lock")
    assert number.answer == 40
    assert all(find(number.widget, f"t-{which}").disabled for which in ("input", "lock", "skip"))
    assert number.words(40) in find(number.widget, "t-feedback").value


def test_an_option_locks_an_answer_in(choice: Prediction) -> None:
    find(choice.widget, "t-input").value = OPTIONS[1]
    press(choice, "lock")
    assert choice.answer == OPTIONS[1]
    assert "<code>acks=all</code>" in find(choice.widget, "t-feedback").value


def test_nothing_chosen_is_nothing_locked(choice: Prediction) -> None:
    press(choice, "lock")
    assert choice.answer is None
    assert said("notebook", "predict.choose") in find(choice.widget, "t-feedback").value
    assert not find(choice.widget, "t-input").disabled


def test_it_can_be_skipped(choice: Prediction) -> None:
    press(choice, "skip")
    assert choice.skipped
    assert choice.answer is None


def test_code_answers_as_the_button_does(choice: Prediction) -> None:
    choice.choose("none")
    assert choice.answer == "none"
    assert find(choice.widget, "t-input").value == "none"


@pytest.mark.parametrize("answer", [-1, 101, "forty"])
def test_a_number_out_of_bounds_is_refused(number: Prediction, answer: float) -> None:
    with pytest.raises(BadInput, match=like("notebook", "predict.out_of_bounds")):
        number.choose(answer)
    assert number.answer is None


def test_an_option_never_offered_is_refused(choice: Prediction) -> None:
    with pytest.raises(BadInput, match=like("notebook", "no_option")):
        choice.choose("some")


def test_it_is_found_by_its_key_and_asked_anew(choice: Prediction) -> None:
    assert prediction("which") is choice
    assert prediction("nothing") is None
    choice.choose("none")
    again = predict("Which records survive?", OPTIONS, key="which")
    assert prediction("which") is again
    assert again.answer is None


def test_one_option_is_no_question() -> None:
    with pytest.raises(BadInput, match=like("notebook", "predict.too_few")):
        predict("Well?", ["yes"], key="x")


# --- reconciling ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("measured", "right"), [(40, True), (49, True), (51, False), (10, False)])
def test_a_number_is_right_when_it_is_close(
    number: Prediction, measured: float, right: bool
) -> None:
    number.choose(40)
    assert reconcile(number, measured).right is right


def test_both_numbers_are_named(number: Prediction) -> None:
    number.choose(100)
    told = reconcile("survive", 10, "The followers lagged.")
    predicted, measured = number.words(100), number.words(10)
    wrong = said("notebook", "reconciled.wrong", predicted=predicted, measured=measured)
    assert told.verdict == wrong
    bundle = told._repr_mimebundle_()
    assert "The followers lagged." in bundle["text/html"]
    assert "labs-wrong" in bundle["text/html"]
    assert bundle["text/plain"].startswith(f"≠ {wrong}")


def test_close_is_not_called_exact(number: Prediction) -> None:
    number.choose(40)
    predicted, measured = number.words(40), number.words(45)
    assert reconcile(number, 40).verdict == said(
        "notebook", "reconciled.exact", predicted=predicted
    )
    close = said("notebook", "reconciled.close", predicted=predicted, measured=measured)
    assert reconcile(number, 45).verdict == close


def test_an_option_is_right_when_it_is_the_one(choice: Prediction) -> None:
    choice.choose("none")
    assert reconcile(choice, "none").right is True
    assert reconcile(choice, "all of them").right is False


def test_no_prediction_is_no_error(choice: Prediction, number: Prediction) -> None:
    number.skip()
    skipped = said("notebook", "reconciled.skipped", measured=number.words(10))
    assert reconcile(number, 10).verdict == skipped
    assert reconcile(choice, "none").right is None
    assert reconcile("never asked", 10).right is None


def test_a_measurement_that_was_no_option_is_a_mistake_of_the_author(choice: Prediction) -> None:
    with pytest.raises(BadInput, match=like("notebook", "reconciled.no_option")):
        reconcile(choice, "half of them")


@pytest.mark.parametrize(
    ("value", "words"), [(3, "3 ms"), (1234567, "1,234,567 ms"), (0.25, "0.25 ms")]
)
def test_numbers_are_said_with_their_unit(value: float, words: str) -> None:
    assert Number("ms").words(value) == words


def test_a_chapters_table_has_the_words_of_a_prediction() -> None:
    say, _ = words_of("overview")
    asked = predict("overview.where")
    assert asked.question == say("where.predict")
    assert asked.options == say.under("where.options")
    assert prediction("overview.where") is asked
    assert reconcile("overview.where", "evenly").right is None
    asked.choose("one_partition")
    told = reconcile("overview.where", "evenly")
    assert (told.predicted, told.measured, told.right) == ("one_partition", "evenly", False)
    for option in ("one_partition", "evenly"):
        assert say(f"where.options.{option}") in told.verdict


def test_what_nobody_asked_is_said_in_the_tables_words_all_the_same() -> None:
    """An experiment's question is never asked so: its panel asks it."""
    say, _ = words_of("acks")
    assert prediction("acks.leader_crash") is None
    told = reconcile("acks.leader_crash", "none")
    assert (told.measured, told.right) == ("none", None)
    assert say("leader_crash.options.none") in told.verdict


def test_a_number_is_asked_for_in_the_tables_words() -> None:
    say, _ = words_of("overview")
    asked = predict("overview.billing", Number("flights", 0, 2000, 100))
    assert asked.question == say("billing.predict")
    asked.choose(2000)
    assert reconcile("overview.billing", 2000).right is True


def test_an_unknown_chapter_is_refused() -> None:
    with pytest.raises(BadInput, match=like("chapters", "no_chapter.what")):
        predict("nowhere.where")
    with pytest.raises(BadInput, match=like("chapters", "no_chapter.what")):
        quiz("nowhere.where", answer="one_partition")


# --- quizzes --------------------------------------------------------------------------------------

FEEDBACK = {
    "only for the leader": "That is `acks=1`.",
    "for the whole current ISR": "Yes, for every replica in it.",
    "for min.insync.replicas": "That is only the least that must be there.",
}


def ask() -> Quiz:
    return quiz("What does `acks=all` wait for?", FEEDBACK, answer="for the whole current ISR")


def test_each_option_has_its_feedback() -> None:
    asked = ask()
    assert asked.choose("only for the leader") == "That is `acks=1`."
    assert said("notebook", "quiz.wrong") in find(asked.widget, "t-feedback").value
    assert "<code>acks=1</code>" in find(asked.widget, "t-feedback").value
    assert not asked.solved
    asked.choose("for the whole current ISR")
    assert said("notebook", "quiz.right") in find(asked.widget, "t-feedback").value
    assert asked.solved
    assert not asked.correct  # not at the first try
    assert len(asked.attempts) == 2


def test_a_chapters_table_has_the_words_of_a_quiz() -> None:
    say, _ = words_of("overview")
    asked = quiz("overview.reading_order", answer="by_partition")
    assert asked.question == say("reading_order.quiz")
    assert asked.options == say.under("reading_order.options")
    assert asked.choose("none") == say("reading_order.why.none")
    assert not asked.solved
    asked.choose("by_partition")
    assert asked.solved


def test_the_buttons_choose() -> None:
    asked = ask()
    leader, current_isr = (find(asked.widget, f"t-option-{number}") for number in (0, 1))
    current_isr.click()
    assert asked.correct
    assert current_isr.icon == "check"
    assert leader.icon != "check"


def test_an_option_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match=like("notebook", "no_option")):
        ask().choose("nothing")


def test_the_answer_must_be_an_option() -> None:
    with pytest.raises(BadInput, match=like("notebook", "quiz.no_answer")):
        quiz("?", FEEDBACK, answer="something else")


def test_hooks_for_browser_tests(choice: Prediction) -> None:
    assert {"t-predict", "t-predict-which"} <= hooks(choice.widget)
    asked = ask()
    assert "t-quiz" in hooks(asked.widget)
    assert {"t-option-0", "t-option-1", "t-option-2"} <= hooks_in(asked.widget)


def test_a_static_page_shows_question_and_options(choice: Prediction, number: Prediction) -> None:
    for shown, words in (
        (choice, OPTIONS),
        (
            number,
            [said("notebook", "predict.number", unit=unit_named(RECORDS.unit), low=0, high=100)],
        ),
        (ask(), list(FEEDBACK)),
    ):
        bundle = shown._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in bundle
        html = unescape(bundle["text/html"].replace("<code>", "`").replace("</code>", "`"))
        assert shown.question in html
        for option in words:
            assert f"<li>{option}</li>" in html
            assert option in bundle["text/plain"]
    shown, folded = ask()._repr_mimebundle_()["text/html"].split("<details>")
    assert "every replica in it" not in shown  # no spoilers
    assert f"<b>{said('notebook', 'quiz.the_right_one')}</b> " in folded
    assert "every replica in it" in folded


def test_markup_is_escaped() -> None:
    asked = quiz("Is 1 < 2 & <b>?", {"<i>yes": "It's `<true>`", "no": ""}, answer="<i>yes")
    assert "1 &lt; 2 &amp; &lt;b&gt;?" in asked._repr_mimebundle_()["text/html"]
    asked.choose("<i>yes")
    assert "<code>&lt;true&gt;</code>" in find(asked.widget, "t-feedback").value
