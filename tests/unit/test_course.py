"""A notebook is what its text and its own run make, and a chapter's languages share their code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from labs.base import words as words_module
from labs.base.words import FIRST
from labs.chapters import all_experiments
from labs.notebook.called import called
from labs.notebook.finding import RESULT_MIME
from labs.supervise.home import PROJECT
from tests import prose
from tests.course import Text, chapters, code_of, texts, with_table
from tests.outcomes import came_true_in, contradictions
from tests.save_notebooks import Busy, chosen, main, require_idle, save

#: A belief before a prediction. `beliefs` in the front matter says of each whether it is true.
HEARD = re.compile(r"\b[Yy]ou may\s+have\s+heard\b")
REPLAY = "systems.replay"

each_text = pytest.mark.parametrize(
    "text", texts(), ids=lambda text: f"{text.chapter}-{text.language}"
)

TEXT = """---
title: Small
minutes: 5
does: count
numbers:
  lost: {run: small.crash, settings: {acks: 1}, shows: counts.lost}
---

# Small

*5 minutes*

+++

**{{lost}} are gone.**

```{code-cell}
:tags: [nbval-check-output]

print("a cell")
```
"""


@each_text
def test_the_notebook_is_what_its_text_and_its_run_make(text: Text) -> None:
    saved = nbformat.read(text.saved, as_version=4)
    assert text.drift(saved) == "", "edit the text, then `make notebooks`"


@each_text
def test_what_came_true_in_the_saved_runs_is_what_the_text_says(text: Text) -> None:
    saved = nbformat.read(text.saved, as_version=4)
    assert contradictions(saved, text.came_true) == [], "what the text says, or the run, is wrong"
    assert came_true_in(saved).keys() == text.came_true.keys(), "each panel that asks"


def test_a_run_that_came_out_otherwise_is_noticed() -> None:
    """As when Pulsar had not deleted in time, and the panel took what was left for the truth."""
    (systems,) = (text for text in chapters() if text.chapter.startswith("10"))
    book = nbformat.read(systems.saved, as_version=4)
    for figures in (found for found in prose.results(book) if found["experiment"] == REPLAY):
        figures["measurements"]["pulsar_topic_again_records"] = 40
    (told,) = contradictions(book, systems.came_true)
    assert "and_pulsar" in told and told.startswith("replay ")


@pytest.mark.parametrize("text", chapters(), ids=lambda text: text.chapter)
def test_what_one_may_have_heard_is_true_here_and_false_there(text: Text) -> None:
    """Else the phrase would give the answer away."""
    told = text.front.get("beliefs", [])
    assert len(HEARD.findall(text.path.read_text("utf-8"))) == len(told), "one for each, in order"
    assert set(told) == {True, False} if len(told) > 1 else set(told) <= {True, False}


def test_it_is_true_about_as_often_as_false() -> None:
    told = [belief for text in chapters() for belief in text.front.get("beliefs", [])]
    assert 0.4 <= told.count(True) / len(told) <= 0.6


@each_text
def test_every_language_has_the_same_code(text: Text) -> None:
    assert text.strays(Text(text.path.with_name(f"{FIRST}.md"))) == ""


@each_text
def test_every_number_asked_for_is_named(text: Text) -> None:
    named = set(prose.NAMED.findall(text.path.read_text("utf-8")))
    assert named == set(text.numbers)


@each_text
def test_what_the_text_speaks_of_is_shown_and_nothing_else(
    text: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An experiment says which of its measurements are not folded away: those of the text."""
    monkeypatch.setattr(words_module, "LANGUAGE", text.language)
    chapter = text.chapter.partition("_")[2]
    ours = [e for e in all_experiments() if e.name.partition(".")[0] == chapter]
    numbers = [(asked["run"], asked["shows"]) for asked in text.numbers.values()]
    phrases = prose.measurements_named(text.book())
    words = {name: called(e).measured(name)[0] for e in ours for name in e.shown}
    assert phrases <= set(words.values())
    for experiment in ours:
        asked = {shows.partition(".")[2] for run, shows in numbers
                 if run == experiment.name and shows.startswith("measurements.")}  # fmt: skip
        assert asked <= set(experiment.shown)
        unused = [name for name in experiment.about if name not in asked]
        assert [name for name in unused if words[name] not in phrases] == []


@each_text
def test_its_front_matter_and_its_first_cell_agree_on_the_minutes(text: Text) -> None:
    stated = rf"(?<!\d){text.front['minutes']}(?!\d)"  # in Korean, `5분` is one word
    assert re.search(stated, text.book().cells[0].source)


def test_the_readmes_table_is_made_of_the_texts() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    assert with_table(readme, chapters()) == readme, "`make notebooks` makes it anew"
    assert with_table(readme, chapters()[1:]) != readme


def test_chapters_with_experiments_stand_in_the_order_of_their_texts() -> None:
    listed = list(dict.fromkeys(e.name.partition(".")[0] for e in all_experiments()))
    names = [text.chapter.partition("_")[2] for text in chapters()]
    assert listed == [name for name in names if name in listed]


# -- drift is seen ---------------------------------------------------------------------------------


@pytest.fixture
def text(tmp_path: Path) -> Text:
    return written(tmp_path, TEXT)


def written(project: Path, words: str, language: str = FIRST) -> Text:
    path = project / "course" / "99_small" / f"{language}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words, "utf-8")
    return Text(path)


def run(text: Text, **counts: int) -> Any:
    """The text's notebook, as a run with these counts would have left it."""
    book = text.book()
    shown = {RESULT_MIME: result(acks="1", counts=counts)}
    code_of(book)[0].outputs = [nbformat.v4.new_output("display_data", data=shown)]
    prose.fill(book, text.numbers)
    return book


def result(*, acks: str, counts: dict[str, int], **measurements: Any) -> dict[str, Any]:
    return {
        "experiment": "small.crash",
        "settings": {"acks": acks, "seconds": 3},
        "counts": counts,
        "measurements": measurements,
    }


def test_a_text_is_read_as_it_was_meant(text: Text) -> None:
    book = text.book()
    nbformat.validate(book)
    assert [cell.cell_type for cell in book.cells] == ["markdown", "markdown", "code"]
    assert [cell.source for cell in book.cells] == [
        "# Small\n\n*5 minutes*",
        "**{{lost}} are gone.**",
        'print("a cell")',
    ]
    assert book.cells[2].metadata == {"tags": ["nbval-check-output"]}


def test_what_was_just_saved_has_no_drift(text: Text, tmp_path: Path) -> None:
    saved = run(text, lost=1202)
    assert saved.cells[1].source == "**1,202 are gone.**"
    nbformat.write(saved, tmp_path / "saved.ipynb")
    assert text.drift(nbformat.read(tmp_path / "saved.ipynb", as_version=4)) == ""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("are gone", "were gone", "cell 2 must be '**1,202 were gone.**'"),
        ("a cell", "another cell", "code: cell 1 must be 'print(\"another cell\")'"),
        (":tags: [nbval-check-output]\n", "", "code: cell 1"),
        ("+++\n", "", "cell 1 must be"),
        ("\n+++\n", '\n```{code-cell}\nprint("one more")\n```\n', "code: cell 1"),
        ("counts.lost", "counts.found", "does not show lost as counts.found"),
        ("acks: 1", "acks: all", "must come from one run of small.crash {'acks': 'all'}, not 0"),
        ("{{lost}}", "{{lots}}", "the prose names {{lots}}"),
    ],
)
def test_a_text_that_was_changed_since_is_seen(
    text: Text, tmp_path: Path, old: str, new: str, told: str
) -> None:
    saved = run(text, lost=1202)
    assert old in TEXT
    assert told in written(tmp_path, TEXT.replace(old, new, 1)).drift(saved)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda book: book.cells[1].update(source="**1,203 are gone.**"), "'**1,202 are gone.**'"),
        (lambda book: book.cells.pop(), "code: cell 1"),
        (lambda book: book.metadata.update(labs={}), "the metadata differ"),
        (
            lambda book: book.cells[2].outputs[0].data[RESULT_MIME]["counts"].update(lost=7),
            "cell 2 must be '**7 are gone.**'",
        ),
    ],
    ids=["number", "cell", "metadata", "output"],
)
def test_a_notebook_that_was_changed_by_hand_is_seen(
    text: Text, change: Callable[[Any], object], told: str
) -> None:
    saved = run(text, lost=1202)
    change(saved)
    assert told in text.drift(saved)


# -- saving ----------------------------------------------------------------------------------------

SHOWS = f"""import os; from IPython.display import display
print("a cell" * int(os.environ["LABS_UNATTENDED"]))  # nobody is there to press Run
display({{"{RESULT_MIME}": {{"experiment": "small.crash", "settings": {{"acks": "1"}},
         "counts": {{"lost": 1202}}}}}}, raw=True)"""


def test_a_text_is_run_and_saved_without_drift(tmp_path: Path) -> None:
    text = written(tmp_path, TEXT.replace('print("a cell")', SHOWS))
    save(text)
    saved = nbformat.read(tmp_path / "notebooks" / "99_small.ipynb", as_version=4)
    nbformat.validate(saved)
    assert text.drift(saved) == ""
    assert saved.cells[1].source == "**1,202 are gone.**"
    assert saved.cells[2].execution_count == 1
    assert saved.cells[2].outputs[0].text == "a cell\n"


@pytest.mark.parametrize(
    ("code", "error"),
    [("1 / 0", CellExecutionError), ('print("a cell")', LookupError)],
    ids=["a cell fails", "a number is missing"],
)
def test_what_went_wrong_is_not_saved(tmp_path: Path, code: str, error: type[Exception]) -> None:
    text = written(tmp_path, TEXT.replace('print("a cell")', code))
    text.saved.parent.mkdir()
    text.saved.write_text("as it was")
    with pytest.raises(error):
        save(text)
    assert text.saved.read_text() == "as it was"


# -- another language ------------------------------------------------------------------------------


LINKS = (
    "[1](01_one.ipynb#a) [2](02_two.ipynb) [words](glossary.md) [Kafka](https://a.org) [up](#up)"
)


def test_links_lead_to_a_chapter_in_the_same_language_and_else_to_what_lies_above(
    tmp_path: Path,
) -> None:
    (tmp_path / "course" / "01_one").mkdir(parents=True)
    (tmp_path / "course" / "01_one" / "ko.md").touch()
    words = TEXT.replace("**{{lost}} are gone.**", LINKS)
    told = {
        language: re.findall(
            r"\]\(([^)]+)\)", written(tmp_path, words, language).book().cells[1].source
        )
        for language in ("en", "ko")
    }
    elsewhere = ["https://a.org", "#up"]
    assert told["en"] == ["01_one.ipynb#a", "02_two.ipynb", "glossary.md", *elsewhere]
    assert told["ko"] == ["01_one.ipynb#a", "../02_two.ipynb", "../glossary.md", *elsewhere]


def test_a_notebook_speaks_the_language_of_its_folder(text: Text, tmp_path: Path) -> None:
    asks = "from labs.base import words; print(words.LANGUAGE)"
    words = TEXT.replace('print("a cell")', asks).replace("{{lost}}", "3")
    assert text.language == FIRST
    save(written(tmp_path, words, "ko"))
    saved = nbformat.read(tmp_path / "notebooks" / "ko" / "99_small.ipynb", as_version=4)
    assert code_of(saved)[0].outputs[0].text == "ko\n"


def test_a_second_language_stands_beside_the_first(text: Text, tmp_path: Path) -> None:
    _, _, after = TEXT.partition("\n---\n")
    words = f"---\ntitle: 작은 장\nminutes: 5\ndoes: 세기\n---\n{after}"
    korean = written(tmp_path, words.replace("are gone", "건이 사라졌다"), "ko")
    assert korean.strays(text) == ""
    assert korean.notebook == Path("notebooks/ko/99_small.ipynb")
    saved = run(korean, lost=3)
    assert saved.cells[1].source == "**3 건이 사라졌다.**", "its numbers are asked for in en.md"
    assert korean.drift(saved) == ""
    assert [t.language for t in texts(tmp_path)] == ["en", "ko"]
    assert [t.language for t in chapters(tmp_path)] == ["en"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a cell", "셀"),
        (":tags: [nbval-check-output]\n", ""),
        ("```{code-cell}\n", "```python\n"),
        ("# Small", "```{code-cell}\n1 + 1\n```"),
    ],
)
def test_a_second_language_with_other_code_is_told_of(
    text: Text, tmp_path: Path, old: str, new: str
) -> None:
    assert old in TEXT
    korean = written(tmp_path, TEXT.replace(old, new, 1), "ko")
    assert korean.strays(text).startswith("99_small/ko.md, code: cell 1 must be")


# -- numbers ---------------------------------------------------------------------------------------


def filled(words: str, asked: dict[str, Any], *outputs: dict[str, Any]) -> str:
    """The words with the numbers that a cell `crash.run()` with these outputs shows."""
    cell = nbformat.v4.new_code_cell("crash.run()")
    cell.outputs = [nbformat.v4.new_output("display_data", data=data) for data in outputs]
    told = nbformat.v4.new_markdown_cell(words)
    prose.fill(nbformat.v4.new_notebook(cells=[cell, told]), asked)
    return str(told.source)


def carried(**told: Any) -> dict[str, Any]:
    return {RESULT_MIME: result(**{"acks": "1", "counts": {}, **told})}


@pytest.mark.parametrize(
    ("value", "form", "told"),
    [
        (1202, {}, "1,202"),
        (1.2604, {}, "1.26"),
        (1.2604, {"digits": 1}, "1.3"),
        (13.0, {"digits": 1}, "13.0"),
        (2611.4, {"scale": 0.001, "digits": 1}, "2.6"),
        (15630.2, {"scale": 0.001}, "16"),
        ("broker.session.timeout.ms", {}, "broker.session.timeout.ms"),
    ],
)
def test_a_measurement_is_told_as_precisely_as_asked(
    value: Any, form: dict[str, Any], told: str
) -> None:
    asked = {"it": {"run": "small.crash", "shows": "measurements.it", **form}}
    assert filled("{{it}} or {{ it }}", asked, carried(it=value)) == f"{told} or {told}"


def test_the_settings_tell_the_runs_apart() -> None:
    runs = [carried(acks=acks, counts={"lost": n}) for acks, n in (("0", 7), ("1", 8), ("all", 0))]
    where = {"run": "small.crash", "shows": "counts.lost"}
    asked = {
        "one": {**where, "settings": {"acks": 1}},
        "all": {**where, "settings": {"acks": "all", "seconds": 3}},
    }
    assert filled("{{one}} and {{all}}", asked, *runs, runs[1]) == "8 and 0"
    with pytest.raises(LookupError, match=r"one run of small\.crash \{\}, not 3"):
        filled("{{any}}", {"any": where}, *runs)


def test_a_measurement_that_could_not_be_told_is_no_number() -> None:
    asked = {"it": {"run": "small.crash", "shows": "measurements.it"}}
    with pytest.raises(LookupError, match=r"does not show it as measurements\.it"):
        filled("{{it}}", asked, carried(it=None))


# -- which chapters --------------------------------------------------------------------------------


def test_chapters_are_chosen_by_number_or_name() -> None:
    first = chapters()[0]
    assert chosen([]) == chosen([text.chapter for text in chapters()]) != []
    for name in (first.chapter, first.chapter[:2]):
        assert {text.chapter for text in chosen([name])} == {first.chapter}
    with pytest.raises(LookupError, match=f"no chapter 98; there are {first.chapter}, "):
        chosen(["98"])


def test_a_busy_machine_is_not_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 99.0, 99.0))
    require_idle()  # it was busy, and is not
    monkeypatch.setattr("os.getloadavg", lambda: (99.0, 0.0, 0.0))
    with pytest.raises(Busy, match=r"this machine is busy .* or say --busy$"):
        main(["03"])
    with pytest.raises(LookupError, match="there is no chapter nowhere"):
        main(["--busy", "nowhere"])
